import ClusterModel

extension Store {
    /// Everything the database knows of one alpha, but for its PnL.
    ///
    /// - Throws: `GridError(.notFound)` for a region or an alpha that is not there.
    package func alpha(_ id: String, region: Region) throws(GridError) -> AlphaView {
        let action = Action("read alpha \(id.printable)", needs: "SELECT on alphas and the region's tables")
        return try pool.read(action) { connection in
            let regionID = try Self.requireRegion(region, connection)
            var found: (row: [String: JSONValue], submitted: Bool)?
            for unsubmitted in [false, true] where found == nil {
                let table = RegionTables(region).alphas(unsubmitted: unsubmitted)
                let rows = try Self.rows(
                    table, "t.alpha_id = $1 AND t.region_id = $2", [.text(id), .integer(Int64(regionID))], connection)
                found = rows.first.map { ($0, !unsubmitted) }
            }
            guard let (found, submitted) = found else {
                throw GridError(.notFound, "region \(region) has no alpha '\(id.printable)'")
            }
            var row = found
            for name in ["alpha_id", "region_id"] { row[name] = nil }
            let (code, description) = (row.removeValue(forKey: "code"), row.removeValue(forKey: "description"))
            var view = AlphaView(alphaID: id, region: region.name, submitted: submitted, metadata: row)
            if case .text(let text) = code { view.code = text }
            if case .text(let text) = description { view.description = text }
            try Self.addResults(&view, RegionTables(region), connection)
            return view
        }
    }

    /// Which of both tables of alphas it is in.
    ///
    /// - Throws: `GridError(.notFound)` for a region or an alpha that is not there.
    package func isSubmitted(_ id: String, region: Region) throws(GridError) -> Bool {
        try pool.read(Action("look for alpha \(id.printable)", needs: "SELECT on alphas")) { connection in
            try Self.requireAlpha(id, region, try Self.requireRegion(region, connection), connection)
        }
    }

    /// - Returns: Whether it is submitted.
    static func requireAlpha(_ id: String, _ region: Region, _ regionID: Int, _ connection: Connection) throws -> Bool {
        let found = try connection.execute(
            """
            SELECT true FROM alphas WHERE alpha_id = $1 AND region_id = $2
            UNION ALL SELECT false FROM alphas_unsubmitted WHERE alpha_id = $1 AND region_id = $2 LIMIT 1
            """, [.text(id), .integer(Int64(regionID))])
        guard found.rowCount == 1 else { throw GridError(.notFound, "region \(region) has no alpha '\(id.printable)'") }
        return found.boolean(0, 0)
    }

    private static func addResults(_ view: inout AlphaView, _ tables: RegionTables, _ connection: Connection) throws {
        let id = SQLValue.text(view.alphaID)
        func rows(_ table: String) throws -> [[String: JSONValue]] {
            try Self.rows(table, "t.alpha_id = $1", [id], connection).map { row in
                var row = row
                for name in ["alpha_id", "correlation_id"] { row[name] = nil }
                return row
            }
        }
        view.correlation = try rows(tables.correlation).first
        if !view.submitted { view.crossCorrelation = try rows(tables.correlationUnsubmitted).first }
        view.features = try rows(tables.features(.region)).first
        view.selection = try rows(tables.selection(.region)).first
        view.clusters = try rows(tables.clusters(.region)).map { row in
            var row = row
            guard case .array(let values) = row["coordinates"] else { return row }
            for (name, value) in zip(["x", "y", "z"], values) { row[name] = value }
            return row
        }
        view.clusters.sort { Self.method(of: $0).utf8.lexicographicallyPrecedes(Self.method(of: $1).utf8) }
        let neighbours = try connection.execute(
            """
            SELECT kind, neighbour_id, correlation, days FROM \(quoted(identifier: tables.neighbours(.region)))
            WHERE alpha_id = $1 ORDER BY rank
            """, [id])
        for row in 0..<neighbours.rowCount {
            guard let other = neighbours.text(row, 1), let r = neighbours.real(row, 2) else { continue }
            let neighbour = AlphaView.Neighbour(alphaID: other, r: r, n: neighbours.integer(row, 3))
            switch neighbours.text(row, 0) {
            case CorrelationNeighbour.Kind.most.rawValue: view.mostCorrelated.append(neighbour)
            case CorrelationNeighbour.Kind.least.rawValue: view.leastCorrelated.append(neighbour)
            default: break
            }
        }
    }

