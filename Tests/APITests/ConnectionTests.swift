import APITestServer
import ClusterModel
import Foundation
import NIOCore
import Testing

@testable import API

@Suite struct ConnectionTests {
    private func serving(
        _ change: (inout ConnectionLimits) -> Void, control: FakeGrid = FakeGrid(), _ body: (Int) async throws -> Void
    ) async throws {
        var limits = ConnectionLimits()
        change(&limits)
        try await APITests.serving(limits, control: control, body)
    }

    private static let status = "GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(goodToken)\r\n\r\n"

    @Test("A header that comes one byte at a time is cut off, and so is silence", .timeLimit(.minutes(1)))
    func slowHeader() async throws {
        try await serving({ $0.first = .milliseconds(300) }) { port in
            let slow = try RawConnection(port: port)
            slow.send("GET /v1/status HTTP/1.1\r\n")
            #expect(try await slow.end(within: 20, drip: "X-A: b\r\n") != nil)
            #expect(try await RawConnection(port: port).end(within: 20) == "")
        }
    }

    @Test("A body that comes one byte at a time is cut off, with a token and without", .timeLimit(.minutes(1)))
    func slowBody() async throws {
        try await serving({ $0.body = .milliseconds(300) }) { port in
            for authorization in ["Authorization: Bearer \(goodToken)\r\n", ""] {
                let slow = try RawConnection(port: port)
                slow.send("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\(authorization)\r\n")
                #expect(try await slow.end(within: 20, drip: " ") != nil)
            }
        }
    }

    @Test(
        "A connection that was answered is kept for the next request, and one that was refused not for long",
        .timeLimit(.minutes(1)))
    func afterwards() async throws {
        try await serving({ $0.first = .milliseconds(400) }) { port in
            let known = try RawConnection(port: port)
            known.send(Self.status)
            #expect(try await known.answer("HTTP/1.1 200"))
            let stranger = try RawConnection(port: port)
            stranger.send("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await stranger.answer("HTTP/1.1 401"))
            #expect(try await stranger.end(within: 20, drip: "G") != nil)
            known.send(Self.status)
            #expect(try await known.answer("HTTP/1.1 200"))
        }
    }

    @Test("An answer whose reader does not read is given up", .timeLimit(.minutes(2)))
    func slowReader() async throws {
        let jobs = FakeGrid(jobs: FakeGrid.jobs(Array((1...1_000).reversed())))
        try await serving({ $0.answer = .milliseconds(500) }, control: jobs) { port in
            let reader = try RawConnection(port: port)
            // More answers than the sockets' buffers hold.
            let request = "GET /v1/jobs?limit=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(goodToken)\r\n\r\n"
            for _ in 0..<60 { reader.push(Array(request.utf8)) }
            try await reader.untilFull()
            #expect(try await reader.end(within: 20) != nil)
        }
    }

    @Test("A body that nobody reads is taken off the line to a bound only", .timeLimit(.minutes(1)))
    func endlessBody() async throws {
        try await serving({ $0.bodyBytesMax = 1 << 20 }) { port in
            let endless = try RawConnection(port: port)
            endless.send("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            var isClosed = false
            let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x20, count: 65_536) + Array("\r\n".utf8)
            for _ in 0..<2_000 where !isClosed {
                endless.push(chunk)
                isClosed = endless.receive().isClosed
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(isClosed)
        }
    }

    @Test("Headers that are too large or too many are refused, a path too", .timeLimit(.minutes(1)))
    func headers() async throws {
        try await serving({ _ in }) { port in
            let long = String(repeating: "a", count: Limits.httpHeaderFieldBytesMax + 1)
            let many = (0...Limits.httpHeaderFieldsMax).map { "X-\($0): 1\r\n" }.joined()
            let half = String(repeating: "a", count: Limits.httpHeaderFieldBytesMax - 100)
            let several = (0..<5).map { "X-\($0): \(half)\r\n" }.joined()
            for request in [
                "GET /\(long) HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-A: \(long)\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\n\(many)\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\(several)\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            ] {
                let peer = try RawConnection(port: port)
                peer.send(request)
                let answer = try await peer.end(within: 20)
                #expect(answer?.hasPrefix("HTTP/1.1 400") == true, "\(request.prefix(60)): \(answer ?? "open")")
            }
            let fine = try RawConnection(port: port)
            fine.send(Self.status.replacing("\r\n\r\n", with: "\r\nX-A: \(half)\r\n\r\n"))
            #expect(try await fine.answer("HTTP/1.1 200"))
        }
    }

    @Test("One address gets so many connections and no more, and others again when some have ended", .timeLimit(.minutes(1)))
    func perAddress() async throws {
        try await serving({ $0.perAddressMax = 3 }) { port in
            var held = try (0..<3).map { _ in try RawConnection(port: port) }
            for connection in held {
                connection.send(Self.status)
                #expect(try await connection.answer("HTTP/1.1 200"))
            }
            #expect(try await RawConnection(port: port).end(within: 20) == "")
            held.removeLast()
            var served = false
            for _ in 0..<200 where !served {
                let next = try RawConnection(port: port)
                next.send(Self.status)
                served = try await next.answer("HTTP/1.1 200", within: 5)
            }
            #expect(served)
        }
        #expect(Limits.httpConnectionsPerAddressMax * 2 <= Limits.httpConnectionsMax)
    }

    @Test("The table of addresses forgets those without connections")
    func table() {
        let table = ConnectionTable()
        #expect(table.enter("a", max: 2) && table.enter("a", max: 2) && !table.enter("a", max: 2))
        #expect(table.enter("b", max: 2) && table.total == 3)
        table.leave("a")
        #expect(table.enter("a", max: 2) && !table.enter("a", max: 2))
        for address in ["a", "a", "b"] { table.leave(address) }
        #expect(table.total == 0)
    }
}
