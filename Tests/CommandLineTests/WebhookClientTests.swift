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

struct WebhookClientTests {
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
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeting()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        #expect(await reason("http", port: port) == "what answers at 127.0.0.1:\(port) does not speak HTTP")
        #expect(await reason("https", port: port) == "TLS with it is not possible; does it serve https?")
        try await server.close()
        #expect(await reason("http", port: port) == "nothing listens at 127.0.0.1:\(port)")
        #expect(await reason("https", port: port) == "nothing listens at 127.0.0.1:\(port)")
    }
}
