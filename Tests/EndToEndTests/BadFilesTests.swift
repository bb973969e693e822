import Foundation
import Testing

extension EndToEnd {
    /// Files that are not what they should be: one clear sentence with file, line and column, exit code 2, nothing written.
    @Suite struct BadFilesTests {
        struct Case: CustomTestStringConvertible, Sendable {
            var what: String
            var text: String
            /// What the sentence has to name.
            var names: [String]
            var testDescription: String { what }
        }

        private static let header = "date,A,B\n2024-01-02,0,0\n"
        static let cases = [
            Case(what: "wrong header", text: "day;A;B\n2024-01-02;0;0\n", names: ["line 1", "date"]),
            Case(what: "header only", text: "date,A,B\n", names: ["pnl.csv"]),
            Case(what: "empty file", text: "", names: ["pnl.csv"]),
            Case(what: "unknown date", text: header + "2024-02-30,1,2\n", names: ["line 3", "2024-02-30"]),
            Case(what: "date in another form", text: header + "03/01/2024,1,2\n", names: ["line 3", "03/01/2024"]),
            Case(what: "text where a number belongs", text: header + "2024-01-03,1,abc\n", names: ["line 3", "abc", "B"]),
            Case(what: "infinite value", text: header + "2024-01-03,inf,2\n", names: ["line 3", "inf", "A"]),
            Case(what: "value beyond every limit", text: header + "2024-01-03,1e300,2\n", names: ["line 3", "1e300", "A"]),
            Case(what: "missing field", text: header + "2024-01-03,1\n", names: ["line 3"]),
            Case(what: "date twice", text: header + "2024-01-02,1,2\n", names: ["line 3", "2024-01-02"]),
            Case(what: "column twice", text: "date,A,A\n2024-01-02,0,0\n", names: ["line 1", "A"]),
            Case(
                what: "alpha and date twice in a long file",
                text: "alpha_id,date,pnl\nA,2024-01-02,0\nB,2024-01-02,0\nA,2024-01-02,1\n",
                names: ["line 4", "A", "2024-01-02"]),
            Case(what: "text in a long file", text: "alpha_id,date,pnl\nA,2024-01-02,much\n", names: ["line 2", "much"]),
        ]

        @Test("alphagrid correlate says what is wrong with a file, and where", arguments: cases)
        func correlate(_ bad: Case) async throws {
            let folder = try ScratchFolder()
            let file = try folder.write(bad.text, to: "pnl.csv")
            let outcome = try await run(
                Place.program("alphagrid"), ["correlate", file, "--out", folder.file("out.csv"), "--format", "csv"])
            #expect(outcome.status == 2, "\(outcome.errors)")
            for name in [file] + bad.names { #expect(outcome.errors.contains(name), "'\(name)' in: \(outcome.errors)") }
            #expect(outcome.output == "")
            #expect(!FileManager.default.fileExists(atPath: folder.file("out.csv")))
        }

        @Test("db import says the same of each of these files, and applies nothing of any", .timeLimit(.minutes(5)))
        func databaseImport() async throws {
            let cluster = try await TestCluster(workers: 0)
            for bad in Self.cases {
                let file = try cluster.state.write(bad.text, to: "pnl.csv")
                let outcome = try await cluster.attempt("db", "import", file, "--region", "USA")
                #expect(outcome.status == 2, "\(bad.what): \(outcome.errors)")
                for name in [file] + bad.names {
                    #expect(outcome.errors.contains(name), "\(bad.what): '\(name)' in: \(outcome.errors)")
                }
            }
            #expect(try await cluster.value("SELECT count(*) FROM alphas") == "0")
            let tables = try await cluster.value("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'pnl_usa'")
            if tables == "1" { #expect(try await cluster.value("SELECT count(*) FROM pnl_usa") == "0") }
        }

        @Test("A file that is not there, is a folder, or is broken gzip is named, with exit code 2 or 3")
        func unreadable() async throws {
            let folder = try ScratchFolder()
            let broken = folder.file("broken.csv.gz")
            try Data([0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).write(to: URL(fileURLWithPath: broken))
            let nothing = folder.file("nothing.csv")
            for (file, codes) in [(nothing, [2, 3]), (folder.path, [2, 3]), (broken, [2])] {
                let outcome = try await run(Place.program("alphagrid"), ["correlate", file])
                #expect(codes.contains(Int(outcome.status)), "\(file): \(outcome.status) \(outcome.errors)")
                let name = URL(fileURLWithPath: file).lastPathComponent
                #expect(outcome.errors.contains(name), "\(outcome.errors)")
            }
        }

        @Test("One alpha alone has nobody to be correlated with, which is said in a sentence")
        func oneAlpha() async throws {
            let folder = try ScratchFolder()
            let file = try folder.write("date,A\n2024-01-02,0\n2024-01-03,1\n2024-01-04,3\n", to: "pnl.csv")
            let outcome = try await run(Place.program("alphagrid"), ["correlate", file])
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("pnl.csv") && outcome.errors.contains("2"), "\(outcome.errors)")
        }

        @Test("An all-missing or constant alpha is no error: one warning each, and an empty row with pair_count 0")
        func nothingToCorrelate() async throws {
            let folder = try ScratchFolder()
            var text = "date,A,B,EMPTY,STEADY\n"
            for day in 1...28 {
                let number = day < 10 ? "0\(day)" : "\(day)"
                text += "2024-01-\(number),\(day * day % 17),\(day * 7 % 11),,\(String(format: "%.1f", 0.1 * Double(day)))\n"
            }
            let file = try folder.write(text, to: "pnl.csv")
            let outcome = try await run(
                Place.program("alphagrid"), ["correlate", file, "--window", "all", "--min-overlap", "10", "--format", "csv"])
            #expect(outcome.status == 0)
            let table = try CSVTable(outcome.output)
            #expect(table.rows["EMPTY"] == ["EMPTY", "", "", "", "", "0"])
            #expect(table.rows["STEADY"] == ["STEADY", "", "", "", "", "0"])
            #expect(try table.field("A", "pair_count") == "1")
            for id in ["EMPTY", "STEADY"] {
                let lines = outcome.errors.split(separator: "\n").filter { $0.contains(id) }
                #expect(lines.count == 1 && lines[0].contains("warning"), "\(outcome.errors)")
            }
        }

        @Test(
            "A revised value replaces the stored one, and importing the same file again changes nothing", .timeLimit(.minutes(5)))
        func revised() async throws {
            let cluster = try await TestCluster(workers: 0)
            let file = try cluster.state.write("date,A,B\n2024-01-02,1,2\n2024-01-03,3,4\n", to: "pnl.csv")
            let content = "SELECT alpha_id, date, pnl FROM pnl_usa ORDER BY 1, 2"
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            let first = try await cluster.sql(content)
            #expect(first.map { $0[2] } == ["1", "3", "2", "4"])
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            #expect(try await cluster.sql(content) == first)
            let revision = try cluster.state.write("date,A\n2024-01-03,3.5\n", to: "revision.csv")
            try await cluster.alphagrid("db", "import", revision, "--region", "USA")
            #expect(try await cluster.sql(content).map { $0[2] } == ["1", "3.5", "2", "4"])
        }
    }
}
