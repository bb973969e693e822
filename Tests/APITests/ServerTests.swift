import APITestServer
import ClusterModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import ServiceLifecycle
import Testing

@testable import API

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@Suite struct ServerTests {
    @Test("A server takes a free port, reports it, answers over the socket and stops when told to", .timeLimit(.minutes(1)))
    func lifecycle() async throws {
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        let server = try APIServer(control: FakeGrid(), access: access(), host: "127.0.0.1", port: 0, logger: silent) { port in
            report.yield(port)
        }
        let group = ServiceGroup(configuration: .init(services: [server], logger: silent))
        async let ended: Void = group.run()
        let port = try #require(await ports.first { _ in true })
        #expect(port > 0)

        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)/v1/status")))
        request.setValue("Bearer \(goodToken)", forHTTPHeaderField: "Authorization")
        let (_, response) = try await URLSession.shared.data(for: request)
        #expect((response as? HTTPURLResponse)?.statusCode == 200)

        // While it runs, nobody else gets the port, and the error says which address it is about.
        let second = try APIServer(control: FakeGrid(), access: access(), host: "127.0.0.1", port: port, logger: silent)
        let failure = await #expect(throws: GridError.self) { try await second.run() }
        #expect(failure?.kind == .conflict)
        #expect(failure?.message.contains("127.0.0.1:\(port)") == true)

        await group.triggerGracefulShutdown()
        try await ended
    }

    @Test("A server whose owner fails to start stops, says why, and frees its port", .timeLimit(.minutes(1)))
    func failedStart() async throws {
        let expected = GridError(.unreachable, "the database does not answer")
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        let server = try APIServer(control: FakeGrid(), access: access(), host: "127.0.0.1", port: 0, logger: silent) { port in
            report.yield(port)
            throw expected
        }
        let group = ServiceGroup(configuration: .init(services: [server], logger: silent))
        await #expect(throws: expected) { try await group.run() }
        let port = try #require(await ports.first { _ in true })
        let second = try APIServer(control: FakeGrid(), access: access(), host: "127.0.0.1", port: port, logger: silent) { _ in
            throw expected
        }
        await #expect(throws: expected) { try await second.run() }
    }

    @Test("An address of another machine and a name nobody knows are named in the error")
    func wrongAddress() async throws {
        for host in ["192.0.2.1", "no-such-host.invalid"] {
            let server = try APIServer(control: FakeGrid(), access: access(), host: host, port: 0, logger: silent)
            let failure = await #expect(throws: GridError.self) { try await server.run() }
            #expect(failure?.kind == .usage)
            #expect(failure?.message.contains(host) == true)
        }
    }

    @Test("Several requests share a connection, also after one was refused with its body unread")
    func keepAlive() async throws {
        let application = Application(
            router: try APIRoutes(control: FakeGrid(), logger: silent).router(access: access()),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: silent)
        try await application.test(.live) { client in
            let body = ByteBuffer(string: String(repeating: "x", count: 200_000))
            let refused = try await client.execute(uri: "/v1/jobs", method: .post, body: body)
            #expect(refused.status == .unauthorized)
            let authorized: HTTPFields = [.authorization: "Bearer \(goodToken)"]
            let answer = try await client.execute(uri: "/v1/workers", method: .get, headers: authorized)
            #expect(answer.status == .ok)
        }
    }
}