    private static func method(of row: [String: JSONValue]) -> String {
        if case .text(let method) = row["method"] { return method }
        return ""
    }

    /// Rows by column, without the columns that are empty.
    private static func rows(
        _ table: String, _ condition: String, _ values: [SQLValue], _ connection: Connection
    ) throws -> [[String: JSONValue]] {
        let columns = try TableColumn.all(of: table, connection)
        guard !columns.isEmpty else { return [] }
        let found = try connection.execute(
            "SELECT \(columns.map(\.selection).joined(separator: ", ")) FROM \(quoted(identifier: table)) t WHERE \(condition)",
            values)
        return try (0..<found.rowCount).map { row in
            var fields: [String: JSONValue] = [:]
            for (at, column) in columns.enumerated() where found.text(row, at) != nil {
                fields[column.name] = try column.value(found.text(row, at))
            }
            return fields
        }
    }

    /// The order that published clusters bring a region's alphas into.
    package struct ClusterOrder: Sendable {
        package var method: String
        package var alphaIDs: [String]
        /// By alpha; -1 noise. None of alphas without a label.
        package var labels: ByAlphaID<Int>
        package init(method: String, alphaIDs: [String], labels: ByAlphaID<Int>) {
            self.method = method
            self.alphaIDs = alphaIDs
            self.labels = labels
        }
    }

    /// From left to right in the method's dendrogram where it has one, else cluster by cluster, noise last.
    ///
    /// - Parameter method: nil for `hdbscan`, or else the first by name that orders alphas.
    /// - Throws: `GridError(.notFound)` when no such clusters are published.
    package func clusterOrder(_ region: Region, method: String?) throws(GridError) -> ClusterOrder {
        let tables = RegionTables(region)
        let (methods, clusters) = (tables.clusterMethods(.region), tables.clusters(.region))
        return try pool.read(Action("read the clusters of \(region)", needs: "SELECT on \(methods)")) { connection in
            _ = try Self.requireRegion(region, connection)
            let found = try connection.execute(
                """
                SELECT method, to_json(leaves)::text FROM \(quoted(identifier: methods))
                WHERE (clusters IS NOT NULL OR leaves IS NOT NULL) AND ($1::text IS NULL OR method = $1)
                ORDER BY method <> 'hdbscan', method COLLATE "C" LIMIT 1
                """, [.optional(method)])
            guard let name = found.text(ifAnyRow: 0) else {
                let which = method.map { " by method '\($0.printable)'" } ?? ""
                throw GridError(
                    .notFound, "region \(region) has no published clusters\(which): run 'alphagrid run clusters' first")
            }
            let rows = try connection.execute(
                """
                SELECT alpha_id, label FROM \(quoted(identifier: clusters)) WHERE method = $1 AND label IS NOT NULL
                ORDER BY label < 0, label, alpha_id COLLATE "C"
                """, [.text(name)])
            var order = ClusterOrder(method: name, alphaIDs: [], labels: [:])
            for row in 0..<rows.rowCount {
                guard let id = rows.text(row, 0), let label = rows.integer(row, 1) else { continue }
                order.alphaIDs.append(id)
                order.labels[id] = label
            }
            if let leaves = found.text(0, 1) { order.alphaIDs = try Self.fromJSON(leaves, as: [String].self) }
            return order
        }
    }
}
