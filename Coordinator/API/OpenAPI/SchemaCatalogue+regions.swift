import ClusterModel

// What is said of regions, alphas and pairs.
extension SchemaCatalogue {
    static let region = Schema.object(
        [
            "region": .string(), "convention": .string(), "window": .string(), "min_overlap": .integer(),
            "alphas": .object(["submitted": .integer(), "unsubmitted": .integer()]), "universes": .list(.string()),
            "delays": .list(.integer()), "types": .list(.string()),
            "results": .list(
                .object(
                    ["result": .oneOf(RegionResult.allCases.map(\.rawValue)), "rows": .integer()],
                    optional: ["job_id": .jobID, "last_updated": .time])),
        ], optional: ["first_day": .date, "last_day": .date])

    static let resultPage = Schema.object(
        [
            "region": .string(), "result": .oneOf(RegionResult.allCases.map(\.rawValue)), "table": .string(),
            "columns": .list(.string()), "rows": .list(.list(.any()), "One value per column; times are UTC and end in Z."),
        ],
        optional: [
            "next_offset": .integer("Pass as offset to get the next page."), "total": .integer("Rows on all pages together."),
        ])

    private static let row = Schema.map(.any(), "A row by column.")

    static let alpha = Schema.object(
        [
            "alpha_id": .string(), "region": .string(), "submitted": .truth(), "metadata": row,
            "code_marks": .list(
                .object([
                    "start": .integer("In UTF-16 units."), "end": .integer(),
                    "kind": .oneOf(CodeMark.Kind.allCases.map(\.rawValue)),
                ])),
            "clusters": .list(row), "most_correlated": neighbours, "least_correlated": neighbours,
        ],
        optional: [
            "description": .string(), "code": .string(), "code_error": .string(), "correlation": row, "cross_correlation": row,
            "features": row, "selection": row,
        ])

    private static let neighbours = Schema.list(
        .object(["alpha_id": .string(), "r": .correlation], optional: ["n": .integer("Common returns.")]))

    static let pnl = Schema.object([
        "alpha_id": .string(), "region": .string(), "pool": .string(), "dates": .list(.date),
        "pnl": .list(Schema.number().orNull, "Cumulative; null where the alpha has no value."),
    ])

    private static let span = Schema.object([
        "from": .integer(), "to": .integer("Behind the last."), "step": .integer("Alphas per cell."),
    ])

    static let matrix = Schema.object(
        [
            "region": .string(), "pool": .string(), "convention": .string(), "window": .string(), "min_overlap": .integer(),
            "order": .oneOf(MatrixRequest.Order.allCases.map(\.rawValue)), "count": .integer("Alphas in all."), "rows": span,
            "columns": span, "row_ids": .list(.string(), "The first alpha of each cell."), "column_ids": .list(.string()),
            "values": .list(.list(Schema.correlation.orNull)),
        ],
        optional: [
            "method": .string(), "labels": .list(Schema.integer().orNull, "Cluster of each row, -1 noise."),
        ])

    static let usage = Schema.object([
        "region": .string(), "pool": .string(), "operators": words, "fields": words, "alphas": .integer(),
        "unreadable": .integer(), "without_code": .integer(),
    ])

    private static let words = Schema.list(
        .object(["name": .string(), "category": .string(), "alphas": .integer("How many use it.")]))

    static let checkRequest = Schema.object(
        [
            "candidates": .list(
                .object(
                    [
                        "alpha_id": .string(lengthMax: Limits.alphaIDBytesMax), "dates": .list(.date),
                        "pnl": .list(Schema.number().orNull),
                    ], optional: ["sharpe": .number().orNull], isClosed: true), countMax: Limits.checkCandidatesMax)
        ],
        optional: [
            "pool": .string().orNull, "convention": .oneOf(Convention.allCases.map(\.rawValue)).orNull,
            "window": .string().orNull, "min_overlap": .integer("", 2...Limits.daysMax).orNull,
            "top": .integer("", 1...Limits.checkTopMax).orNull, "absolute": .truth().orNull,
        ], isClosed: true)

    static let check = Schema.object(
        [
            "pool": .string(), "pool_size": .integer(), "convention": .string(), "window": .string(),
            "min_overlap": .integer(), "absolute": .truth(), "threshold": .number(), "warnings": .list(.string()),
            "candidates": .list(.ref("Candidate")),
        ],
        optional: [
            "region": .string(), "window_start": .date, "window_end": .date,
            "candidate_correlations": .list(.list(Schema.correlation.orNull)),
        ])

    static let candidate = Schema.object(
        [
            "alpha_id": .string(), "verdict": .oneOf(["pass", "fail", "undefined"]), "reason": .string(),
            "pool_size": .integer(), "pair_count": .integer(), "reaching_count": .integer(), "blocking_count": .integer(),
            "blocking": .list(.ref("Match")), "most": .list(.ref("Match")), "least": .list(.ref("Match")),
        ],
        optional: [
            "sharpe": .number(), "sharpe_source": .string(), "max_correlation": .correlation, "min_correlation": .correlation,
        ])

    static let match = Schema.object(
        ["alpha_id": .string(), "correlation": .correlation, "days": .integer()],
        optional: ["sharpe": .number(), "sharpe_source": .string(), "surpassed": .truth()])

    static let pair = Schema.object(
        [
            "pool": .string(), "window": .string(), "min_overlap": .integer(),
            "alphas": .list(
                .object(
                    ["alpha_id": .string(), "days": .integer(), "gaps": .integer()],
                    optional: ["first_day": .string(), "last_day": .string()])),
            "correlations": .list(.ref("PairCorrelation")),
        ], optional: ["region": .string()])

    static let pairCorrelation = Schema.object(
        ["days": .integer()],
        optional: [
            "convention": .string(), "year": .string(), "correlation": .correlation, "first_day": .string(),
            "last_day": .string(), "reason": .string(), "years": .list(.ref("PairCorrelation")),
        ])
}
