import ArgumentParser
import ClusterModel
import Foundation
import Testing

@testable import alphagrid

@Suite struct ParsingTests {
    private func parse<Command>(_ arguments: [String], as type: Command.Type) throws -> Command {
        try #require(try AlphaGridCommand.parseAsRoot(arguments) as? Command)
    }

    @Test("correlate has the documented defaults")
    func correlateDefaults() throws {
        let command = try parse(["correlate", "pnl.csv"], as: CorrelateCommand.self)
        #expect(try command.parameters() == CorrelationParameters())
        #expect(try command.slots() == ProcessInfo.processInfo.activeProcessorCount)
        #expect(try command.chosenFormat() == .table)
    }

    @Test("correlate takes every parameter")
    func correlateParameters() throws {
        let arguments = [
            "correlate", "pnl.csv", "--convention", "common-dates", "--window", "400d", "--min-overlap", "2",
            "--precision", "float32", "--block-edge", "7", "--workers", "5",
        ]
        let command = try parse(arguments, as: CorrelateCommand.self)
        let expected = try CorrelationParameters(
            convention: .commonDates, window: .days(400), minOverlap: 2, precision: .float32, blockEdge: 7)
        #expect(try command.parameters() == expected)
        #expect(try command.slots() == 5)
    }

    @Test("NPY has no dates: its window is all or a number of days")
    func npy() throws {
        #expect(try parse(["correlate", "x.NPY"], as: CorrelateCommand.self).parameters().window == .all)
        let days = try parse(["correlate", "x.npy", "--window", "400d"], as: CorrelateCommand.self)
        #expect(try days.parameters().window == .days(400))
        let years = try parse(["correlate", "x.npy", "--window", "2y"], as: CorrelateCommand.self)
        let error = #expect(throws: GridError.self) { _ = try years.parameters() }
        #expect(error?.kind == .usage && error?.message.contains("x.npy") == true)
    }

    @Test(
        "The format is what was asked for, else what the file's name says",
        arguments: [
            (["--out", "a.csv"], CorrelateCommand.Format.csv), (["--out", "a.json"], .json), (["--out", "a.txt"], .table),
            (["--out", "a.csv", "--format", "json"], .json), (["--json", "--out", "a.csv"], .json), (["--format", "csv"], .csv),
        ])
    func formats(flags: [String], expected: CorrelateCommand.Format) throws {
        #expect(try parse(["correlate", "pnl.csv"] + flags, as: CorrelateCommand.self).chosenFormat() == expected)
    }

