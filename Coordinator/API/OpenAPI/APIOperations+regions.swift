import ClusterModel
import Requests

// What can be asked of regions and their alphas.
extension APIOperation {
    private static let pool = Parameter.query("pool", .string("Pool of the region; the submitted alphas without."))
    private static let window = Parameter.query(
        "window", .pattern(#"^(all|[1-9][0-9]{0,4}d|1?[1-9]?[0-9]y)$"#, "all, or years such as 4y or days such as 400d."))

    static let regions: [APIOperation] = [
        APIOperation(
            route: "GET v1/regions", tag: "regions", summary: "Regions, and what is published of them.",
            answer: [.json(.ref("RegionList"))]),
        APIOperation(
            route: "GET v1/regions/:region/results/:result", tag: "regions", summary: "Rows of what jobs have published.",
            parameters: [region, .path("result", .oneOf(RegionResult.allCases.map(\.rawValue)))] + resultParameters,
            answer: [.json(.ref("ResultPage")), .text("text/csv"), .binary], problems: [404, 406, 409]),
        APIOperation(
            route: "GET v1/regions/:region/usage", tag: "regions",
            summary: "Operators and data fields of a pool's formulas, those that most alphas use first.",
            parameters: [region, pool], answer: [.json(.ref("Usage"))], problems: [404]),
        APIOperation(
            route: "GET v1/regions/:region/matrix", tag: "regions",
            summary: "A rectangle of a pool's correlation matrix; a cell of several pairs has the r of the largest |r|.",
            parameters: [
                region, pool, window,
                .query("order", .oneOf(["id", "cluster"], "By id, or alphas of one cluster side by side.")),
                .query("method", .string("Of the clusters.")),
                .query("rows", span), .query("columns", span),
                .query("size", .integer("Cells along an edge.", 1...Limits.matrixCellsMax)),
                .query("alphas", .string("Only these alphas, with commas between them, in this order.")),
                .query("format", .oneOf(["json", "npy"])),
            ],
            answer: [.json(.ref("Matrix")), .binary], problems: [404, 406, 409]),
        APIOperation(
            route: "POST v1/regions/:region/check", tag: "regions",
            summary: "Compares candidates with a pool and with each other; CSV has everything else in the query.",
            parameters: [
                region, pool, window, .query("convention", .oneOf(Convention.allCases.map(\.rawValue))),
                .query("min_overlap", .integer("", 2...Limits.daysMax)),
                .query("top", .integer("", 1...Limits.checkTopMax)), .query("absolute", .truth()),
            ],
            body: [.json(.ref("CheckRequest")), .text("text/csv")], answer: [.json(.ref("Check"))], problems: [404, 409]),
    ]

    private static let span = Schema.pattern("^[0-9]{1,6}:[0-9]{1,7}$", "FROM:TO, positions from 0; TO is behind the last.")

    private static let resultParameters: [Parameter] = [
        .query("alpha_id", .string("Rows that name this alpha.")),
        .query("job", .integer("Rows of this job.", 1...Int(Int64.max))),
        .query("method", .string("Rows of this method.")),
        .repeated(
            "filter",
            .pattern(
                "^[a-z0-9_]+:(null|notnull|(lt|le|gt|ge|eq|ne):.*)$",
                "COLUMN:COMPARISON:VALUE such as max_correlation:lt:0.3, or COLUMN:null; several hold together.")),
        .query("sort", .pattern("^-?[a-z0-9_]+(,-?[a-z0-9_]+){0,4}$", "Columns, with - before those that descend.")),
        .query("columns", .pattern("^[a-z0-9_]+(,[a-z0-9_]+)*$", "Only these columns.")),
        .query("universe", .string("Rows of alphas of this universe.")),
        .query("delay", .integer("Rows of alphas with this delay.", 0...1_000)),
        .query("type", .string("Rows of alphas of this type, such as SUPER.")),
        .query(
            "limit",
            .integer(
                "Rows of one page: at most \(Limits.resultRowsMax) as JSON. Files may have \(Limits.resultFileRowsMax).",
                1...Limits.resultFileRowsMax)),
        .query("offset", .integer("Rows to leave out at the beginning.", 0...Int(Int32.max))),
        .query("format", .oneOf(AnswerFormat.allCases.map(\.rawValue), "The header Accept may say it too.")),
    ]

    static let alphas: [APIOperation] = [
        APIOperation(
            route: "GET v1/regions/:region/alphas/:id", tag: "alphas", summary: "Everything that is known of one alpha.",
            parameters: [region, alpha], answer: [.json(.ref("Alpha"))], problems: [404]),
        APIOperation(
            route: "GET v1/regions/:region/alphas/:id/pnl", tag: "alphas", summary: "An alpha's PnL.",
            parameters: [region, alpha, pool], answer: [.json(.ref("PnL"))], problems: [404]),
        APIOperation(
            route: "GET v1/regions/:region/pairs", tag: "alphas",
            summary: "One pair under every convention, as a whole and by year.",
            parameters: [
                region, .query("a", .string("One alpha."), required: true),
                .query("b", .string("The other one."), required: true), pool, window,
                .query("min_overlap", .integer("", 2...Limits.daysMax)),
            ],
            answer: [.json(.ref("Pair"))], problems: [404]),
    ]
}
