import ClusterModel
import GridMetrics
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The HTTP interface as a service: it binds, answers until it is told to stop, and lets open requests finish.
package struct APIServer: Service {
    private let host: String
    private let port: Int
    private let application: Application<RouterResponder<APIContext>>
    private let startFailure: StartFailure
    private let hub: EventHub

    /// Why the owner of the server did not want it after all.
    private final class StartFailure: Sendable {
        let error = Mutex<(any Error)?>(nil)
    }

    /// - Parameters:
    ///   - control: What the routes ask.
    ///   - access: Who is let in.
    ///   - metrics: What `/metrics` says; the server adds what it counts itself.
    ///   - support: What a bug report wants to know.
    ///   - certificate: nil serves without TLS.
    ///   - assets: Folder with the chart library of the page; nil serves the page without charts.
    ///   - host: Name or address to bind.
    ///   - port: 0 takes a free one.
    ///   - onRunning: Called once with the bound port; requests wait until it returns. When it throws, the server
    ///     stops and `run` throws the same.
    package init(
        control: any ServedGrid, access: AccessSettings, metrics: MetricsRegistry = MetricsRegistry(),
        support: @escaping @Sendable () async throws -> SupportView = { SupportView() },
        certificate: TLSCertificate? = nil, assets: String? = nil, host: String, port: Int,
        logger: Logger, limits: ConnectionLimits = ConnectionLimits(),
        onRunning: @escaping @Sendable (_ port: Int) async throws -> Void = { _ in }
    ) throws {
        self.host = host
        self.port = port
        let startFailure = StartFailure()
        self.startFailure = startFailure
        let routes = APIRoutes(
            control: control, logger: logger, page: PageFiles(assets: assets), metrics: metrics, support: support)
        hub = routes.hub
        application = Application(
            router: routes.router(access: access, isEncrypted: certificate != nil),
            server: try Self.builder(certificate, limits),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(Limits.httpConnectionsMax)),
            onServerRunning: { channel in
                do {
                    try await onRunning(channel.localAddress?.port ?? port)
                } catch {
                    startFailure.error.withLock { $0 = error }
                    try? await channel.close()
                }
            },
            logger: logger)
    }

    private static func builder(_ certificate: TLSCertificate?, _ limits: ConnectionLimits) throws -> HTTPServerBuilder {
        let table = ConnectionTable()
        let http = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionGuard(limits: limits, table: table)],
                idleTimeout: limits.idle,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: Limits.httpHeaderFieldBytesMax, maxHeaderListSize: Limits.httpHeaderBytesMax,
                    maxHeaderFieldCount: Limits.httpHeaderFieldsMax)))
        guard let certificate else { return http }
        return try .tls(http, tlsConfiguration: certificate.configuration())
    }

    /// - Throws: What `onRunning` threw; `GridError(.conflict)` when the address is taken, `GridError(.usage)` when it is
    ///   not this machine's.
    package func run() async throws {
        do {
            // Requests that are open may end, and streams of events would not by themselves.
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: {
                hub.stop()
            }
        } catch let error as IOError {
            throw bindFailure(error.errnoCode, "\(error)")
        } catch is SocketAddressError.UnknownHost, is SocketAddressError {
            throw GridError(.usage, "cannot serve HTTP on \(host):\(port): nobody knows the name '\(host)'")
        } catch {
            throw startFailure.error.withLock { $0 } ?? error
        }
        if let error = startFailure.error.withLock({ $0 }) { throw error }
    }

    private func bindFailure(_ code: Int32, _ description: String) -> GridError {
        switch code {
        case EADDRINUSE:
            GridError(
                .conflict,
                "cannot serve HTTP on \(host):\(port): the address is in use; stop the other process or choose another port")
        case EADDRNOTAVAIL:
            GridError(.usage, "cannot serve HTTP on \(host):\(port): this machine has no such address")
        case EACCES:
            GridError(.failed, "cannot serve HTTP on \(host):\(port): this user may not use the port; choose one above 1023")
        default:
            GridError(.failed, "cannot serve HTTP on \(host):\(port): \(description)")
        }
    }
}
