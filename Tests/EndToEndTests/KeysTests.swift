import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// Clusters with keys: who gets in, and who does not.
    @Suite struct KeysTests {
        private static let request: [String: any Sendable] = [
            "kind": "correlation", "region": "USA", "block_edge": 8, "fresh": true,
        ]

        /// TCP ports at which a process listens.
        private func listening(_ pid: pid_t) throws -> [Int] {
            let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")
            let sockets = Set(
                descriptors.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)") })
            let table = try String(contentsOfFile: "/proc/\(pid)/net/tcp", encoding: .utf8)
            return table.split(separator: "\n").dropFirst().compactMap { line in
                let words = line.split(separator: " ")
                guard words.count > 9, words[3] == "0A", sockets.contains("socket:[\(words[9])]") else { return nil }
                return words[1].split(separator: ":").last.flatMap { Int($0, radix: 16) }
            }
        }

        private func newKey(_ name: String, _ cluster: TestCluster) async throws -> String {
            let file = cluster.state.file("\(name).key")
            try await cluster.alphagrid("keys", "add", name, "--out", file)
            return file
        }

        @Test("A coordinator with keys answers no kind of message without one, at neither port", .timeLimit(.minutes(5)))
        func strangers() async throws {
            let cluster = try await TestCluster(workers: 0, hasKeys: true)
            let coordinator = try #require(cluster.coordinator)
            let web = try #require(Int(cluster.http.split(separator: ":").last ?? ""))
            let bound = try #require(Int(cluster.bind.split(separator: ":").last ?? ""))
            let ports = try listening(coordinator.pid).filter { $0 != web }
            #expect(ports.count == 2 && ports.contains(bound))
            for port in ports {
                for field in [10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32] as [UInt8] {
                    let peer = try RawPeer(port: port)
                    // A socket without keys says that first, and who it is.
                    var opening: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0]
                    opening += Array("NULL".utf8) + [UInt8](repeating: 0, count: 16 + 1 + 31)
                    opening += [0x04, 28, 5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6]
                    opening += Array("DEALER".utf8)
                    peer.send(opening)
                    peer.sendMessage([RawPeer.envelope(field: field)])
                    // A greeting of 64 bytes, or what has left of it before the coordinator hung up.
                    var said: [UInt8] = []
                    while let byte = peer.receive(1) { said += byte }
                    #expect(said.count <= 64, "field \(field) got an answer at port \(port)")
                }
            }
            let worker = try cluster.startWorker()
            try await waitUntil("the worker's complaint") { worker.errorsSoFar.contains("lets nobody in without a key") }
            try await waitUntil("the coordinator's complaint") {
                coordinator.errorsSoFar.contains("kept out a peer without a key at ")
            }
            #expect(try await cluster.status()["workers_connected"] as? Int == 0)
        }

        @Test(
            "Keys added while the coordinator runs let workers in; one that is revoked is dropped, and another finishes its job",
            .timeLimit(.minutes(5)))
        func revoked() async throws {
            let cluster = try await TestCluster(workers: 0, hasKeys: true)
            let data = try await TestData.synthetic(cluster.state, alphas: 100, days: 300)
            try await cluster.alphagrid("db", "import", data, "--region", "USA")
            let first = try cluster.startWorker(arguments: ["--key", try await newKey("first", cluster)])
            try await cluster.waitForWorkers(1)
            first.signal(SIGSTOP)
            let job = try await cluster.submit(Self.request)
            try await waitUntil("a task to be leased") {
                try await cluster.status()["slots_busy"] as? Int ?? 0 > 0
            }
            let second = try cluster.startWorker(arguments: ["--key", try await newKey("second", cluster), "--name", "second-a"])
            try await cluster.alphagrid("keys", "revoke", "first")
            try await cluster.finish(job)
            #expect(try await cluster.value("SELECT count(*) FROM correlation_usa") == "100")
            // The list is drawn a few times a second, and a straggler's tasks may have been done before its key was missed.
            try await waitUntil("the list without the worker whose key was revoked") {
                let workers = try #require(try await cluster.json("/v1/workers")["workers"] as? [[String: Any]])
                return workers.map { $0["worker"] as? String } == ["second-a"]
            }

            first.signal(SIGCONT)
            let outcome = try await first.end(within: 60)
            #expect(outcome.status == 1 && outcome.errors.contains("the key 'first' was revoked"), "\(outcome.errors)")
            // Started again it is told at the door, and stays there.
            let again = try cluster.startWorker(arguments: ["--key", cluster.state.file("first.key")])
            try await waitUntil("the refusal") { again.errorsSoFar.contains("refuses the key 'first'") }
            #expect(cluster.coordinator?.errorsSoFar.contains("key revoked") == true)
            #expect(try await cluster.status()["workers_connected"] as? Int == 1)
            #expect(!second.hasEnded)
            let recorded = try await cluster.sql(
                "SELECT action, subject FROM audit_log WHERE action LIKE 'key %' ORDER BY action, subject")
            #expect(recorded == [["key added", "first"], ["key added", "second"], ["key revoked", "first"]])
        }
    }
}
