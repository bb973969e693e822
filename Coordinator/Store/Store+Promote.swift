import ClusterModel

/// What `promote` or `remove` moved or deleted.
package struct AlphaChangeReport: Codable, Hashable, Sendable {
    package var alphas: Int
    package var pnlRows: Int
}

extension Store {
    /// Moves unsubmitted alphas with their metadata and PnL to the submitted ones, where they become REGULAR.
    ///
    /// - Throws: `GridError(.notFound)` naming ids that are not among the unsubmitted, `.conflict` for ids that are also
    ///   submitted; nothing is moved then.
    package func promote(alphaIDs: [String]) throws(GridError) -> AlphaChangeReport {
        try changing("promote", needs: "SELECT, INSERT and DELETE on the tables of both kinds of alphas") { connection in
            let ids = Self.distinct(alphaIDs)
            let byRegion = try Self.alphasByRegion(ids, table: "alphas_unsubmitted", kind: "unsubmitted", connection)
            return try Self.promote(byRegion, connection)
        }
    }

    /// Promotes every unsubmitted alpha of a region.
    package func promote(region: Region) throws(GridError) -> AlphaChangeReport {
        try changing("promote", needs: "SELECT, INSERT and DELETE on the tables of both kinds of alphas") { connection in
            let regionID = try Self.requireRegion(region, connection)
            let ids = try connection.execute(
                "SELECT alpha_id FROM alphas_unsubmitted WHERE region_id = $1 ORDER BY alpha_id COLLATE \"C\" FOR UPDATE",
                [.integer(Int64(regionID))]
            ).texts()
            return try Self.promote(ids.isEmpty ? [] : [(region, ids)], connection)
        }
    }

    /// Deletes alphas with their PnL, pool memberships and result rows, also those of jobs.
    ///
    /// Result rows of other alphas may still name a deleted one until the region is computed again.
    ///
    /// - Throws: `GridError(.notFound)` naming ids that are not there; nothing is deleted then.
    package func remove(alphaIDs: [String], unsubmitted: Bool) throws(GridError) -> AlphaChangeReport {
        try changing("remove", needs: "SELECT and DELETE on the tables of alphas and of their regions") { connection in
            let ids = Self.distinct(alphaIDs)
            let kind = unsubmitted ? "unsubmitted" : "submitted"
            let table = unsubmitted ? "alphas_unsubmitted" : "alphas"
            var report = AlphaChangeReport(alphas: 0, pnlRows: 0)
            for (region, ids) in try Self.alphasByRegion(ids, table: table, kind: kind, connection) {
                let names = RegionTables(region)
                let own = names.pnl(unsubmitted: unsubmitted)
                for (index, name) in ([own] + names.alphaRowsOfJobs).enumerated() {
                    let deleted = try connection.execute(
                        "DELETE FROM \(quoted(identifier: name)) WHERE alpha_id = ANY ($1::text[])", [.texts(ids)])
                    if index == 0 { report.pnlRows += deleted.affectedRows }
                }
                try Self.deleteRelations(of: ids, names, connection)
                try Self.deleteClusters(of: ids, names, connection)
                // The other tables refer to this one and follow it.
                report.alphas += try connection.execute(
                    "DELETE FROM \(table) WHERE alpha_id = ANY ($1::text[])", [.texts(ids)]
                ).affectedRows
                try Self.audit("remove", region: region, subject: Self.list(ids), detail: ["alphas": ids.count], connection)
            }
            return report
        }
    }

    private func changing<R>(
        _ verb: String, needs: String, _ body: (Connection) throws -> R
    ) throws(GridError) -> R {
        try pool.write(Action("\(verb) alphas", needs: needs), patience: .bulk, body)
    }

    private static func promote(
        _ byRegion: [(region: Region, ids: [String])], _ connection: Connection
    ) throws -> AlphaChangeReport {
        let columns = AlphaColumn.all.map(\.name).joined(separator: ", ")
        var report = AlphaChangeReport(alphas: 0, pnlRows: 0)
        for (region, ids) in byRegion {
            let present = try connection.execute(
                "SELECT alpha_id FROM alphas WHERE alpha_id = ANY ($1::text[]) ORDER BY alpha_id COLLATE \"C\" LIMIT 6",
                [.texts(ids)]
            ).texts()
            guard present.isEmpty else {
                throw GridError(
                    .conflict,
                    "cannot promote alphas: \(list(present)) is already submitted: remove it from the unsubmitted ones instead")
            }
            report.alphas += try connection.execute(
                """
                INSERT INTO alphas (alpha_id, region_id, alpha_type, \(columns))
                SELECT alpha_id, region_id, 'REGULAR', \(columns) FROM alphas_unsubmitted
                WHERE alpha_id = ANY ($1::text[]) ORDER BY alpha_id
                """, [.texts(ids)]
            ).affectedRows
            let names = RegionTables(region)
            report.pnlRows += try connection.execute(
                """
                INSERT INTO \(quoted(identifier: names.pnl(unsubmitted: false))) (alpha_id, date, pnl)
                SELECT alpha_id, date, pnl FROM \(quoted(identifier: names.pnl(unsubmitted: true)))
                WHERE alpha_id = ANY ($1::text[]) ORDER BY alpha_id, date
                """, [.texts(ids)]
            ).affectedRows
            try connection.execute("DELETE FROM alphas_unsubmitted WHERE alpha_id = ANY ($1::text[])", [.texts(ids)])
            try audit("promote", region: region, subject: list(ids), detail: ["alphas": ids.count], connection)
        }
        return report
    }

    /// The alphas' regions in order of name, each with its ids in bytewise order; the rows are locked.
    private static func alphasByRegion(
        _ ids: [String], table: String, kind: String, _ connection: Connection
    ) throws -> [(region: Region, ids: [String])] {
        let found = try connection.execute(
            """
            SELECT a.alpha_id, r.region_name FROM \(table) a LEFT JOIN regions r ON r.region_id = a.region_id
            WHERE a.alpha_id = ANY ($1::text[]) ORDER BY r.region_name COLLATE "C", a.alpha_id COLLATE "C" FOR UPDATE OF a
            """, [.texts(ids)])
        let missing = absent(ids, from: found.texts())
        guard missing.isEmpty else {
            throw GridError(.notFound, "alpha \(list(missing)) is not among the \(kind) alphas, so nothing was changed")
        }
        var groups: [(region: Region, ids: [String])] = []
        for row in 0..<found.rowCount {
            let id = found.text(row, 0) ?? ""
            guard let region = found.text(row, 1).flatMap({ try? Region($0) }) else {
                throw GridError(
                    .conflict,
                    "alpha \(id.printable) has no valid region in table \(table): give it one with "
                        + "'alphagrid db import-alphas --region'"
                )
            }
            if groups.last?.region == region { groups[groups.count - 1].ids.append(id) } else { groups.append((region, [id])) }
        }
        return groups
    }

    /// The ids that are not in `present`. Ids are compared as bytes, like PostgreSQL does and `String` does not.
    static func absent(_ ids: [String], from present: [String]) -> [String] {
        let known = AlphaIndex(present)
        return ids.filter { known.find($0) < 0 }
    }

    /// Each id once, in order of first appearance.
    static func distinct(_ ids: [String]) -> [String] {
        var seen: Set<[UInt8]> = []
        return ids.filter { seen.insert(Array($0.utf8)).inserted }
    }
}
