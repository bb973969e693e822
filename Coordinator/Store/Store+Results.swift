import ClusterModel

extension RegionTables {
    /// Where a result is, and what brings its rows into an order.
    func place(of result: RegionResult, _ target: Publication.Target) -> (table: String, order: [String]) {
        switch result {
        case .correlation: (target == .region ? correlation : correlationJobs, ["alpha_id"])
        case .crossCorrelation: (target == .region ? correlationUnsubmitted : correlationUnsubmittedJobs, ["alpha_id"])
        case .neighbours: (neighbours(target), ["alpha_id", "kind", "rank"])
        case .edges: (edges(target), ["alpha_id_a", "alpha_id_b"])
        case .features: (features(target), ["alpha_id"])
        case .clusters: (clusters(target), ["alpha_id", "method"])
        case .clusterMethods: (clusterMethods(target), ["method"])
        case .clusterFeatures: (clusterFeatures(target), ["method", "label", "feature"])
        case .tree: (tree(target), ["alpha_id_a", "alpha_id_b"])
        case .selection: (selection(target), ["alpha_id"])
        }
    }
}

/// What a page of results answers.
struct PageQuestion: Hashable, Sendable {
    let request: ResultRequest
    let region: Region
    /// Names by their bytes: to Swift, those that Unicode takes for equal are.
    private let names: [[UInt8]?]

    init(_ request: ResultRequest, _ region: Region) {
        self.request = request
        self.region = region
        let texts = [request.method, request.alphaID, request.universe, request.type] + request.filters.map(\.value)
        names = texts.map { $0.map { Array($0.utf8) } }
    }
}

extension Store {
    /// Rows of what jobs have published of a region.
    ///
    /// - Throws: `GridError(.notFound)` for a region or a job that is not there, `.usage` for a filter, a sort or a column that
    ///   the result's rows do not have.
    package func results(_ request: ResultRequest, region: Region) throws(GridError) -> ResultPage {
        let action = Action(
            "read \(request.result.rawValue) of \(region)", needs: "SELECT on the region's tables",
            whenSlow: "ask for fewer rows, by filters or in another order")
        return try pagesRead.answer(to: PageQuestion(request, region), action, from: pool) { connection in
            let regionID = try Self.requireRegion(region, connection)
            let target = try request.job.map { try Self.target(of: $0, request.result, region, connection) } ?? .region
            let (table, order) = RegionTables(region).place(of: request.result, target)
            let columns = try TableColumn.all(of: table, connection).filter { $0.name != "correlation_id" }
            guard !columns.isEmpty else {
                throw GridError(.conflict, "table \(table) is not there: run 'alphagrid db init' with this version")
            }
            var query = ResultSQL(result: request.result, columns: columns)
            try query.add(request, regionID: regionID)
            let shown = try request.columns.map { names in try names.map { name in try query.column(name) } } ?? columns
            let sorting = try query.sorting(request.sort, then: order)
            let from = "FROM \(quoted(identifier: table)) t \(query.condition)"
            let count = query.values.count
            // Rows are chosen first and written afterwards: otherwise the times of all rows would be written as JSON has them
            // before a page of them is taken, which costs several times as much as the rest.
            let found = try connection.execute(
                """
                SELECT \(shown.map(\.selection).joined(separator: ", ")) FROM (
                    SELECT t.* \(from) ORDER BY \(sorting) LIMIT $\(count + 1) OFFSET $\(count + 2)) t
                ORDER BY \(sorting)
                """, query.values + [.integer(Int64(request.limit + 1)), .integer(Int64(request.offset))])
            let rows = try (0..<min(request.limit, found.rowCount)).map { row in
                try shown.enumerated().map { try $1.value(found.text(row, $0)) }
            }
            var page = ResultPage(
                region: region.name, result: request.result, table: table, columns: shown.map(\.name), rows: rows,
                nextOffset: found.rowCount > request.limit ? request.offset + request.limit : nil)
            // A page that ends the list says how long it is, unless it is behind the end.
            page.total = request.offset + rows.count
            if page.nextOffset != nil || rows.isEmpty && request.offset > 0 {
                page.total = try connection.execute("SELECT count(*) \(from)", query.values).integer(0, 0) ?? 0
            }
            if page.total == 0 { try Self.requireNames(in: request, region, regionID, target, connection) }
            return page
        }
    }

    /// Where there are no rows: a method or an alpha that the region does not have is a mistake, and no answer.
    private static func requireNames(
        in request: ResultRequest, _ region: Region, _ regionID: Int, _ target: Publication.Target, _ connection: Connection
    ) throws {
        if let method = request.method {
            let table = quoted(identifier: RegionTables(region).clusterMethods(target))
            let present = try connection.execute(
                """
                SELECT DISTINCT method COLLATE "C" AS method FROM \(table)
                WHERE $1::bigint IS NULL OR job_id = $1 ORDER BY method
                """, [request.job.map { .integer($0.rawValue) } ?? .null]
            ).texts()
            guard present.isEmpty || present.contains(method) else {
                let names = present.map(\.printable).joined(separator: ", ")
                throw GridError(
                    .notFound,
                    "there are no rows by method '\(method.printable)' of region \(region): expected one of \(names)")
            }
        }
        if let alpha = request.alphaID { _ = try requireAlpha(alpha, region, regionID, connection) }
    }

    /// Where a job's rows are. What a job that was removed has published to the region's own tables is still there.
    private static func target(
        of job: JobID, _ result: RegionResult, _ region: Region, _ connection: Connection
    ) throws -> Publication.Target {
        let found = try connection.execute(
            "SELECT result_table FROM jobs WHERE job_id = $1 AND region = $2", [.integer(job.rawValue), .text(region.name)])
        guard found.rowCount == 1 else {
            if try hasRows(of: job, in: RegionTables(region).place(of: result, .region).table, connection) { return .region }
            throw GridError(
                .notFound,
                "region \(region) has no job \(job), nor rows of '\(result.rawValue)' from one of this number that was removed")
        }
        guard let table = found.text(0, 0) else { throw GridError(.notFound, "job \(job) has published nothing") }
        return table.hasSuffix("_jobs") ? .job : .region
    }
}
