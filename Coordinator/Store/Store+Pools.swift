import ClusterModel

/// A named set of alphas of a region.
package struct PoolView: Codable, Hashable, Sendable {
    package var region: String
    package var pool: String
    package var alphas: Int
    /// Whether it is always there and holds what its name says.
    package var builtIn: Bool
}

package enum PoolName {
    /// All submitted alphas of the region: the default pool, and the only one that publishes to `correlation_<region>`.
    package static let submitted = "submitted"
    /// All unsubmitted alphas of the region.
    package static let unsubmitted = "unsubmitted"
    /// The submitted alphas that are no SUPER alphas.
    package static let regular = "regular"
    /// The submitted SUPER alphas.
    package static let superAlphas = "super"
    package static let builtIn = [submitted, unsubmitted, regular, superAlphas]

    /// What the alphas of a built-in pool have in common beyond their region and table, to go behind a condition.
    static func typeCondition(_ name: String) -> String {
        switch name {
        case regular: " AND alpha_type IS DISTINCT FROM 'SUPER'"
        case superAlphas: " AND alpha_type = 'SUPER'"
        default: ""
        }
    }

    /// - Throws: `GridError(.usage)` unless the name is 1 to 50 letters, digits, blanks and `_ - .`, beginning with a
    ///   letter or digit.
    package static func check(_ name: String) throws(GridError) {
        guard name.utf8.count <= Limits.poolNameBytesMax, name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9 _.\-]*/) != nil else {
            throw GridError(
                .usage,
                "pool name '\(name.printable)' is not valid: expected 1 to \(Limits.poolNameBytesMax) letters, digits, blanks "
                    + "and _-. beginning with a letter or digit")
        }
    }

    package static func unknown(_ name: String, of region: Region) -> GridError {
        GridError(
            .notFound,
            "region \(region) has no pool '\(name.printable)': 'alphagrid db pools list --region \(region)' shows those it has")
    }

    /// Why nothing can be computed with a pool, wherever that is found out.
    package static func empty(_ name: String, of region: Region, hasAlphas: Bool) -> GridError {
        let flag = name == unsubmitted ? " --unsubmitted" : ""
        let file = "'alphagrid db import FILE --region \(region)\(flag)'"
        if hasAlphas {
            return GridError(.notFound, "no alpha of pool '\(name)' of region \(region) has PnL: import it with \(file)")
        }
        let remedy =
            name == superAlphas
            ? "say which are with 'alphagrid db import-alphas FILE' and alpha_type SUPER"
            : builtIn.contains(name)
                ? "import PnL with \(file)" : "add some with 'alphagrid db pools add \(name) ID --region \(region)'"
        return GridError(.notFound, "pool '\(name)' of region \(region) has no alphas: \(remedy)")
    }

    fileprivate static func checkOwn(_ name: String) throws(GridError) {
        try check(name)
        guard !builtIn.contains(name) else {
            throw GridError(.usage, "pool '\(name)' is built in and cannot be changed: choose another name")
        }
    }
}

extension Store {
    /// The region's pools: the built-in ones, then the others by name.
    package func pools(_ region: Region) throws(GridError) -> [PoolView] {
        try pool.read(Action("list the pools of \(region)", needs: "SELECT on pools and pool_members")) { connection in
            let regionID = SQLValue.integer(Int64(try Self.requireRegion(region, connection)))
            let counts = try connection.execute(
                """
                SELECT count(*), (SELECT count(*) FROM alphas_unsubmitted WHERE region_id = $1),
                    count(*) FILTER (WHERE true\(PoolName.typeCondition(PoolName.regular))),
                    count(*) FILTER (WHERE true\(PoolName.typeCondition(PoolName.superAlphas)))
                FROM alphas WHERE region_id = $1
                """, [regionID])
            var views = PoolName.builtIn.enumerated().map { index, name in
                PoolView(region: region.name, pool: name, alphas: counts.integer(0, index) ?? 0, builtIn: true)
            }
            let named = try connection.execute(
                """
                SELECT pool_name, (SELECT count(*) FROM pool_members m WHERE m.pool_id = p.pool_id)
                FROM pools p WHERE region_id = $1 ORDER BY pool_name COLLATE "C"
                """, [regionID])
            for row in 0..<named.rowCount {
                views.append(
                    PoolView(
                        region: region.name, pool: named.text(row, 0) ?? "", alphas: named.integer(row, 1) ?? 0,
                        builtIn: false))
            }
            return views
        }
    }

