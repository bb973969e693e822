import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A coordinator alone, with the flags and the environment that a test wants.
private final class Doorkeeper {
    let state: ScratchFolder
    let database: String
    let http: String
    private(set) var process: ChildProcess?

    init() async throws {
        state = try ScratchFolder()
        database = try PrivateDatabase.make()
        http = "127.0.0.1:\(try freePort())"
        try await succeed(Place.program("alphagrid"), ["db", "init"], environment: environment)
    }

    var environment: [String: String?] { ["ALPHAGRID_STATE": state.path, "ALPHAGRID_DATABASE": database, "NO_COLOR": "1"] }

    var arguments: [String] {
        ["coordinator", "--database", database, "--bind", "tcp://127.0.0.1:0", "--http", http, "--state", state.path]
    }

    /// Starts it and waits until it has said that it is ready.
    func start(_ flags: [String] = [], environment more: [String: String?] = [:]) async throws {
        let process = try ChildProcess(
            Place.program("alphagrid"), arguments + flags, environment: environment.merging(more) { $1 })
        self.process = process
        try await waitUntil("the coordinator") {
            try #require(!process.hasEnded, "the coordinator ended: \(process.errorsSoFar.suffix(2_000))")
            return process.outputSoFar.contains("coordinator ready")
        }
    }

    func run(_ arguments: [String], token: String? = nil, _ more: [String: String?] = [:]) async throws -> ChildProcess.Outcome {
        var environment = environment.merging(more) { $1 }
        if let token { environment["ALPHAGRID_TOKEN"] = token }
        return try await EndToEndTests.run(Place.program("alphagrid"), arguments, environment: environment)
    }

    func addToken(_ name: String, _ role: String, _ more: String...) async throws -> String {
        let outcome = try await run(["tokens", "add", name, "--role", role] + more)
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(!outcome.errors.contains(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)))
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

extension EndToEnd {
    @Suite struct DoorTests {
        @Test(
            "Roles hold for real requests, a revoked token ends within seconds, and the audit log tells", .timeLimit(.minutes(5)))
        func roles() async throws {
            let door = try await Doorkeeper()
            let (viewer, operatorToken) = (try await door.addToken("eve", "viewer"), try await door.addToken("otto", "operator"))
            try await door.start()
            #expect(try await door.run(["jobs"], token: viewer).status == 0)
            let refused = try await door.run(["jobs", "cancel", "1"], token: viewer)
            #expect(refused.status == 1 && refused.errors.contains("role viewer"), "\(refused.errors)")
            #expect(try await door.run(["jobs", "cancel", "1"], token: operatorToken).status == 3)
            #expect(try await door.run(["workers", "drain", "nobody"]).status == 3)
            // Added while it runs.
            let late = try await door.addToken("late", "viewer", "--expires", "1d")
            try await waitUntil("the new token", seconds: 5) { try await door.run(["jobs"], token: late).status == 0 }
            #expect(try await door.run(["tokens", "revoke", "late"]).status == 0)
            try await waitUntil("the end of the revoked token", seconds: 5) {
                try await door.run(["jobs"], token: late).status == 1
            }
            let audit = try await door.run(["audit", "--json", "--limit", "100"])
            let rows = try #require(try JSONSerialization.jsonObject(with: Data(audit.output.utf8)) as? [[String: Any]])
            func row(_ actor: String, _ action: String) -> [String: Any]? {
                rows.first { $0["actor"] as? String == actor && $0["action"] as? String == action }
            }
            #expect(row("eve", "refused")?["status"] as? Int == 403)
            #expect(
                row("otto", "cancel job")?["status"] as? Int == 404 && row("otto", "cancel job")?["subject"] as? String == "1")
            #expect(row("file:token", "drain worker")?["role"] as? String == "admin")
            #expect(row("otto", "cancel job")?["peer"] as? String == "127.0.0.1")
            #expect(rows.contains { $0["action"] as? String == "token revoked" && $0["subject"] as? String == "late" })
            for token in [viewer, operatorToken, late] { #expect(!audit.output.contains(token)) }
            #expect(try await door.run(["tokens"]).output.contains("revoked"))
            let eves = try await door.run(["audit", "--who", "eve", "--action", "refused", "--since", "1h"])
            #expect(eves.output.contains("eve") && !eves.output.contains("otto"), "\(eves)")
            let unknown = try await door.run(["audit", "--action", "cancel jobs"])
            #expect(unknown.status == 0 && unknown.errors.contains("actions that are: cancel job, "), "\(unknown)")
            // The name is free again, and stands for two then.
            let file = door.state.file("late.token")
            let again = try await door.run(["tokens", "add", "late", "--role", "viewer", "--out", file])
            #expect(again.status == 0 && again.output.isEmpty && again.errors.contains("before, revoked at"), "\(again)")
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
            let secret = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(!again.errors.contains(secret))
            try await waitUntil("the token of the file", seconds: 5) { try await door.run(["jobs"], token: secret).status == 0 }
            let taken = try await door.run(["tokens", "add", "other", "--role", "viewer", "--out", file])
            #expect(taken.status == 1 && taken.errors.contains("is there already"), "\(taken)")
            #expect(try await !door.run(["tokens"]).output.contains("other"), "no token that nobody has")
        }

