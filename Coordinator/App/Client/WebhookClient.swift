import AsyncHTTPClient
import ClusterModel
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Service

/// Sends webhook messages to the address that was judged, whatever the name resolves to by now.
enum WebhookClient {
    /// A client for each message: they are rare, and each has an address of its own.
    @Sendable static func post(_ message: WebhookPost) async throws -> Int {
        var configuration = HTTPClient.Configuration()
        // A redirect would lead where nobody has looked.
        configuration.redirectConfiguration = .disallow
        configuration.dnsOverride = [message.host: message.address]
        configuration.timeout = .init(connect: .milliseconds(Limits.deliveryMilliseconds))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        configuration.tlsConfiguration = tls
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result<Int, any Error>
        do {
            result = .success(try await status(of: message, client))
        } catch {
            result = .failure(GridError(.unreachable, trouble(message).reason(error)))
        }
        try? await client.shutdown()
        return try result.get()
    }

    private static func status(of message: WebhookPost, _ client: HTTPClient) async throws -> Int {
        var request = HTTPClientRequest(url: message.url)
        request.method = .POST
        for (name, value) in message.headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: message.body))
        let response = try await client.execute(request, deadline: .now() + .milliseconds(Limits.deliveryMilliseconds))
        // What it says more nobody reads; the connection is closed with the client.
        return Int(response.status.code)
    }

    /// Names host and port alone: in the rest of the address a receiver's own secrets may be.
    private static func trouble(_ message: WebhookPost) -> ConnectionTrouble {
        let parts = URLComponents(string: message.url)
        let port = parts?.port ?? (parts?.scheme?.lowercased() == "http" ? 80 : 443)
        let host = message.host.contains(":") ? "[\(message.host)]" : message.host
        let seconds = Int64(Limits.deliveryMilliseconds / 1_000)
        return ConnectionTrouble(place: "at \(host.printable):\(port)", connectSeconds: seconds, answerSeconds: seconds)
    }
}