    /// Why an alpha is not among those with PnL of a pool, wherever that is found out, and which pool has it.
    ///
    /// - Parameter hasPartner: whether it must be in one pool with another alpha, which this pool has.
    /// - Throws: `GridError(.notFound)` for a region or an alpha that is not there.
    package func missing(
        _ id: String, pool name: String, region: Region, hasPartner: Bool = false
    ) throws(GridError) -> GridError {
        let home = try isSubmitted(id, region: region) ? PoolName.submitted : PoolName.unsubmitted
        let sentence = "there is no alpha '\(id.printable)' with PnL in pool '\(name.printable)' of region \(region)"
        guard home != name else { return GridError(.notFound, sentence) }
        return GridError(
            .notFound, "\(sentence): it is in pool '\(home)'" + (hasPartner ? ", and both must be in the same pool" : ""))
    }

    /// The alphas of a pool in bytewise order.
    package func poolMembers(_ region: Region, pool name: String) throws(GridError) -> [String] {
        try PoolName.check(name)
        return try pool.read(Action("read pool '\(name)' of \(region)", needs: "SELECT on pools and pool_members")) {
            connection in
            try Self.poolAlphas(region, pool: name, connection)
        }
    }

    /// Makes a pool of submitted alphas of the region.
    ///
    /// - Throws: `GridError(.conflict)` when there is one of that name, `.notFound` naming ids that are no submitted
    ///   alphas of the region; nothing is made then.
    package func createPool(_ region: Region, pool name: String, alphaIDs: [String] = []) throws(GridError) {
        try PoolName.checkOwn(name)
        try changingPool("create", name, region) { connection in
            let regionID = Int64(try Self.requireRegion(region, connection))
            try connection.lock("pools \(region)")
            let present = try connection.execute("SELECT count(*) FROM pools WHERE region_id = $1", [.integer(regionID)])
            guard (present.integer(0, 0) ?? 0) < Limits.poolsPerRegionMax else {
                throw GridError(
                    .conflict, "region \(region) has \(Limits.poolsPerRegionMax) pools already, as many as are supported")
            }
            let made = try connection.execute(
                "INSERT INTO pools (region_id, pool_name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING pool_id",
                [.integer(regionID), .text(name)])
            guard let poolID = made.text(ifAnyRow: 0).flatMap({ Int64($0) }) else {
                throw GridError(.conflict, "pool '\(name)' of region \(region) exists already")
            }
            try Self.addMembers(alphaIDs, poolID: poolID, region: region, regionID: regionID, connection)
        }
    }

    package func deletePool(_ region: Region, pool name: String) throws(GridError) {
        try PoolName.checkOwn(name)
        try changingPool("delete", name, region) { connection in
            let poolID = try Self.poolID(region, name, connection)
            try connection.execute("DELETE FROM pools WHERE pool_id = $1", [.integer(poolID)])
        }
    }

    /// - Throws: `GridError(.notFound)` unless some alpha of the pool has PnL.
    package func requirePnL(_ region: Region, pool name: String) throws(GridError) {
        let table = RegionTables(region).pnl(unsubmitted: name == PoolName.unsubmitted)
        try pool.read(Action("look for PnL of pool '\(name)' of \(region)", needs: "SELECT on \(table)")) { connection in
            let members = try Self.poolAlphas(region, pool: name, connection)
            // The first few nearly always have some, and every submission asks.
            var (from, count) = (0, Self.alphasLookedAtFirst)
            while from < members.count {
                let some = Array(members[from..<min(from + count, members.count)])
                if try !PanelPlan.withPnL(some, table: table, connection).isEmpty { return }
                (from, count) = (from + count, Self.alphasLookedAtThen)
            }
            throw PoolName.empty(name, of: region, hasAlphas: !members.isEmpty)
        }
    }