        @Test("HTTPS is served with a certificate of one's own authority, which commands have to know", .timeLimit(.minutes(5)))
        func tls() async throws {
            let door = try await Doorkeeper()
            let folder = try ScratchFolder()
            try await Self.makeCertificates(folder)
            let flags = ["--tls-cert", folder.file("server.pem"), "--tls-key", folder.file("server.key")]
            chmod(folder.file("server.key"), 0o644)
            let open = try await door.run(door.arguments + flags)
            #expect(open.status == 2 && open.errors.contains("can be read by others"), "\(open.errors)")
            chmod(folder.file("server.key"), 0o600)
            try await door.start(flags)
            let ca = folder.file("ca.pem")
            #expect(try await door.run(["status", "--ca", ca]).status == 0)
            #expect(try await door.run(["jobs"], ["ALPHAGRID_CA": ca]).status == 0)
            let unknown = try await door.run(["status"])
            #expect(unknown.status == 4 && unknown.errors.contains("--ca"), "\(unknown.errors)")
            #expect(!unknown.errors.contains("alphagrid up"), "it runs")
            let missing = try await door.run(["status", "--ca", folder.file("none.pem")])
            #expect(missing.status == 3 && missing.errors.contains("of --ca is not there"), "\(missing.errors)")
            let other = try await door.run([
                "status", "--ca", ca, "--url", "https://localhost:\(door.http.split(separator: ":")[1])",
            ])
            #expect(other.status != 0, "the certificate is for 127.0.0.1 alone")
            #expect(try await HTTP.get("http://\(door.http)/livez") == nil, "nothing answers without TLS")
            let connection = try String(contentsOfFile: door.state.file("connection.json"), encoding: .utf8)
            #expect(connection.contains("\"https://\(door.http)\""))
            let old = try await run(
                "/usr/bin/openssl", ["s_client", "-connect", door.http, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
            #expect(!old.output.contains("Cipher    : ECDHE") && old.status != 0)
        }

        private static func makeCertificates(_ folder: ScratchFolder) async throws {
            let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            try await succeed(
                "/usr/bin/openssl",
                ["req", "-x509"] + key + [
                    "-days", "2", "-subj", "/CN=test", "-keyout", folder.file("ca.key"), "-out", folder.file("ca.pem"),
                ])
            try await succeed(
                "/usr/bin/openssl",
                ["req"] + key + ["-subj", "/CN=server", "-keyout", folder.file("server.key"), "-out", folder.file("server.csr")])
            let names = try folder.write("subjectAltName=IP:127.0.0.1\n", to: "names")
            try await succeed(
                "/usr/bin/openssl",
                [
                    "x509", "-req", "-in", folder.file("server.csr"), "-CA", folder.file("ca.pem"), "-CAkey",
                    folder.file("ca.key"),
                    "-CAcreateserial", "-days", "2", "-extfile", names, "-out", folder.file("server.pem"),
                ])
        }

        @Test("Secrets stand in no log, no list of processes, no error and no file that others read", .timeLimit(.minutes(5)))
        func secrets() async throws {
            let door = try await Doorkeeper()
            let (token, password) = ("token-\(UUID().uuidString)", "password-\(UUID().uuidString)")
            let jwtSecret = "jwt-\(UUID().uuidString)"
            let secretFile = try door.state.write("\(jwtSecret)\n", to: "jwt.secret")
            chmod(secretFile, 0o600)
            let stored = try await door.addToken("known", "viewer")
            let environment: [String: String?] = ["ALPHAGRID_TOKEN": token, "PGPASSWORD": password, "ALPHAGRID_LOG": "trace"]
            try await door.start(["--jwt-hs256", secretFile], environment: environment)

            var said: [String] = []
            let url = "http://\(door.http)/v1/jobs"
            for presented in [token, stored, "\(stored)x", "a.\(jwtSecret).b", password] {
                let answer = try await HTTP.post(url, ["kind": presented, "region": "USA"], token: presented)
                // What was sent in the body may come back to whoever sent it, and to nobody else.
                said.append(answer.text.replacingOccurrences(of: "'\(presented)'", with: ""))
                said.append(try await HTTP.get("\(url)?token=1", token: presented)?.text ?? "")
            }
            let nowhere = "postgresql://alphagrid@127.0.0.1:\(try freePort())/alphagrid"
            for arguments in [
                ["db", "init", "--database", nowhere], ["jobs", "show", "99"],
                ["jobs", "--url", "http://127.0.0.1:\(try freePort())"],
                ["tokens", "add", "known", "--role", "admin"], ["tokens", "list", "--json"], ["audit", "--json"],
                ["db", "status"],
                ["coordinator", "--database", nowhere, "--http", "127.0.0.1:0", "--state", door.state.file("other")],
                ["jobs", "--ca", secretFile], ["coordinator", "--database", nowhere, "--jwt-es256", secretFile],
            ] {
                let outcome = try await door.run(arguments, environment)
                said += [outcome.output, outcome.errors]
            }
            let process = try #require(door.process)
            said += [process.outputSoFar, process.errorsSoFar]
            said.append(
                String(
                    decoding: try #require(FileManager.default.contents(atPath: "/proc/\(process.pid)/cmdline")), as: UTF8.self))
            said.append(try String(contentsOfFile: door.state.file("connection.json"), encoding: .utf8))
            said += try await PrivateDatabase.rows(door.database, "SELECT audit_log::text FROM audit_log").flatMap { $0 }
            said += try await PrivateDatabase.rows(door.database, "SELECT access_tokens::text FROM access_tokens").flatMap { $0 }
            #expect(process.errorsSoFar.contains("trace"), "the log was asked for everything")
            for (name, secret) in [("token", token), ("password", password), ("secret", jwtSecret), ("stored token", stored)] {
                let places = said.filter { $0.contains(secret) }
                #expect(places.isEmpty, "the \(name) stands in: \(places.first?.prefix(500) ?? "")")
            }
        }

        @Test(
            "Names that try to be a statement or a path change nothing, over HTTP and on the command line",
            .timeLimit(.minutes(5)))
        func names() async throws {
            let door = try await Doorkeeper()
            let file = try door.state.write("date,A,B\n2024-01-02,0,0\n2024-01-03,1,2\n2024-01-04,3,1\n", to: "pnl.csv")
            #expect(try await door.run(["db", "import", file, "--region", "USA"]).status == 0)
            try await door.start()
            let token = try String(contentsOfFile: door.state.file("token"), encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let count =
                "SELECT (SELECT count(*) FROM alphas) || ' ' || (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')"
            let before = try await PrivateDatabase.rows(door.database, count)
            for name in [
                "'; DROP TABLE alphas; --", "\" ; DROP TABLE alphas; --", "../../etc/passwd", "\\'; --", "$1", "A\u{0}B", "%00",
            ] {
                let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
                let encoded = try #require(name.addingPercentEncoding(withAllowedCharacters: plain))
                let base = "http://\(door.http)/v1"
                for path in [
                    "/jobs/\(encoded)", "/regions/\(encoded)/pairs?a=A&b=B", "/regions/USA/pairs?a=\(encoded)&b=B",
                    "/regions/USA/pairs?a=A&b=B&pool=\(encoded)", "/regions/USA/results/\(encoded)",
                    "/regions/USA/results/clusters?method=\(encoded)", "/regions/USA/results/correlation?alpha_id=\(encoded)",
                ] {
                    let answer = try #require(try await HTTP.get(base + path, token: token))
                    // A filter that fits nothing is an empty answer.
                    let isFilter = path.contains("alpha_id=") || path.contains("method=")
                    #expect(
                        [400, 404].contains(answer.status) || isFilter && answer.status < 500,
                        "\(path): \(answer.status) \(answer.text)")
                    #expect(!answer.text.contains("root:"))
                }
                for (path, body) in [
                    ("/workers/\(encoded)/drain", [:]), ("/jobs", ["kind": "correlation", "region": "USA", "pool": name]),
                    ("/jobs", ["kind": "correlation", "region": name]),
                ] as [(String, [String: Any])] {
                    let answer = try await HTTP.post(base + path, body, token: token)
                    #expect([400, 404].contains(answer.status), "\(path): \(answer.status) \(answer.text)")
                }
                guard !name.contains("\u{0}") else { continue }
                for (arguments, codes) in [
                    (["tokens", "add", name, "--role", "viewer"], [2]), (["tokens", "revoke", name], [2]),
                    (["tokens", "add", "x", "--role", name], [2]), (["run", "correlation", "--region", name], [2]),
                    (["run", "correlation", "--region", "USA", "--pool", name], [2, 3]), (["jobs", "show", name], [2]),
                    (["workers", "drain", name], [2, 3]), (["db", "pools", "show", name, "--region", "USA"], [2, 3]),
                    (["results", name, "--region", "USA"], [2, 3]), (["explain", name, "B", "--region", "USA"], [2, 3]),
                    (["db", "remove", name], [2, 3]),
                ] as [([String], [Int32])] {
                    let outcome = try await door.run(arguments)
                    #expect(codes.contains(outcome.status), "\(arguments): \(outcome.status) \(outcome.errors)")
                }
            }
            #expect(try await PrivateDatabase.rows(door.database, count) == before)
        }
    }
}
