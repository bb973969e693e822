import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension EndToEnd {
    /// `alphagrid expressions` beside a cluster that `alphagrid up` runs.
    @Suite struct ExpressionsTests {
        /// Daily changes of A, B and C go in cycles of different lengths; D and E earn what A does, with another sign or
        /// size, and so does T what S does.
        private static func pnl() -> String {
            var sums = [0.0, 0.0, 0.0]
            var lines = ["date,A,B,C,D,E,S,T"]
            for day in 0..<120 {
                for (index, period) in [3, 5, 7].enumerated() { sums[index] += Double((day * (index + 1)) % period) - 1 }
                let month = day / 28 + 1
                let date = "2024-\(month < 10 ? "0" : "")\(month)-\(day % 28 + 1 < 10 ? "0" : "")\(day % 28 + 1)"
                let values = sums + [2 * sums[0], -sums[0], sums[1] + sums[2], 3 * sums[1] + 3 * sums[2]]
                lines.append(([date] + values.map { "\($0)" }).joined(separator: ","))
            }
            return lines.joined(separator: "\n") + "\n"
        }

        private static let metadata = """
            alpha_id,alpha_type,code
            A,REGULAR,"rank(ts_delta(close, 5)) + volume"
            B,REGULAR,"x = ts_delta(close, 5); volume + RANK(x)"
            C,REGULAR,rank(
            S,SUPER,
            T,SUPER,

            """

        private let folder: ScratchFolder
        private let up: ChildProcess
        private var environment: [String: String?] { ["ALPHAGRID_STATE": folder.path, "NO_COLOR": "1"] }

        init() async throws {
            let folder = try ScratchFolder()
            self.folder = folder
            let up = try ChildProcess(
                Place.program("alphagrid"), ["up", "--workers", "1", "--state", folder.path], environment: ["NO_COLOR": "1"])
            self.up = up
            try await waitUntil("a worker of alphagrid up", seconds: 90) {
                try #require(!up.hasEnded, "it ended: \(up.errorsSoFar.suffix(2_000))")
                let status = try await run(
                    Place.program("alphagrid"), ["status", "--json"], environment: ["ALPHAGRID_STATE": folder.path])
                return status.status == 0 && status.output.contains("\"workers_connected\" : 1")
            }
            for (name, text) in [("pnl.csv", Self.pnl()), ("alphas.csv", Self.metadata)] { _ = try folder.write(text, to: name) }
            try await alphagrid("db", "import", folder.file("pnl.csv"), "--region", "USA")
            try await alphagrid("db", "import-alphas", folder.file("alphas.csv"), "--region", "USA")
        }

        @discardableResult
        private func alphagrid(_ arguments: String...) async throws -> String {
            try await succeed(Place.program("alphagrid"), arguments, environment: environment)
        }

        private func attempt(_ arguments: String...) async throws -> ChildProcess.Outcome {
            try await run(Place.program("alphagrid"), arguments, environment: environment)
        }

        private func json(_ text: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
        }

        private func stop() async throws {
            up.signal(SIGTERM)
            #expect(try await up.end(within: 60).status == 0)
        }

        @Test("A region's formulas are checked, counted and compared, and its SUPER alphas are a pool", .timeLimit(.minutes(5)))
        func region() async throws {
            let check = try await attempt("expressions", "check", "--region", "USA", "--json")
            #expect(check.status == 1, "\(check.errors)")
            let checked = try json(check.output)
            #expect(checked["alphas_wrong"] as? Int == 1)
            let problem = try #require((checked["problems"] as? [[String: Any]])?.first)
            #expect(problem["alpha_id"] as? String == "C")
            #expect((problem["problem"] as? [String: Any])?["kind"] as? String == "syntax")
            let expected = ["total": 7, "parsed": 2, "not_parsed": 1, "without_code": 2, "super_without_code": 2]
            #expect(checked["alphas"] as? [String: Int] == expected)

            let csv = try await alphagrid("expressions", "usage", "--region", "USA", "--format", "csv")
            let lines = csv.split(separator: "\n")
            #expect(lines.contains { $0.hasPrefix("operator,ts_delta,") && $0.hasSuffix(",true,2,2") })
            #expect(lines.filter { $0.hasPrefix("field,") } == ["field,close,,true,2,2", "field,volume,,true,2,2"])
            let table = try await attempt("expressions", "usage", "--region", "USA")
            #expect(table.status == 0 && table.output.contains("2 fields, written 4 times"), "\(table.output)")
            #expect(table.errors.contains("expressions check --region USA"), "\(table.errors)")

            let fields = try folder.write(#"{"results": [{"id": "close"}, {"id": "open"}], "count": 9}"#, to: "fields.json")
            let expansion = try json(
                try await alphagrid("expressions", "expansion", "--region", "USA", "--fields", fields, "--json"))
            let unused = try #require((expansion["fields"] as? [String: Any])?["unused"] as? [[String: Any]])
            #expect(unused.compactMap { $0["name"] as? String } == ["open"])
            let operators = try #require((expansion["operators"] as? [String: Any])?["unused"] as? [[String: Any]])
            let names = operators.compactMap { $0["name"] as? String }
            #expect(names.contains("ts_mean") && !names.contains("rank") && !names.contains("ts_delta"))

            try await duplicates()
            try await superAlphas()
            try await stop()
        }

        private func duplicates() async throws {
            let before = try json(try await alphagrid("expressions", "duplicates", "--region", "USA", "--json"))
            let forms = try #require(before["same_form"] as? [[String: Any]])
            #expect(forms.map { $0["alpha_ids"] as? [String] } == [["A", "B"]])
            let unknown = try #require(before["same_pnl"] as? [String: Any])
            #expect((unknown["note"] as? String)?.contains("alphagrid run correlation --region USA") == true)
            #expect(unknown["job_id"] is NSNull)

            let run = try json(try await alphagrid("run", "correlation", "--region", "USA", "--wait", "--json"))
            let after = try json(try await alphagrid("expressions", "duplicates", "--region", "USA", "--json"))
            let pnl = try #require(after["same_pnl"] as? [String: Any])
            #expect(pnl["job_id"] as? Int != nil && pnl["job_id"] as? Int == run["job_id"] as? Int)
            #expect(pnl["note"] is NSNull && pnl["alphas_cut_short"] as? Int == 0)
            let groups = try #require(pnl["groups"] as? [[String: Any]])
            #expect(groups.map { $0["alpha_ids"] as? [String] } == [["A", "D", "E"], ["S", "T"]])
            let own = try json(
                try await alphagrid("expressions", "duplicates", "--region", "USA", "--pool", "super", "--json"))
            let found = try #require((own["same_pnl"] as? [String: Any])?["groups"] as? [[String: Any]])
            #expect(found.map { $0["alpha_ids"] as? [String] } == [["S", "T"]])
        }

        /// The self-correlation of SUPER alphas goes to the job's own table and leaves the region's alone.
        private func superAlphas() async throws {
            let view = try json(
                try await alphagrid("run", "correlation", "--region", "USA", "--pool", "super", "--wait", "--json"))
            #expect(view["result_table"] as? String == "correlation_usa_jobs")
            let job = try #require(view["job_id"] as? Int)
            let rows = try await alphagrid(
                "results", "correlation", "--region", "USA", "--job", "\(job)", "--format", "csv", "--limit", "0")
            let result = try CSVTable(rows)
            #expect(Set(result.rows.keys) == ["S", "T"])
            #expect(try abs((Double(result.field("S", "max_correlation")) ?? 0) - 1) < 1e-10)
            let refused = try await attempt("db", "pools", "create", "super", "--region", "USA")
            #expect(refused.status == 2 && refused.errors.contains("built in"), "\(refused.errors)")
            let listed = try await alphagrid("db", "pools", "--region", "USA", "--json")
            #expect(listed.contains("\"super\"") && listed.contains("\"regular\""))
            try await alphagrid("db", "pools", "create", "core", "A", "--region", "USA")
            // What a shell asks for when somebody who types the name of a pool presses tab.
            func offered(_ verb: String) async throws -> [Substring] {
                try await alphagrid(
                    "---completion", "db", "pools", verb, "--", "positional@0", "6", "0", "alphagrid", "db", "pools", verb,
                    "--region", "USA", ""
                ).split(separator: "\n")
            }
            var pools: [Substring] = []
            // On a busy machine an answer may take longer than a shell waits, but not always.
            for _ in 0..<20 where pools.count < 5 { pools = try await offered("show") }
            #expect(pools == ["submitted", "unsubmitted", "regular", "super", "core"])
            for _ in 0..<20 where pools != ["core"] { pools = try await offered("add") }
            #expect(pools == ["core"])
            let apart = try await attempt("explain", "A", "B", "--region", "USA", "--pool", "core")
            let sentence = "'B' with PnL in pool 'core' of region USA: it is in pool 'submitted'"
            #expect(apart.status == 3 && apart.errors.contains(sentence), "\(apart.errors)")
        }

        @Test("Formulas and lists that are wrong, and regions that are not there, are said to be so", .timeLimit(.minutes(5)))
        func wrong() async throws {
            let good = try await attempt("expressions", "check", "rank(close)")
            #expect(good.status == 0 && good.output.contains("form       rank(close)"), "\(good.output)\(good.errors)")
            for formula in ["-ts_corr(close, volume, 5)", "-high / close"] {
                let minus = try await attempt("expressions", "check", formula)
                #expect(minus.status == 0 && minus.output.hasPrefix("form       -"), "\(minus.output)\(minus.errors)")
            }
            let bad = try await attempt("expressions", "check", "rank(close")
            #expect(bad.status == 1 && bad.output.contains("    rank(close\n        ^"), "\(bad.output)")
            let file = try folder.write("ts_mean(clse, 5)\n", to: "formula.txt")
            let fields = try folder.write(#"["close"]"#, to: "names.json")
            let unknown = try await attempt("expressions", "check", "--file", file, "--fields", fields, "--json")
            #expect(unknown.status == 1)
            #expect(((try json(unknown.output)["problems"] as? [[String: Any]])?.first)?["kind"] as? String == "unknown_field")
            let cases: [([String], Int32, String)] = [
                (["check", "a", "--file", file], 2, "either"), (["check", "--file", folder.file("none")], 3, "none"),
                (["check", "a", "--fields", file], 2, "formula.txt"), (["check", "--region", "usa"], 2, "region"),
                (["usage", "--region", "EUR"], 3, "EUR"), (["usage", "--region", "USA", "--pool", "nope"], 3, "nope"),
                (["duplicates", "--region", "USA", "--threshold", "2"], 2, "threshold"),
                (["expansion", "--region", "USA", "--operators", file], 2, "formula.txt"),
            ]
            for (arguments, status, word) in cases {
                let outcome = try await run(
                    Place.program("alphagrid"), ["expressions"] + arguments, environment: environment)
                #expect(outcome.status == status && outcome.errors.contains(word), "\(arguments): \(outcome.errors)")
            }
            let unsubmitted = try await alphagrid("expressions", "duplicates", "--region", "USA", "--pool", "unsubmitted")
            #expect(unsubmitted.contains("0 alphas") && unsubmitted.contains("submitted alphas only"))
            try await stop()
        }
    }
}
