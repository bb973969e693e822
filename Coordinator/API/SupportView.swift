import ClusterModel
import Hummingbird
import Requests

/// What a coordinator tells of itself for a bug report: answer of `GET /v1/support`. No setting in it is a secret, but a log
/// names alphas and people, so it takes an admin.
package struct SupportView: Codable, Hashable, Sendable {
    package var version: String
    /// Flags and what was made of them, by name; files by their path, never their content.
    package var settings: [String: String]
    /// Of the database, and what this program needs; nil when it does not answer.
    package var schemaVersion: Int?
    package var schemaVersionNeeded: Int
    package var host: HostFacts
    /// The last lines of the log, each a JSON object, oldest first; at most `Limits.logLinesKeptMax`.
    package var logLines: [String]

    package init(
        version: String = AlphaGrid.version, settings: [String: String] = [:], schemaVersion: Int? = nil,
        schemaVersionNeeded: Int = 0, host: HostFacts = HostFacts(), logLines: [String] = []
    ) {
        self.version = version
        self.settings = settings
        self.schemaVersion = schemaVersion
        self.schemaVersionNeeded = schemaVersionNeeded
        self.host = host
        self.logLines = logLines
    }
}

/// The machine a program runs on.
package struct HostFacts: Codable, Hashable, Sendable {
    package var name = ""
    package var system = ""
    package var kernel = ""
    package var cpu = ""
    package var cpuCount = 0
    package var memoryBytes: UInt64 = 0
    package var memoryAvailableBytes: UInt64 = 0
    /// Of the file system of the state folder.
    package var diskFreeBytes: UInt64?
    package init() {}
}

extension APIRoutes {
    @Sendable func supportFacts(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        return try answer(await support())
    }
}