    private static let alphasLookedAtFirst = 8
    private static let alphasLookedAtThen = 1_000

    /// Adds submitted alphas of the region; those already in the pool stay.
    package func addToPool(_ region: Region, pool name: String, alphaIDs: [String]) throws(GridError) {
        try PoolName.checkOwn(name)
        try changingPool("add to", name, region) { connection in
            let poolID = try Self.poolID(region, name, connection)
            let regionID = Int64(try Self.requireRegion(region, connection))
            try Self.addMembers(alphaIDs, poolID: poolID, region: region, regionID: regionID, connection)
        }
    }

    /// Takes alphas out of a pool; ids that are not in it are named in the error and nothing is taken out.
    package func removeFromPool(_ region: Region, pool name: String, alphaIDs: [String]) throws(GridError) {
        try PoolName.checkOwn(name)
        try changingPool("remove from", name, region) { connection in
            let poolID = try Self.poolID(region, name, connection)
            let ids = Self.distinct(alphaIDs)
            let gone = try connection.execute(
                "DELETE FROM pool_members WHERE pool_id = $1 AND alpha_id = ANY ($2::text[]) RETURNING alpha_id",
                [.integer(poolID), .texts(ids)]
            ).texts()
            let missing = Self.absent(ids, from: gone)
            guard missing.isEmpty else {
                throw GridError(
                    .notFound, "alpha \(Self.list(missing)) is not in pool '\(name)' of \(region), so nothing was changed")
            }
        }
    }

    private func changingPool(
        _ verb: String, _ name: String, _ region: Region, _ body: (Connection) throws -> Void
    ) throws(GridError) {
        let action = Action(
            "\(verb) pool '\(name)' of \(region)", needs: "SELECT, INSERT and DELETE on pools and pool_members")
        try pool.write(action) { connection in
            try body(connection)
            try Self.audit("pool", region: region, subject: name, detail: ["change": verb], connection)
        }
    }

    private static func addMembers(
        _ alphaIDs: [String], poolID: Int64, region: Region, regionID: Int64, _ connection: Connection
    ) throws {
        let ids = distinct(alphaIDs)
        let known = try connection.execute(
            "SELECT alpha_id FROM alphas WHERE alpha_id = ANY ($1::text[]) AND region_id = $2 FOR KEY SHARE",
            [.texts(ids), .integer(regionID)]
        ).texts()
        let missing = absent(ids, from: known)
        guard missing.isEmpty else {
            throw GridError(
                .notFound, "alpha \(list(missing)) is not a submitted alpha of region \(region), so nothing was changed")
        }
        try connection.execute(
            "INSERT INTO pool_members (pool_id, alpha_id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
            [.integer(poolID), .texts(ids)])
    }

    static func poolID(_ region: Region, _ name: String, _ connection: Connection) throws -> Int64 {
        let regionID = Int64(try requireRegion(region, connection))
        let found = try connection.execute(
            "SELECT pool_id FROM pools WHERE region_id = $1 AND pool_name = $2", [.integer(regionID), .text(name)])
        guard let id = found.text(ifAnyRow: 0).flatMap({ Int64($0) }) else {
            throw PoolName.unknown(name, of: region)
        }
        return id
    }

    /// Ids of a pool's alphas, built-in ones included, in bytewise order.
    static func poolAlphas(_ region: Region, pool name: String, _ connection: Connection) throws -> [String] {
        guard !PoolName.builtIn.contains(name) else {
            let regionID = Int64(try requireRegion(region, connection))
            let table = RegionTables(region).alphas(unsubmitted: name == PoolName.unsubmitted)
            return try connection.execute(
                """
                SELECT alpha_id FROM \(table) WHERE region_id = $1\(PoolName.typeCondition(name))
                ORDER BY alpha_id COLLATE "C"
                """, [.integer(regionID)]
            ).texts()
        }
        let poolID = try poolID(region, name, connection)
        return try connection.execute(
            "SELECT alpha_id FROM pool_members WHERE pool_id = $1 ORDER BY alpha_id COLLATE \"C\"", [.integer(poolID)]
        ).texts()
    }
}
