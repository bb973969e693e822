import ClusterModel

extension RegionTables {
    /// Without references to `alphas`, because checking them would take longer than all the rest: `publishCorrelation`
    /// and `remove` leave no row of an alpha that is gone.
    ///
    /// All lists of an alpha in one row, because it is the rows that take PostgreSQL long to replace. The region's own do not
    /// say which job they are of: where a job finds what is there already, they stay (see `Store+PublishLists`).
    func neighbourTable(_ target: Publication.Target) -> Table {
        let (isRegion, lists) = (target == .region, quoted(identifier: neighbourLists(target)))
        let kinds = CorrelationNeighbour.Kind.allCases.map { kind in
            "('\(kind.rawValue)', \(Self.listColumns(kind).map { "l.\($0)" }.joined(separator: ", ")))"
        }
        let row = "LEFT JOIN \(quoted(identifier: correlation)) c ON c.alpha_id = l.alpha_id"
        return Table(
            name: neighbourLists(target),
            columns: ["alpha_id varchar(50) NOT NULL"]
                + CorrelationNeighbour.Kind.allCases.flatMap { kind in
                    zip(Self.listColumns(kind), ["text[]", "double precision[]", "integer[]"]).map { "\($0) \($1) NOT NULL" }
                } + (isRegion ? [] : [Self.jobColumn]),
            constraints: ["PRIMARY KEY (\(isRegion ? "" : "job_id, ")alpha_id)"],
            view: (
                neighbours(target),
                """
                SELECT l.alpha_id, k.kind::varchar(10) AS kind, n.rank::integer AS rank, n.neighbour_id, n.correlation, n.days,
                    \(isRegion ? "c" : "l").job_id
                FROM \(lists) l \(isRegion ? row : "")
                    CROSS JOIN LATERAL (VALUES \(kinds.joined(separator: ", "))) AS k (kind, ids, correlations, days)
                    CROSS JOIN LATERAL unnest(k.ids, k.correlations, k.days)
                    WITH ORDINALITY AS n (neighbour_id, correlation, days, rank)
                """
            ))
    }

    /// Where the neighbours of one kind stand: who they are, r, and common days.
    static func listColumns(_ kind: CorrelationNeighbour.Kind) -> [String] {
        ["ids", "correlations", "days"].map { "\(kind.rawValue)_\($0)" }
    }

    func edgeTable(_ target: Publication.Target) -> Table {
        Table(
            name: edges(target),
            columns: [
                "alpha_id_a varchar(50) NOT NULL", "alpha_id_b varchar(50) NOT NULL",
                "correlation double precision NOT NULL", "days integer", target == .region ? "job_id bigint" : Self.jobColumn,
            ],
            constraints: ["PRIMARY KEY (\(target == .region ? "" : "job_id, ")alpha_id_a, alpha_id_b)"],
            indexes: ["alpha_id_b"])
    }
}
