import API
import ClusterModel
import Foundation
import Panel
import Testing

@testable import alphagrid

@Suite struct SupportDumpTests {
    private static let token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    @Test(
        "Whatever opens something is taken out, the words around it stay",
        arguments: [
            ("token \(token) was shown", "token (removed) was shown"),
            ("ag_fedcba9876543210fedcba98 x", "(removed) x"), ("signed with agw_fedcba9876543210ab", "signed with (removed)"),
            ("postgresql://otto:hunter2@db/alphagrid failed", "postgresql://otto:(removed)@db/alphagrid failed"),
            ("postgresql://otto@db:5432/alphagrid", "postgresql://otto@db:5432/alphagrid"),
            ("host=db password=hunter2 user=x", "host=db password=(removed) user=x"),
            (#"{"error":"password: \"hunter2\" is wrong"}"#, #"{"error":"password: \"(removed)\" is wrong"}"#),
            ("Authorization: Bearer abcdefgh.ijk-l_m~n", "Authorization: Bearer (removed)"),
            ("jwt eyJhbGciOi.eyJzdWIi.c2ln-_ end", "jwt (removed) end"),
            ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\nx", "(removed)\nx"),
            ("job 12 of region USA has digest abcdef0123", "job 12 of region USA has digest abcdef0123"),
        ])
    func redaction(text: String, expected: String) {
        #expect(Redaction(secrets: [Self.token]).clean(text) == expected)
    }

    @Test("An archive is one that tar reads, its files for their owner alone")
    func archive() throws {
        let scratch = try Scratch()
        var dump = SupportDump(redaction: Redaction(secrets: [Self.token]))
        dump.add("a.txt", "token \(Self.token)\n")
        dump.add("logs/b.txt", String(repeating: "x", count: 1_024))
        dump.add("empty.txt", "")
        dump.note("c.json", "nobody\nanswers to \(Self.token)")
        let packed = try Gzip.compress(dump.archive(at: Date(timeIntervalSince1970: 1_700_000_000)))
        let file = "\(scratch.path)/dump.tar.gz"
        try PrivateFile.write(Data(packed), to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
        process.arguments = ["-xzf", file, "-C", scratch.path]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(try scratch.read("alphagrid-support/a.txt") == "token (removed)\n")
        #expect(try scratch.read("alphagrid-support/logs/b.txt").count == 1_024)
        #expect(try scratch.read("alphagrid-support/empty.txt") == "")
        let about = try scratch.read("alphagrid-support/README.txt")
        #expect(about.contains("a.txt, 16 bytes") && about.contains("c.json is missing: nobody?answers to (removed)"))
        for path in [file, "\(scratch.path)/alphagrid-support/a.txt"] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test("Jobs that run behind any number of newer ones are in it, and are explained before those that wait")
    func openJobs() async throws {
        let grid = ManyJobs([someJob(1, .running)] + (2...150).map { someJob($0, .queued) })
        try await ClientTests.serving(grid) { port in
            var dump = SupportDump(redaction: Redaction(secrets: []))
            await dump.collect(
                from: try GridClient(
                    base: try #require(URL(string: "http://127.0.0.1:\(port)")),
                    token: try AccessToken(ClientTests.token, source: "the test")))
            let list = try #require(dump.files.first { $0.name == "jobs.json" })
            #expect(try GridJSON.decode(JobList.self, from: Data(list.content)).jobs.contains { $0.jobID == JobID(1) })
            // This grid explains nothing, which is said of each job that was asked about.
            let explained = dump.missing.filter { $0.hasPrefix("explain-") }
            #expect(explained.count == Limits.supportJobsExplainedMax && explained[0].hasPrefix("explain-1.json"), "\(explained)")
        }
    }

    @Test("Without a coordinator there still is a dump of this machine, which holds no secret of the environment")
    func alone() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: "\(scratch.path)/logs", withIntermediateDirectories: true)
        try scratch.write("worker joined\nPGPASSWORD=hunter2\n\(Self.token)\n", to: "logs/worker.log")
        let run = try Run(
            ["support-dump", "--state", scratch.path, "--out", "\(scratch.path)/d.tar.gz", "--url", "http://127.0.0.1:9"],
            environment: ["ALPHAGRID_TOKEN": Self.token, "PGPASSWORD": "correct horse"])
        #expect(run.status == 0 && run.output == "\(scratch.path)/d.tar.gz\n", "\(run.errors)")
        #expect(run.errors.contains("cannot reach the coordinator"))
        let packed = try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/d.tar.gz"))
        let text = try packed.withUnsafeBytes { bytes in
            try Gzip.inflate(bytes, name: "d").withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
        for name in ["client.json", "logs/worker.log", "README.txt", "ALPHAGRID_TOKEN", "worker joined", "cpu_count"] {
            #expect(text.contains(name), "\(name)")
        }
        for secret in [Self.token, "hunter2", "correct horse"] { #expect(!text.contains(secret)) }
    }
}
