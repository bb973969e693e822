import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// Flags, requests and places that make no sense: one sentence and the right exit code or status.
    @Suite struct BadRequestsTests {
        @Test(
            "A flag that makes no sense is named with what was expected, with exit code 2",
            arguments: [
                (["--convention", "fill"], "ffill-shift"), (["--min-overlap", "1"], "2"), (["--window", "4w"], "4y"),
                (["--precision", "float16"], "float64"), (["--convetion", "ffill-diff"], "convetion"),
            ])
        func flags(arguments: [String], names: String) async throws {
            let folder = try ScratchFolder()
            let file = try folder.write("date,A,B\n2024-01-02,0,0\n2024-01-03,1,2\n", to: "pnl.csv")
            let outcome = try await run(Place.program("alphagrid"), ["correlate", file] + arguments)
            #expect(outcome.status == 2, "\(outcome.errors)")
            #expect(outcome.errors.contains(names), "\(outcome.errors)")
            #expect(outcome.output == "")
        }

        @Test(
            "The command line of a cluster refuses what makes no sense, with the exit code of its kind", .timeLimit(.minutes(5)))
        func commandLine() async throws {
            let cluster = try await TestCluster(workers: 0)
            let file = try cluster.state.write("date,A,B\n2024-01-02,0,0\n2024-01-03,1,2\n", to: "pnl.csv")
            let cases: [([String], Int32, String)] = [
                (["db", "import", file, "--region", "usa"], 2, "usa"),
                (["db", "import", file, "--region", "USA;DROP"], 2, "USA;DROP"),
                (["db", "import", cluster.state.file("nothing.csv"), "--region", "USA"], 3, "nothing.csv"),
                (["run", "correlation", "--region", "EUR"], 3, "EUR"),
                (["run", "correlation", "--region", "eur"], 2, "eur"),
                (["run", "corelation", "--region", "USA"], 2, "corelation"),
                (["run", "correlation", "--region", "EUR", "--param", "min_overlap=1"], 2, "1"),
                (["jobs", "show", "999999"], 3, "999999"),
                (["jobs", "cancel", "abc"], 2, "abc"),
                (["workers", "drain", "nobody"], 3, "nobody"),
            ]
            for (arguments, code, names) in cases {
                let outcome = try await run(Place.program("alphagrid"), arguments, environment: cluster.environment)
                let line = arguments.joined(separator: " ")
                #expect(outcome.status == code, "\(line): \(outcome.status) \(outcome.errors)")
                #expect(outcome.errors.contains(names), "\(line): \(outcome.errors)")
                #expect(outcome.output == "", "\(line): \(outcome.output)")
            }
        }

        @Test("HTTP answers problem details with the status of the error's kind", .timeLimit(.minutes(5)))
        func http() async throws {
            let cluster = try await TestCluster(workers: 0)
            let token = try cluster.token()
            let cases: [([String: Any], Int, String)] = [
                (["kind": "correlation", "region": "usa"], 400, "usa"),
                (["kind": "correlation", "region": "USA'; DROP TABLE jobs; --"], 400, "region"),
                (["kind": "correlation", "region": "EUR"], 404, "EUR"),
                (["kind": "correlation", "region": "EUR", "convention": "fill"], 400, "ffill-shift"),
                (["kind": "correlation", "region": "EUR", "min_overlap": 1], 400, "min_overlap"),
                (["kind": "correlation", "region": "EUR", "window": "4w"], 400, "window"),
                (["kind": "correlation"], 400, "region"),
                (["kind": "divination", "region": "EUR"], 400, "divination"),
                (["kind": "correlation", "region": "EUR", "colour": "red"], 400, "colour"),
            ]
            for (body, status, names) in cases {
                let answer = try await HTTP.post("http://\(cluster.http)/v1/jobs", body, token: token)
                #expect(answer.status == status, "\(body): \(answer.status) \(answer.text)")
                #expect(answer.contentType.hasPrefix("application/problem+json"))
                let detail = try answer.object()["detail"] as? String ?? ""
                #expect(detail.replacing("-", with: "_").contains(names.replacing("-", with: "_")), "\(body): \(detail)")
            }
            for (path, status) in [("/v1/jobs/0", 404), ("/v1/jobs/abc", 400), ("/v1/nothing", 404), ("/v1/jobs?limit=x", 400)] {
                let answer = try #require(try await HTTP.get("http://\(cluster.http)\(path)", token: token))
                #expect(answer.status == status || path == "/v1/jobs/0" && answer.status == 400, "\(path): \(answer.status)")
            }
            let broken = try await HTTP.send(
                "POST", "http://\(cluster.http)/v1/jobs", Data("{\"kind\":".utf8), contentType: "application/json", token: token)
            #expect(broken.status == 400)
            #expect(try await cluster.value("SELECT count(*) FROM jobs") == "0")
        }

        @Test("A database that is down, missing or closed to the user is named, with exit code 4 or 1, and no secret is taken")
        func databases() async throws {
            let url = try PrivateDatabase.make()
            _ = try await PrivateDatabase.rows(
                url, "DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
            _ = try await PrivateDatabase.rows(url, "REVOKE CREATE ON SCHEMA public FROM public")
            let port = try freePort()
            let down = "postgresql://alphagrid@127.0.0.1:\(port)/alphagrid"
            let cases: [(String, Int32, String)] = [
                (down, 4, "\(port)"),
                (PrivateDatabase.asStranger(url), 1, "CREATE"),
                ("postgresql://alphagrid:secret@127.0.0.1:\(port)/alphagrid", 2, "password"),
                ("not a database", 2, "database"),
            ]
            for (database, code, names) in cases {
                let outcome = try await run(Place.program("alphagrid"), ["db", "init", "--database", database])
                #expect(outcome.status == code, "\(database): \(outcome.status) \(outcome.errors)")
                #expect(outcome.errors.contains(names), "\(database): \(outcome.errors)")
                #expect(!outcome.errors.contains("secret"))
            }
        }

        @Test("Without a coordinator the command line says where it looked, with exit code 4")
        func nobodyThere() async throws {
            let folder = try ScratchFolder()
            let status = try await run(Place.program("alphagrid"), ["status"], environment: ["ALPHAGRID_STATE": folder.path])
            #expect(status.status == 4)
            #expect(status.errors.contains(folder.path))
            let port = try freePort()
            let silent = try await run(
                Place.program("alphagrid"), ["status", "--url", "http://127.0.0.1:\(port)"],
                environment: ["ALPHAGRID_STATE": folder.path, "ALPHAGRID_TOKEN": String(repeating: "x", count: 43)])
            #expect(silent.status == 4, "\(silent.errors)")
            #expect(silent.errors.contains("\(port)"))
        }

        @Test("A worker that is told nonsense ends with 2 and a sentence")
        func worker() async throws {
            for (arguments, names) in [
                (["--connect", "udp://127.0.0.1:1"], "udp"), (["--connect", "tcp://127.0.0.1:1", "--slots", "0"], "slots"),
                (["--connect", "tcp://127.0.0.1:1", "--memory", "much"], "much"), ([], "connect"),
                (["--connect", "udp://127.0.0.1:1", "--connect", "tcp://127.0.0.1:1"], "udp"),
            ] {
                let outcome = try await run(Place.program("alphagrid-worker"), arguments)
                #expect(outcome.status == 2, "\(arguments): \(outcome.status) \(outcome.errors)")
                #expect(outcome.errors.contains(names), "\(outcome.errors)")
            }
        }
    }
}