    @Test(
        "An ending of what is not written is refused before anything is done, unless the format is said",
        arguments: [
            (["correlate", "p.csv"], ".txt, .csv, .json,"), (["features", "p.csv"], ".txt, .csv, .json,"),
            (["results", "tree", "--region", "USA"], ".txt, .csv, .json, .npy,"),
        ])
    func endings(line: [String], endings: String) throws {
        let error = try #require(throws: (any Error).self) {
            _ = try AlphaGridCommand.parseAsRoot(line + ["--out", "x.xlsx"])
        }
        let outcome = Outcome(of: error)
        #expect(outcome.exitCode == 2 && outcome.message.contains(endings), "\(outcome.message)")
        for flags in [["--out", "x.xlsx", "--format", "csv"], ["--out", "x.JSON"], ["--out", "a.b/rows"]] {
            #expect(throws: Never.self) { _ = try AlphaGridCommand.parseAsRoot(line + flags) }
        }
    }

    @Test("run spells a request by flags and by parameters alike")
    func run() throws {
        let flags = try parse(
            [
                "run", "correlation", "--region", "USA", "--pool", "core", "--convention", "ffill-diff", "--window", "all",
                "--min-overlap", "20", "--precision", "float32", "--param", "block_edge=64", "--priority=-5",
            ], as: RunCommand.self)
        let parameters = try parse(
            [
                "run", "correlation", "--region", "USA", "--param", "pool=core", "--param", "convention=ffill-diff",
                "--param", "window=all", "--param", "min-overlap=20", "--param", "precision=float32",
                "--param", "block_edge=64", "--priority=-5",
            ], as: RunCommand.self)
        let request = try flags.request()
        #expect(request.minOverlap == 20 && request.blockEdge == 64 && request.priority == -5 && request.pool == "core")
        #expect(try parameters.request() == request)
    }

    @Test(
        "run refuses what no coordinator would take, before it asks one",
        arguments: [
            (["--region", "usa"], "region"), (["--region", "USA", "--param", "edge=1"], "edge"),
            (["--region", "USA", "--param", "window"], "name=value"), (["--region", "USA", "--param", "window="], "name=value"),
            (["--region", "USA", "--param", "min_overlap=x"], "whole number"),
            (["--region", "USA", "--min-overlap", "1"], "min-overlap"),
            (["--region", "USA", "--window", "4y", "--param", "window=all"], "twice"),
            (["--region", "USA", "--convention", "x"], "convention"), (["--region", "USA", "--priority", "1001"], "priority"),
            (["--region", "USA", "--param", "block_edge=0"], "block-edge"),
        ])
    func badRun(flags: [String], named: String) throws {
        let command = try parse(["run", "correlation"] + flags, as: RunCommand.self)
        let error = #expect(throws: GridError.self) { _ = try command.request() }
        #expect(error?.kind == .usage && error?.message.contains(named) == true, "\(error?.message ?? "")")
    }

    @Test("Whoever asks for states of jobs by the flag of the state folder is told the right one")
    func stateFolder() throws {
        let mistaken = try parse(["jobs", "--state", "running,queued"], as: JobsCommand.List.self)
        let error = #expect(throws: GridError.self) { try mistaken.expectFolder() }
        #expect(error?.message.hasSuffix("expected --states running,queued") == true)
        #expect(throws: Never.self) { try parse(["jobs", "--state", "/data/grid"], as: JobsCommand.List.self).expectFolder() }
    }

    @Test("Numbers may be negative")
    func negative() throws {
        let run = try parse(["run", "correlation", "--region", "USA", "--threshold", "-0.3"], as: RunCommand.self)
        #expect(try run.request().threshold == -0.3)
        let add = ["webhooks", "add", "https://h", "--event", "alert.correlation", "--threshold", "-0.3"]
        #expect(try parse(add, as: WebhooksCommand.Add.self).threshold == -0.3)
        #expect(try parse(["check", "x.csv", "--region", "USA", "--sharpe", "-1.5"], as: CheckCommand.self).sharpe == -1.5)
    }

    @Test("'up' hands on what its coordinator is to keep and whom it may talk to, and refuses what that would refuse")
    func upHousekeeping() throws {
        let words = ["up", "--keep-jobs", "50", "--keep-days", "7", "--keep-panels", "2", "--webhook-allow", "10.0.0.0/8"]
        let handed = try parse(words, as: UpCommand.self).housekeeping.arguments()
        let coordinator = try parse(["coordinator"] + handed, as: CoordinatorCommand.self)
        let checked = try coordinator.housekeeping.checked()
        #expect(checked.jobsKept == 50 && checked.jobDaysKept == 7 && checked.panelBytesMax == 2 << 30)
        #expect(checked.webhooksAllowed.count == 1)
        let wrong = try parse(["up", "--webhook-allow", "foo"], as: UpCommand.self)
        #expect(throws: GridError.self) { try wrong.housekeeping.arguments() }
    }

    @Test("A number that begins with a dash gets to whom it is meant for, and stays what it is elsewhere")
    func shieldedNumbers() throws {
        func words(_ line: String) -> [String] { AlphaGridCommand.shielded(line.split(separator: " ").map(String.init)) }
        for line in ["jobs priority last -5 --json", "jobs priority --json last -5", "jobs priority last -- -5"] {
            let command = try parse(words(line), as: JobsCommand.Priority.self)
            #expect(command.jobs == "last" && command.priority == -5 && command.output.json == !line.contains("-- "))
        }
        #expect(try parse(words("jobs priority -1 7"), as: JobsCommand.Priority.self).priority == 7)
        let add = "schedule add correlation --region USA --on-change --priority -7"
        #expect(try parse(words(add), as: ScheduleCommand.Add.self).priority == -7)
        for line in ["jobs pause 1 --reason -5", "explain -1 -2 --region USA", "jobs -h", "jobs list --sort -priority"] {
            #expect(words(line).joined(separator: " ") == line)
        }
    }

    @Test("Who has typed options is told of options")
    func optionNames() async throws {
        func refusal(_ line: String) async -> String {
            do {
                var command = try AlphaGridCommand.parseAsRoot(line.split(separator: " ").map(String.init))
                if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
                return ""
            } catch {
                return Outcome(of: error).message
            }
        }
        let add = "schedule add correlation --region USA"
        let zone = "error: --time-zone says nothing without --cron: expected both\n"
        #expect(await refusal("\(add) --on-change --time-zone UTC") == zone)
        #expect(await refusal("\(add) --cron @daily --min-pause 5m").contains("--min-pause says nothing without --on-change"))
        #expect(await refusal("webhooks add https://h --event job.done --threshold 0.9").contains("--threshold is for webhooks"))
    }

    @Test("Lists are what 'jobs' and 'workers' do by default")
    func defaults() throws {
        #expect(try parse(["jobs"], as: JobsCommand.List.self).limit == 20)
        #expect(try parse(["jobs", "--limit", "5"], as: JobsCommand.List.self).limit == 5)
        _ = try parse(["workers", "--json"], as: WorkersCommand.List.self)
        _ = try parse(["db", "pools", "--region", "USA"], as: DatabasePoolsCommand.List.self)
    }

    @Test("Ids come from the command line and from a file, and at least one is needed")
    func ids() throws {
        let scratch = try Scratch()
        let file = try scratch.write("A1\n\n  B2 \r\nC3", to: "ids")
        let command = try parse(["db", "remove", "Z9", "--ids-from", file], as: DatabaseRemoveCommand.self)
        #expect(try command.selection.required() == ["Z9", "A1", "B2", "C3"])
        #expect(throws: GridError.self) {
            _ = try parse(["db", "remove"], as: DatabaseRemoveCommand.self).selection.required()
        }
        #expect(throws: GridError.self) {
            _ = try parse(["db", "remove", "--ids-from", "/nonexistent"], as: DatabaseRemoveCommand.self).selection.required()
        }
    }

    @Test("A mistake in the command line is exit code 2, and a failure has the code of its kind")
    func exitCodes() {
        func outcome(_ arguments: [String]) -> Outcome? {
            do {
                _ = try AlphaGridCommand.parseAsRoot(arguments)
                return nil
            } catch {
                return Outcome(of: error)
            }
        }
        for arguments in [["bogus"], ["correlate"], ["correlate", "a", "--min-overlap", "x"], ["jobs", "show"], ["--bogus"]] {
            #expect(outcome(arguments)?.exitCode == 2)
            let lines = outcome(arguments)?.message.split(separator: "\n") ?? []
            #expect(lines.count == 2 && lines[0].hasPrefix("error: ") && lines[1].hasPrefix("See 'alphagrid"), "\(lines)")
        }
        let dashed = outcome(["run", "correlation", "--region", "USA", "--window", "-4y"])?.message ?? ""
        #expect(dashed.contains("one that begins with '-' is written --window=-..."), "\(dashed)")
        for arguments in [["correlate", "a", "--json", "--format", "csv"], ["status", "--format", "table", "--json"]] {
            #expect(outcome(arguments)?.exitCode == 2)
            #expect(outcome(arguments)?.message.contains("--json and --format") == true)
        }
        #expect(outcome(["correlate", "a", "--json", "--format", "json"]) == nil)
        #expect(outcome(["--version"])?.exitCode == 0)
        let kinds: [(GridError.Kind, Int32)] = [
            (.failed, 1), (.conflict, 1), (.usage, 2), (.notFound, 3), (.unreachable, 4), (.partlyDone, 5),
        ]
        for (kind, code) in kinds { #expect(Outcome(of: GridError(kind, "x")).exitCode == code) }
    }
}
