import ClusterModel
import Foundation

extension RegionTables {
    /// Where a result is, and what brings its rows into an order.
    fileprivate func place(of result: RegionResult, _ target: Publication.Target) -> (table: String, order: [String]) {
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

extension Store {
    /// Rows of what jobs have published of a region.
    ///
    /// - Throws: `GridError(.notFound)` for a region or a job that is not there, `.usage` for a filter that the result's rows
    ///   have no column for.
    package func results(_ request: ResultRequest, region: Region) throws(GridError) -> ResultPage {
        let action = Action("read \(request.result.rawValue) of \(region)", needs: "SELECT on the region's tables")
        return try pool.read(action) { connection in
            _ = try Self.requireRegion(region, connection)
            let target = try request.job.map { try Self.target(of: $0, region, connection) } ?? .region
            let (table, order) = RegionTables(region).place(of: request.result, target)
            let columns = try connection.execute(
                """
                SELECT attname FROM pg_attribute
                WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
                """, [.text(table)]
            ).texts().filter { $0 != "correlation_id" }
            guard !columns.isEmpty else {
                throw GridError(.conflict, "table \(table) is not there: run 'alphagrid db init' with this version")
            }
            var values: [SQLValue] = []
            let conditions = try Self.conditions(request, columns, &values)
            let fields = columns.map { "t.\(quoted(identifier: $0))" }.joined(separator: ", ")
            let sorting = order.map { columns.contains($0) ? Self.bytewise($0) : "" }.filter { !$0.isEmpty }
            values += [.integer(Int64(request.limit + 1)), .integer(Int64(request.offset))]
            let found = try connection.execute(
                """
                SELECT json_build_array(\(fields)) FROM \(quoted(identifier: table)) t
                \(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))")
                ORDER BY \(sorting.joined(separator: ", ")) LIMIT $\(values.count - 1) OFFSET $\(values.count)
                """, values
            ).texts()
            let decoder = JSONDecoder()
            let rows = try found.prefix(request.limit).map { try decoder.decode([JSONValue].self, from: Data($0.utf8)) }
            return ResultPage(
                region: region.name, result: request.result, table: table, columns: columns, rows: rows,
                nextOffset: found.count > request.limit ? request.offset + request.limit : nil)
        }
    }

    /// Ids in the order of their bytes, whatever the database's collation.
    private static func bytewise(_ column: String) -> String {
        let isText = column.hasPrefix("alpha_id") || column == "kind" || column == "method" || column == "feature"
        return "t.\(column)\(isText ? " COLLATE \"C\"" : "")"
    }

    private static func target(
        of job: JobID, _ region: Region, _ connection: Connection
    ) throws -> Publication.Target {
        let found = try connection.execute(
            "SELECT result_table FROM jobs WHERE job_id = $1 AND region = $2", [.integer(job.rawValue), .text(region.name)])
        guard found.rowCount == 1 else { throw GridError(.notFound, "region \(region) has no job \(job)") }
        guard let table = found.text(0, 0) else { throw GridError(.notFound, "job \(job) has published nothing") }
        return table.hasSuffix("_jobs") ? .job : .region
    }

    private static func conditions(
        _ request: ResultRequest, _ columns: [String], _ values: inout [SQLValue]
    ) throws(GridError) -> [String] {
        var conditions: [String] = []
        if let job = request.job {
            // A view over tables of which only one is of a job says nothing of jobs.
            guard columns.contains("job_id") else {
                throw GridError(.usage, "result '\(request.result.rawValue)' is not kept by job: leave the job out")
            }
            values.append(.integer(job.rawValue))
            conditions.append("t.job_id = $\(values.count)")
        }
        if let method = request.method {
            guard columns.contains("method") else {
                throw GridError(.usage, "result '\(request.result.rawValue)' has no method to choose")
            }
            values.append(.text(method))
            conditions.append("t.method = $\(values.count)")
        }
        if let alpha = request.alphaID {
            let names = ["alpha_id", "alpha_id_a", "alpha_id_b"].filter(columns.contains)
            guard !names.isEmpty else { throw GridError(.usage, "result '\(request.result.rawValue)' names no single alphas") }
            values.append(.text(alpha))
            conditions.append("(\(names.map { "t.\($0) = $\(values.count)" }.joined(separator: " OR ")))")
        }
        return conditions
    }
}
