import ClusterModel

/// The part of a statement that a request for results decides. Names are compared with the table's own columns before they
/// become part of it; values travel beside it.
struct ResultSQL {
    let result: RegionResult
    let columns: [TableColumn]
    private(set) var values: [SQLValue] = []
    private var conditions: [String] = []

    init(result: RegionResult, columns: [TableColumn]) {
        self.result = result
        self.columns = columns
    }

    var condition: String { conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))" }

    /// - Throws: `GridError(.usage)` naming the columns there are.
    func column(_ name: String) throws(GridError) -> TableColumn {
        guard let column = columns.first(where: { $0.name == name }) else {
            let names = columns.map(\.name).sorted().joined(separator: ", ")
            throw GridError(.usage, "result '\(result.rawValue)' has no column '\(name.printable)': expected one of \(names)")
        }
        return column
    }

    mutating func add(_ request: ResultRequest, regionID: Int) throws(GridError) {
        if let job = request.job {
            // A view over tables of which only one is of a job says nothing of jobs.
            guard has("job_id") else {
                throw GridError(.usage, "result '\(result.rawValue)' is not kept by job: leave the job out")
            }
            conditions.append("t.job_id = \(place(.integer(job.rawValue)))")
        }
        if let method = request.method {
            guard has("method") else { throw GridError(.usage, "result '\(result.rawValue)' has no method to choose") }
            conditions.append("t.method = \(place(.text(method)))")
        }
        if let alpha = request.alphaID {
            let value = place(.text(alpha))
            conditions.append("(\(try alphaColumns().map { "t.\($0) = \(value)" }.joined(separator: " OR ")))")
        }
        for filter in request.filters { try add(filter) }
        try addMetadata(request, regionID)
    }

    private mutating func add(_ filter: ResultFilter) throws(GridError) {
        let column = try column(filter.column)
        let sign: String
        switch filter.comparison {
        case .null:
            conditions.append("\(column.reference) IS NULL")
            return
        case .notnull:
            conditions.append("\(column.reference) IS NOT NULL")
            return
        case .lt: sign = "<"
        case .le: sign = "<="
        case .gt: sign = ">"
        case .ge: sign = ">="
        case .eq: sign = "="
        case .ne: sign = "<>"
        }
        let (value, cast) = try column.operand(filter.value)
        conditions.append("\(column.ordered) \(sign) \(place(value))::\(cast)")
    }

    /// What the alphas of a row are is in other tables.
    private mutating func addMetadata(_ request: ResultRequest, _ regionID: Int) throws(GridError) {
        var wanted: [String] = []
        if let universe = request.universe { wanted.append("a.universe = \(place(.text(universe)))") }
        if let delay = request.delay { wanted.append("a.delay = \(place(.integer(Int64(delay))))") }
        if let type = request.type { wanted.append("a.alpha_type = \(place(.text(type)))") }
        guard !wanted.isEmpty else { return }
        let region = place(.integer(Int64(regionID)))
        for column in try alphaColumns() {
            let among = ["alphas", "alphas_unsubmitted"].map { table in
                "SELECT a.alpha_id FROM \(table) a WHERE a.region_id = \(region) AND \(wanted.joined(separator: " AND "))"
            }
            conditions.append("t.\(column) IN (\(among.joined(separator: " UNION ALL ")))")
        }
    }

    /// - Parameter order: What brings rows that are equal in `sort` into an order.
    func sorting(_ sort: [SortKey], then order: [String]) throws(GridError) -> String {
        var keys: [String] = []
        for key in sort {
            let column = try column(key.column)
            guard column.kind != .composite else {
                throw GridError(.usage, "cannot sort by '\(key.column)', which is a list or an object")
            }
            keys.append("\(column.ordered) \(key.isDescending ? "DESC" : "ASC") NULLS LAST")
        }
        keys += order.compactMap { name in columns.first { $0.name == name }?.ordered }
        return keys.joined(separator: ", ")
    }

    private func has(_ name: String) -> Bool { columns.contains { $0.name == name } }

    private func alphaColumns() throws(GridError) -> [String] {
        let names = ["alpha_id", "alpha_id_a", "alpha_id_b"].filter(has)
        guard !names.isEmpty else { throw GridError(.usage, "result '\(result.rawValue)' names no single alphas") }
        return names
    }

    private mutating func place(_ value: SQLValue) -> String {
        values.append(value)
        return "$\(values.count)"
    }
}
