import API
import ClusterModel
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import Service
@testable import alphagrid

private final class Greeting: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "220 mail.example.com ready\r\n\r\n")), promise: nil)
    }
}

/// Ends the connection without an answer, as a server of https does when it is spoken to in the clear.
private final class Silence: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.close(promise: nil) }
}

struct WebhookClientTests {
    private func listening(_ handler: @escaping @Sendable () -> some ChannelInboundHandler) async throws -> any Channel {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    @Test("Whoever speaks in the clear to somebody who ends the connection is told what that may be")
    func plainToTLS() async throws {
        let server = try await listening { Silence() }
        let port = try #require(server.localAddress?.port)
        #expect(await reason("http", port: port) == "it closed the connection")
        let token = try AccessToken("a-token-of-many-characters", source: "the test")
        let client = try GridClient(base: try #require(URL(string: "http://127.0.0.1:\(port)")), token: token)
        let error = await #expect(throws: GridError.self) { _ = try await client.status() }
        #expect(error?.message.contains("it closed the connection; does it serve https?") == true, "\(error as Any)")
        try await server.close()
    }

    /// What is said of a message to this machine that does not arrive.
    private func reason(_ scheme: String, port: Int) async -> String {
        let post = WebhookPost(
            url: "\(scheme)://127.0.0.1:\(port)/a-secret", host: "127.0.0.1", address: "127.0.0.1", headers: [], body: [])
        let error = await #expect(throws: GridError.self) { _ = try await WebhookClient.post(post) }
        return error?.message ?? ""
    }

    @Test("Why a message did not arrive is one sentence with host and port, and nothing else of the address")
    func reasons() async throws {
        // Answers with something that is no HTTP, and is gone afterwards.
        let server = try await listening { Greeting() }
        let port = try #require(server.localAddress?.port)
        #expect(await reason("http", port: port) == "what answers at 127.0.0.1:\(port) does not speak HTTP")
        #expect(await reason("https", port: port) == "TLS with it is not possible; does it serve https?")
        try await server.close()
        #expect(await reason("http", port: port) == "nothing listens at 127.0.0.1:\(port)")
        #expect(await reason("https", port: port) == "nothing listens at 127.0.0.1:\(port)")
    }
}
