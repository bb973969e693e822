import Foundation
import Testing

extension EndToEnd {
    /// Whoever can reach the coordinator's port can say anything: it must not fall, nor stop serving the others.
    @Suite struct BadPeersTests {
        /// Protobuf by hand: an envelope of a protocol version with an empty message of a field number.
        private func envelope(version: UInt8, field: UInt8) -> [UInt8] {
            let tag = UInt16(field) << 3 | 2
            return [0x08, version] + (tag < 128 ? [UInt8(tag)] : [UInt8(tag & 0x7F | 0x80), UInt8(tag >> 7)]) + [0]
        }

        private func port(_ cluster: TestCluster) throws -> Int {
            try #require(Int(cluster.bind.split(separator: ":").last ?? ""))
        }

        @Test(
            "Garbage, half messages, floods and lies on the coordinator's port leave it and its jobs alone",
            .timeLimit(.minutes(5)))
        func garbage() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 60, days: 200)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let port = try port(cluster)
            var random = SystemRandomNumberGenerator()

            // Not the protocol at all.
            for size in [1, 10, 64, 5_000] {
                let peer = try RawPeer(port: port)
                peer.send((0..<size).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
            let web = try RawPeer(port: port)
            web.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))

            // The protocol, with nonsense inside.
            let peer = try RawPeer(port: port)
            try peer.handshake()
            for size in [0, 1, 17, 255] {
                peer.sendMessage([(0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }])
            }
            peer.sendMessage(Array(repeating: [1], count: 40))
            peer.sendMessage([envelope(version: 1, field: 12)])
            peer.sendMessage([envelope(version: 1, field: 12), [1, 2, 3]])
            peer.sendMessage([envelope(version: 1, field: 13)])
            peer.sendMessage([envelope(version: 1, field: 22)])
            peer.sendMessage([envelope(version: 1, field: 10)])

            // A frame that promises more than is allowed: the connection goes, the memory stays.
            let greedy = try RawPeer(port: port)
            try greedy.handshake()
            greedy.send([0x02, 0, 0, 0x10, 0, 0, 0, 0, 0])
            // A message that never ends.
            let endless = try RawPeer(port: port)
            try endless.handshake()
            endless.send([0x01, 3, 1, 2, 3])

            try await cluster.finish(try await cluster.submit(["kind": "correlation", "region": "USA", "block_edge": 8]))
            #expect(try await cluster.value("SELECT count(*) FROM correlation_usa") == "60")
            #expect(try await cluster.status()["workers_connected"] as? Int == 1)
            try await cluster.stopCoordinator()
        }

        @Test("A worker of another protocol version is refused with a sentence that names both")
        func otherVersion() async throws {
            let cluster = try await TestCluster(workers: 0)
            let peer = try RawPeer(port: try port(cluster))
            try peer.handshake()
            peer.sendMessage([envelope(version: 99, field: 10)])
            let answer = try #require(peer.receiveMessage(), "no answer")
            let text = String(decoding: answer[0], as: UTF8.self)
            #expect(text.contains("protocol version 99") && text.contains("version 1"), "\(text)")
            #expect(try await cluster.status()["workers_connected"] as? Int == 0)
        }

        @Test("A stranger on the port is asked who it is")
        func stranger() async throws {
            let cluster = try await TestCluster(workers: 0)
            let peer = try RawPeer(port: try port(cluster))
            try peer.handshake()
            peer.sendMessage([envelope(version: 1, field: 11)])
            let answer = try #require(peer.receiveMessage(), "no answer")
            // Envelope: protocol_version 1, then field 21, who_are_you.
            #expect(answer == [envelope(version: 1, field: 21)])
        }
    }
}
