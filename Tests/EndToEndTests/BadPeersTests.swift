import Foundation
import Testing

extension EndToEnd {
    /// Whoever can reach the coordinator's port can say anything: it must not fall, nor stop serving the others.
    @Suite struct BadPeersTests {
        /// Protobuf by hand: a worker that says hello, and that it takes no leases.
        private func hello(worker name: String) -> [UInt8] {
            func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
                [number << 3 | 2, UInt8(bytes.count & 0x7F | 0x80), UInt8(bytes.count >> 7)] + bytes
            }
            let profile = field(1, [0x31]) + field(2, [0x31]) + [0x18, 1]
            // The version again, slots 1, credit 1, the profile, a host, draining.
            let numbers: [UInt8] = [0x18, RawPeer.protocolVersion, 0x20, 1, 0x28, 1]
            let hello = field(1, Array(name.utf8)) + numbers + field(7, profile) + field(8, [0x31]) + [0x58, 1]
            return RawPeer.sealed([0x08, RawPeer.protocolVersion] + field(10, hello))
        }

        /// The block socket's port, as a welcome tells it in its third field.
        private func blockPort(_ cluster: TestCluster) throws -> Int {
            let peer = try RawPeer(port: try port(cluster))
            try peer.handshake()
            peer.sendMessage([hello(worker: "asks-once")])
            // Behind the fields comes the header's own checksum, five bytes.
            let answer = try #require(peer.receiveMessage()?.first, "no answer").dropLast(5)
            let tag = try #require(answer.lastIndex(of: 0x18), "no port in \(answer)")
            return answer[(tag + 1)...].reversed().reduce(0) { $0 << 7 | Int($1 & 0x7F) }
        }

        /// Bytes of memory that a process has.
        private func residentBytes(_ process: ChildProcess) throws -> Int {
            let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return 1_024 * (try #require(Int(line.split(separator: " ").dropFirst()[1])))
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
            peer.sendMessage([RawPeer.envelope(field: 12)])
            peer.sendMessage([RawPeer.envelope(field: 12), [1, 2, 3]])
            peer.sendMessage([RawPeer.envelope(field: 13)])
            peer.sendMessage([RawPeer.envelope(field: 22)])
            peer.sendMessage([RawPeer.envelope(field: 10)])

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

        @Test(
            "Floods, half handshakes, slow talkers and messages without end, on both ports, cost neither memory nor jobs",
            .timeLimit(.minutes(5)))
        func floods() async throws {
            let cluster = try await TestCluster(workers: 1)
            let file = try await TestData.synthetic(cluster.state, alphas: 60, days: 200)
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let ports = [try port(cluster), try blockPort(cluster)]
            let coordinator = try #require(cluster.coordinator)
            let before = try residentBytes(coordinator)

            var silent: [RawPeer] = []
            var slow: [RawPeer] = []
            var endless: [RawPeer] = []
            for port in ports {
                for _ in 0..<150 { silent.append(try RawPeer(port: port)) }
                for count in 0..<40 {
                    let peer = try RawPeer(port: port)
                    peer.send(Array(RawPeer.greeting.prefix(1 + count)))
                    slow.append(peer)
                }
                for _ in 0..<4 {
                    let peer = try RawPeer(port: port)
                    try peer.handshake()
                    // A megabyte of parts, and never the last.
                    for _ in 0..<4_000 { peer.send([1, 255] + [UInt8](repeating: 7, count: 255)) }
                    endless.append(peer)
                }
                // Those that come and go.
                for _ in 0..<300 { try RawPeer(port: port).send([0xFF]) }
            }
            let job = try await cluster.submit(["kind": "correlation", "region": "USA", "block_edge": 8])
            for place in 40..<64 { for peer in slow { peer.send([RawPeer.greeting[place]]) } }
            try await cluster.finish(job)
            #expect(try await cluster.value("SELECT count(*) FROM correlation_usa") == "60")
            let growth = try residentBytes(coordinator) - before
            #expect(growth < 96 << 20, "the coordinator grew by \(growth >> 20) MiB")
            // Whoever comes after them is served.
            endless.removeAll()
            let peer = try RawPeer(port: ports[0])
            try peer.handshake()
            peer.sendMessage([RawPeer.envelope(field: 11)])
            #expect(peer.receiveMessage()?.first == RawPeer.envelope(field: 21))
            withExtendedLifetime((silent, slow)) {}
            try await cluster.stopCoordinator()
        }

        @Test("A worker may call itself what it likes: its name is a name, in no statement and no path")
        func names() async throws {
            let cluster = try await TestCluster(workers: 0)
            let names = ["'; DROP TABLE jobs; --", "../../../etc/passwd", "a\u{1B}[2J\nb", String(repeating: "n", count: 4_000)]
            var peers: [RawPeer] = []
            for name in names {
                let peer = try RawPeer(port: try port(cluster))
                try peer.handshake()
                let hello = hello(worker: name)
                // Beyond 255 bytes a frame has its size in eight.
                peer.send([2] + (0..<8).map { UInt8(truncatingIfNeeded: hello.count >> (56 - 8 * $0)) } + hello)
                try #require(peer.receiveMessage() != nil, "no answer")
                peers.append(peer)
            }
            let listed = try await waitFor("the workers", seconds: 20) {
                let workers = try #require(try await cluster.json("/v1/workers")["workers"] as? [[String: Any]])
                return workers.count == names.count ? workers.compactMap { $0["worker"] as? String } : nil
            }
            #expect(listed.count == names.count && listed.contains(names[0]) && listed.contains(names[1]), "\(listed)")
            #expect(listed.allSatisfy { name in name.utf8.count <= 200 && name.unicodeScalars.allSatisfy { $0.value >= 0x20 } })
            let table = try await cluster.attempt("workers", "list")
            #expect(table.status == 0 && !table.output.contains("\u{1B}"), "\(table.errors)")
            #expect(try await cluster.value("SELECT count(*) FROM jobs") == "0")
            withExtendedLifetime(peers) {}
        }

        @Test("A worker of another protocol version is refused with a sentence that names both")
        func otherVersion() async throws {
            let cluster = try await TestCluster(workers: 0)
            let peer = try RawPeer(port: try port(cluster))
            try peer.handshake()
            peer.sendMessage([RawPeer.envelope(version: 99, field: 10)])
            let answer = try #require(peer.receiveMessage(), "no answer")
            let text = String(decoding: answer[0], as: UTF8.self)
            #expect(text.contains("protocol version 99") && text.contains("\(RawPeer.protocolVersion); install"), "\(text)")
            #expect(try await cluster.status()["workers_connected"] as? Int == 0)
        }

        @Test("A stranger on the port is asked who it is")
        func stranger() async throws {
            let cluster = try await TestCluster(workers: 0)
            let peer = try RawPeer(port: try port(cluster))
            try peer.handshake()
            peer.sendMessage([RawPeer.envelope(field: 11)])
            let answer = try #require(peer.receiveMessage(), "no answer")
            // Field 21: who_are_you.
            #expect(answer == [RawPeer.envelope(field: 21)])
        }
    }
}
