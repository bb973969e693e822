import ClusterModel

/// What is stored of an alpha's formula.
package struct AlphaCode: Hashable, Sendable {
    package var alphaID: String
    /// SUPER alphas choose among others and mostly have no formula of their own.
    package var isSuper: Bool
    /// nil when none is stored, or nothing but blanks.
    package var code: String?

    package init(alphaID: String, isSuper: Bool = false, code: String?) {
        self.alphaID = alphaID
        self.isSuper = isSuper
        self.code = code
    }
}

/// Pairs of alphas that a region's published nearest neighbours by |r| name.
package struct ClosePairs: Hashable, Sendable {
    package struct Pair: Hashable, Sendable {
        package var alphaID: String
        package var neighbourID: String
        package var correlation: Double

        package init(alphaID: String, neighbourID: String, correlation: Double) {
            self.alphaID = alphaID
            self.neighbourID = neighbourID
            self.correlation = correlation
        }
    }

    /// The job that published the neighbours.
    package var jobID: JobID
    /// By alpha, then by rank; a pair comes twice when each is among the nearest of the other.
    package var pairs: [Pair]
    /// Alphas all of whose kept neighbours are that close, so that further ones may be too; bytewise.
    package var alphasCutShort: [String]

    package init(jobID: JobID, pairs: [Pair], alphasCutShort: [String] = []) {
        self.jobID = jobID
        self.pairs = pairs
        self.alphasCutShort = alphasCutShort
    }
}

extension Store {
    /// Alphas whose formulas one statement reads: each may have `Limits.metadataTextBytesMax`.
    private static let codesPerStatement = 200

    /// Hands over the formulas of a pool's alphas, in bytewise order of their ids; few are in memory at a time.
    ///
    /// Alphas that go meanwhile are left out.
    /// - Throws: `GridError(.notFound)` for an unknown region or pool.
    package func visitCodes(
        _ region: Region, pool name: String, _ visit: (AlphaCode) -> Void
    ) throws(GridError) {
        let ids = try poolMembers(region, pool: name)
        let table = RegionTables(region).alphas(unsubmitted: name == PoolName.unsubmitted)
        let action = Action("read the formulas of pool '\(name)' of \(region)", needs: "SELECT on \(table)")
        for start in stride(from: 0, to: ids.count, by: Self.codesPerStatement) {
            let part = Array(ids[start..<min(start + Self.codesPerStatement, ids.count)])
            // A transaction may run twice, so nothing is handed over from within it.
            let codes = try pool.read(action) { connection in
                let found = try connection.execute(
                    """
                    SELECT alpha_id, alpha_type IS NOT DISTINCT FROM 'SUPER', CASE WHEN code ~ '\\S' THEN code END
                    FROM \(table) WHERE alpha_id = ANY ($1::text[]) ORDER BY alpha_id COLLATE "C"
                    """, [.texts(part)])
                return (0..<found.rowCount).map { row in
                    AlphaCode(alphaID: found.text(row, 0) ?? "", isSuper: found.boolean(row, 1), code: found.text(row, 2))
                }
            }
            codes.forEach(visit)
        }
    }

    /// The closest pairs that the region's own correlation job found.
    ///
    /// - Parameter threshold: |r| of the pairs is above it.
    /// - Returns: nil when no neighbours are published.
    /// - Throws: `GridError(.notFound)` for an unknown region, `.conflict` when there are more than `Limits.edgesMax` pairs.
    package func closePairs(_ region: Region, above threshold: Double) throws(GridError) -> ClosePairs? {
        let tables = RegionTables(region)
        let (view, lists, rows) = (tables.neighbours(.region), tables.neighbourLists(.region), tables.correlation)
        let action = Action("read the neighbours of \(region)", needs: "SELECT on \(view), \(lists) and \(rows)")
        return try pool.read(action, patience: .bulk) { connection in
            _ = try Self.requireRegion(region, connection)
            let state = try connection.execute(
                """
                SELECT (SELECT max(job_id) FROM \(quoted(identifier: rows))), max(cardinality(absolute_ids)), count(*)
                FROM \(quoted(identifier: lists)) WHERE absolute_ids <> '{}'
                """)
            guard let job = state.integer(0, 0), let kept = state.integer(0, 1), kept > 0 else { return nil }
            let found = try connection.execute(
                """
                SELECT alpha_id, neighbour_id, correlation FROM \(quoted(identifier: view))
                WHERE kind = 'absolute' AND abs(correlation) > $1 ORDER BY alpha_id COLLATE "C", rank
                LIMIT \(Limits.edgesMax + 1)
                """, [.real(threshold)])
            guard found.rowCount <= Limits.edgesMax else {
                throw GridError(
                    .conflict, "more than \(Limits.edgesMax) neighbours have |r| above \(threshold): expected a higher threshold")
            }
            let pairs = (0..<found.rowCount).compactMap { row -> ClosePairs.Pair? in
                guard let a = found.text(row, 0), let b = found.text(row, 1), let r = found.real(row, 2) else { return nil }
                return ClosePairs.Pair(alphaID: a, neighbourID: b, correlation: r)
            }
            // Who has as many neighbours as there are other alphas has them all.
            let isWhole = kept >= (state.integer(0, 2) ?? 0) - 1
            return ClosePairs(
                jobID: JobID(Int64(job)), pairs: pairs, alphasCutShort: isWhole ? [] : Self.alphas(of: pairs, times: kept))
        }
    }

    /// Alphas that come first in so many pairs, which stand together.
    private static func alphas(of pairs: [ClosePairs.Pair], times: Int) -> [String] {
        var result: [String] = []
        var count = 0
        for (index, pair) in pairs.enumerated() {
            // By bytes: to Swift, ids that Unicode takes for equal are.
            let isSame = index > 0 && pairs[index - 1].alphaID.utf8.elementsEqual(pair.alphaID.utf8)
            count = isSame ? count + 1 : 1
            if count == times { result.append(pair.alphaID) }
        }
        return result
    }
}
