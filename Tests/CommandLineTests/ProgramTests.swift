import ClusterModel
import Foundation
import Testing

@testable import alphagrid

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The built program as people run it: what it prints where, and how it exits.
@Suite struct ProgramTests {
    /// Cumulative PnL of two alphas whose correlation is known: 7 common returns, r = 0.840468527213175.
    static let pnl = """
        date,A,B
        2020-01-01,0,0
        2020-01-02,120,60
        2020-01-03,90,80
        2020-01-06,210,
        2020-01-07,260,150
        2020-01-08,240,130
        2020-01-09,310,170
        2020-01-10,330,
        2020-01-13,300,160
        2020-01-14,390,230

        """

    @Test(
        "A flag that is not valid is refused before anything is made",
        arguments: [["coordinator", "--database", "service=x"], ["up"]])
    func nothingMade(words: [String]) throws {
        let scratch = try Scratch()
        let run = try Run(words + ["--webhook-allow", "foo", "--state", "\(scratch.path)/state"])
        #expect(run.status == 2 && run.errors.contains("address range 'foo' is not valid"), "\(run.errors)")
        #expect(scratch.names.isEmpty, "\(scratch.names)")
    }

    @Test(
        "What cannot be written is a failure, whatever was to be said",
        arguments: [["features", "--describe"], ["correlate", "-", "--quiet"], ["help"]])
    func fullDisk(words: [String]) throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.pnl, to: "pnl.csv")
        let run = try Run(words, outputTo: "/dev/full", inputFrom: file)
        #expect(run.status == 1, "\(run.errors)")
        #expect(run.errors.contains("error: cannot write to standard output: No space left on device"), "\(run.errors)")
    }

    @Test("correlate gives the known answer as CSV, and nothing else on standard output")
    func correlate() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.pnl, to: "pnl.csv")
        let run = try Run(["correlate", file, "--window", "all", "--min-overlap", "2", "--format", "csv"])
        #expect(run.status == 0, "\(run.errors)")
        let lines = run.output.split(separator: "\n").map { $0.split(separator: ",") }
        #expect(lines.count == 3)
        #expect(
            lines.first?.joined(separator: ",")
                == "alpha_id,min_correlation,max_correlation,avg_correlation,median_correlation,pair_count")
        for (line, name) in zip(lines.dropFirst(), ["A", "B"]) {
            #expect(line.count == 6 && line[0] == name && line[5] == "1")
            for field in line[1...2] + line[4...4] {
                #expect(abs((Double(field) ?? 9) - 0.840468527213175) < 1e-10)
            }
            // The average is a fixed-point sum of 2^-40.
            #expect(abs((Double(line[3]) ?? 9) - 0.840468527213175) < 1e-11)
        }
        #expect(run.errors.contains("2 alphas, 10 days, ffill-shift, window all (2020-01-01 to 2020-01-14)"))
        #expect(run.errors.contains("1 pairs, 0 undefined"))
    }

    @Test(
        "A command that there is not is refused, also behind help, and the nearest ones are named",
        arguments: [
            (["frobnicate"], "'frobnicate': 'alphagrid --help' says"),
            (["help", "frobnicate"], "'frobnicate': 'alphagrid --help' says"),
            (["wrkers"], "'wrkers': expected perhaps 'workers'; "), (["help", "wo"], "'wo': expected perhaps 'workers'; "),
            (["db", "poolz"], "'db poolz': expected perhaps 'pools'; 'alphagrid db --help'"),
            (["help", "db", "pools", "x"], "'db pools x'"), (["db", "help", "x"], "'db x'"),
        ])
    func unknownCommand(words: [String], sentence: String) throws {
        let run = try Run(words)
        #expect(run.status == 2 && run.output.isEmpty)
        #expect(run.errors.hasPrefix("error: unknown command \(sentence)"), "\(run.errors)")
        #expect(try Run(["help", "db", "pools"]).output.contains("USAGE: alphagrid db pools"))
    }

    @Test("--quiet says nothing but the result; the inherited BLAS setting is noted where something was computed")
    func quiet() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.pnl, to: "pnl.csv")
        let environment = ["OPENBLAS_CORETYPE": "Haswell"]
        let arguments = ["correlate", file, "--window", "all", "--min-overlap", "2"]
        #expect(try Run(arguments + ["--quiet"], environment: environment).errors == "")
        #expect(try Run(arguments, environment: environment).errors.hasPrefix("note: inherited OPENBLAS_CORETYPE"))
        for mistake in [["correlate", "/nonexistent.csv"], ["correlate", file, "--min-overlap", "1"]] {
            let run = try Run(mistake, environment: environment)
            #expect(run.errors.hasPrefix("error: ") && !run.errors.contains("OPENBLAS"), "\(run.errors)")
        }
    }

    @Test("--out replaces the file when it is complete, and leaves it alone when the input is wrong")
    func out() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.pnl, to: "pnl.csv")
        try scratch.write("old", to: "result.json")
        let bad = try scratch.write(Self.pnl + "2020-01-15,x,1\n", to: "bad.csv")
        let arguments = ["--window", "all", "--min-overlap", "2", "--out", "\(scratch.path)/result.json"]
        let failed = try Run(["correlate", bad] + arguments)
        #expect(failed.status == 2 && failed.output.isEmpty)
        #expect(failed.errors.contains("error: \(bad): line 12") && failed.errors.contains("12"))
        #expect(try scratch.read("result.json") == "old")
        let run = try Run(["correlate", file] + arguments)
        #expect(run.status == 0 && run.output.isEmpty)
        let object = try JSONSerialization.jsonObject(with: Data(try scratch.read("result.json").utf8)) as? [String: Any]
        #expect((object?["digest"] as? String)?.count == 64)
        #expect((object?["rows"] as? [Any])?.count == 2)
        #expect(scratch.names == ["bad.csv", "pnl.csv", "result.json"])
    }

    @Test("An interrupted --out leaves nothing behind and ends as interrupted programs do", .timeLimit(.minutes(1)))
    func interrupted() async throws {
        let scratch = try Scratch()
        let ids = (0..<4_000).map { "A\($0)" }.joined(separator: ",")
        let rows = (1...3).map { "2020-01-0\($0)," + (0..<4_000).map { "\($0)" }.joined(separator: ",") }
        let file = try scratch.write((["date,\(ids)"] + rows).joined(separator: "\n") + "\n", to: "wide.csv")
        for number in [SIGINT, SIGTERM] {
            // Writing takes a moment, which may pass unseen while the machine is busy; then once more.
            var status: Int32 = 0
            for _ in 0..<20 where status == 0 { status = try await interruptWriting(scratch, file, number) }
            #expect(status == number)
            #expect(scratch.names == ["log", "wide.csv"])
        }
    }

    /// Sends a signal as soon as there is an unfinished file.
    ///
    /// - Returns: how the program ended; 0 when it was faster, at least with the file.
    private func interruptWriting(_ scratch: Scratch, _ file: String, _ number: Int32) async throws -> Int32 {
        let out = "\(scratch.path)/out.json"
        try? FileManager.default.removeItem(atPath: out)
        let (endings, report) = AsyncStream.makeStream(of: ChildProcess.Ending.self)
        let program = try ChildProcess(
            .init(
                arguments: [try Executable.beside("alphagrid"), "correlate", file, "--window", "all", "--out", out],
                environment: ["PATH": "/usr/bin:/bin"], log: "\(scratch.path)/log", input: nil)
        ) { _, ending in report.yield(ending) }
        let partial = "\(out).\(program.identity.processID)-0.partial"
        while !program.hasEnded, access(partial, F_OK) != 0 { usleep(100) }
        program.identity.send(number)
        let status = try #require(await endings.first { _ in true }).status
        return FileManager.default.fileExists(atPath: out) ? 0 : status
    }

    @Test(
        "Mistakes end with the agreed exit code and one sentence on standard error",
        arguments: [
            (["bogus"], 2, "bogus"), (["correlate"], 2, "input"), (["correlate", "/nonexistent.csv"], 3, "/nonexistent.csv"),
            (["correlate", "x.csv", "--min-overlap", "1"], 2, "min-overlap"),
            (["correlate", "x.csv", "--min-overlap", "many"], 2, "min-overlap"),
            (["correlate", "x.csv", "--convention", "best"], 2, "ffill-shift"),
            (["correlate", "x.csv", "--workers", "0"], 2, "--workers"),
            (["correlate", "x.csv", "--workers", "513"], 2, "512"), (["bench", "--workers", "513"], 2, "512"),
            (["correlate", "x.csv", "--out", "./x.csv"], 2, "named twice"),
            (["correlate", "x.csv", "--out", "y", "--threshold", "-0.1", "--pairs", "y"], 2, "named twice"),
            (["correlate", "x.csv", "--threshold", "-1.5", "--json"], 2, "-1.5"),
            (["correlate", "x.npy", "--window", "4y"], 2, "x.npy"),
            (["correlate", "x.csv", "--out", "/nonexistent/y.csv"], 3, "/nonexistent/y.csv"),
            (["status"], 4, "alphagrid up"), (["jobs", "show", "0"], 2, "job id"),
            (["jobs", "list", "--limit", "0"], 2, "--limit"),
            (["workers", "drain", "a b"], 2, "worker"), (["run", "correlation", "--region", "usa"], 2, "region 'usa'"),
            (["coordinator"], 2, "--database"),
            (["coordinator", "--database", "service=x", "--http", "0.0.0.0:1"], 2, "--insecure"),
            (["coordinator", "--database", "service=x", "--bind", "tcp://*:1"], 2, "--insecure"),
            (["coordinator", "--database", "postgresql://u:hunter2@h/d"], 2, "PGPASSWORD"),
            (["db", "init"], 2, "--database"), (["db", "import", "x.csv", "--region", "usa"], 2, "region 'usa'"),
            (["db", "remove", "--database", "service=x"], 2, "--ids-from"),
            (["db", "status", "--database", "postgresql://127.0.0.1:9/d"], 4, "127.0.0.1"),
            (["up", "--workers", "0"], 2, "--workers"), (["up", "--memory", "1"], 2, "at least 64MiB"),
            (["up", "--memory", "1k"], 2, "--memory '1k'"), (["up", "--keep-panels", "0"], 2, "--keep-panels"),
            (["coordinator", "--database", "service=x", "--keep-panels", "0"], 2, "--keep-panels"),
            (["results", "guesses", "--region", "USA"], 2, "'guesses'"), (["up", "--state", "/proc/x"], 3, "/proc/x"),
            (["jobs", "list", "--states", "idle"], 2, "paused"), (["jobs", "list", "--state", "paused"], 2, "--states paused"),
            (["jobs", "pause", "-1-3"], 2, "'-1-3'"),
            (["jobs", "cancel", "-1"], 2, "'-1' is no job id"), (["jobs", "show", "--json", "-1"], 2, "'-1' is no job id"),
            (["jobs", "list", "--before", "-3"], 2, "job id '-3'"), (["jobs", "priority", "last", "-2000"], 2, "-1000"),
            (["jobs", "list", "--limit", "-3"], 2, "'-3' is invalid"),
            (["jobs", "priority", "last", "-5"], 4, "alphagrid up"), (["schedule", "remove", "-1"], 4, "alphagrid up"),
            (["up", "--http", "0.0.0.0:0"], 2, "'alphagrid coordinator'"),
            (["status", "--watch", "--json"], 2, "--watch"), (["status", "--url", "ftp://x"], 2, "--url"),
        ])
    func mistakes(arguments: [String], code: Int32, named: String) throws {
        let run = try Run(arguments)
        #expect(run.status == code, "\(run.errors)")
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("error: ") && run.errors.contains(named), "\(run.errors)")
        #expect(!run.errors.contains("hunter2"))
    }

    @Test("Help and version go to standard output and are no mistake")
    func help() throws {
        for arguments in [["--help"], ["help", "run"], ["db", "import", "--help"], ["--version"], ["version"]] {
            let run = try Run(arguments)
            #expect(run.status == 0 && run.errors.isEmpty && run.output.contains("alphagrid"))
        }
        let version = try Run(["version", "--json"])
        let object = try JSONSerialization.jsonObject(with: Data(version.output.utf8)) as? [String: Any]
        #expect(object?["version"] as? String == AlphaGrid.version)
    }

    @Test("A reader that goes away ends the program quietly")
    func closedPipe() throws {
        let scratch = try Scratch()
        let wide = "date," + (0..<3_000).map { "A\($0)" }.joined(separator: ",")
        let rows = (1...3).map { "2020-01-0\($0)," + (0..<3_000).map { "\($0)" }.joined(separator: ",") }
        let file = try scratch.write(([wide] + rows).joined(separator: "\n") + "\n", to: "wide.csv")
        let folder = URL(fileURLWithPath: try Executable.own()).deletingLastPathComponent().path
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "'\(folder)/alphagrid' correlate '\(file)' --window all --format csv --quiet | head -1"]
        let (out, error) = (Pipe(), Pipe())
        shell.standardOutput = out
        shell.standardError = error
        try shell.run()
        let output = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errors = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(output == CorrelationReport.csvHeader + "\n" && errors.isEmpty)
    }
}
