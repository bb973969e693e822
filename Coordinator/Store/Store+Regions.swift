import ClusterModel

/// What a region's own correlation job computes: only it publishes to `correlation_<region>`.
package struct RegionSettings: Hashable, Sendable {
    package var convention: Convention
    package var window: Window
    package var minOverlap: Int

    package init(
        convention: Convention = .ffillShift, window: Window = .years(4),
        minOverlap: Int = CorrelationParameters.defaultMinOverlap
    ) {
        self.convention = convention
        self.window = window
        self.minOverlap = minOverlap
    }
}

extension Store {
    /// The region's configured parameters; nil when the region is unknown.
    package func regionSettings(_ region: Region) throws(GridError) -> RegionSettings? {
        try pool.read(Action("read the settings of region \(region)", needs: "SELECT on regions")) { connection in
            try Self.settings(of: region, connection, lock: false)
        }
    }

    /// - Throws: `GridError(.notFound)` that names those there are, when the region is none of them.
    package func expectRegion(_ region: Region) throws(GridError) {
        try pool.read(Action("look for region \(region)", needs: "SELECT on regions")) { connection in
            _ = try Self.requireRegion(region, connection)
        }
    }

    /// Changes what the region's own job computes. Published rows stay as they are until the next job.
    ///
    /// - Parameter creating: whether a region that is new is made.
    /// - Throws: `GridError(.usage)` for parameters no job could have, `.notFound` for an unknown region.
    package func setRegionSettings(
        _ region: Region, _ settings: RegionSettings, creating: Bool = false
    ) throws(GridError) {
        _ = try CorrelationParameters(
            convention: settings.convention, window: settings.window, minOverlap: settings.minOverlap)
        if creating { try ensureRegion(region) }
        let action = Action("change the settings of region \(region)", needs: "UPDATE on regions and INSERT on audit_log")
        try pool.write(action) { connection in
            _ = try Self.requireRegion(region, connection)
            try connection.execute(
                "UPDATE regions SET convention = $2, window_spec = $3, min_overlap = $4 WHERE region_name = $1",
                [
                    .text(region.name), .text(settings.convention.rawValue), .text(settings.window.description),
                    .integer(Int64(settings.minOverlap)),
                ])
            let detail = [
                "convention": settings.convention.rawValue, "window": settings.window.description,
                "min_overlap": String(settings.minOverlap),
            ]
            try Self.audit("settings", region: region, subject: region.name, detail: detail, connection)
        }
    }

    /// - Parameter lock: whether the settings must not change until the transaction ends.
    static func settings(of region: Region, _ connection: Connection, lock: Bool) throws -> RegionSettings? {
        let found = try connection.execute(
            prepared:
                "SELECT convention, window_spec, min_overlap FROM regions WHERE region_name = $1 \(lock ? "FOR SHARE" : "")",
            [.text(region.name)])
        guard found.rowCount == 1 else { return nil }
        do {
            let settings = RegionSettings(
                convention: try Convention(parsing: found.text(0, 0) ?? ""),
                window: try Window(parsing: found.text(0, 1) ?? ""), minOverlap: found.integer(0, 2) ?? 0)
            _ = try CorrelationParameters(minOverlap: settings.minOverlap)
            return settings
        } catch {
            throw GridError(.conflict, "the settings of region \(region) in table regions are not valid: \(error)")
        }
    }
}
