import API
import ClusterModel
import Logging
import ServiceLifecycle

/// A logger that says nothing.
package let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs an HTTP interface while `body` talks to its port.
///
/// - Parameter make: Makes the server, which has to call what it is given once it runs.
package func serving(
    _ make: (_ onRunning: @escaping @Sendable (Int) async throws -> Void) throws -> APIServer,
    _ body: (_ port: Int) async throws -> Void
) async throws {
    let (ports, report) = AsyncStream.makeStream(of: Int.self)
    let server = try make { report.yield($0) }
    let group = ServiceGroup(configuration: .init(services: [server], logger: silent))
    async let ended: Void = group.run()
    guard let port = await ports.first(where: { _ in true }) else { throw GridError(.failed, "the server did not start") }
    do {
        try await body(port)
    } catch {
        await group.triggerGracefulShutdown()
        throw error
    }
    await group.triggerGracefulShutdown()
    try await ended
}
