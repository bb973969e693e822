import API
import ArgumentParser
import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what the grid is doing.",
        discussion: """
            With --watch it takes the whole screen, with rates and each worker's share of its peak, and is redrawn twice \
            a second until you press q or Ctrl-C. Where no terminal is, --watch prints a line for every change instead.

            Examples:
              alphagrid status
              alphagrid status --watch
              alphagrid status --json
            """)

    @Flag(help: "Keep showing it.")
    var watch = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    private static let intervalMilliseconds: Int32 = 500

    /// What `--json` prints.
    struct Document: Codable {
        var status: StatusView
        var jobs: [JobView]
        var workers: [WorkerView]
    }

    @MainActor func run() async throws {
        if watch, output.isJSON {
            throw GridError(.usage, "--watch and --json do not go together: use 'alphagrid status --json' again and again")
        }
        let client = try connection.client()
        let first = try await fetch(client)
        if output.isJSON {
            return try StandardOutput.writeJSON(
                Document(status: first.status, jobs: first.jobs, workers: first.workers))
        }
        let terminal = Terminal.of(STDOUT_FILENO)
        if !watch {
            StandardOutput.write(first.lines(terminal: terminal).joined(separator: "\n") + "\n")
        } else if terminal.isTerminal, Terminal.colorAllowed(["TERM": environmentTerm]) {
            try await watchLive(client, first)
        } else {
            try await watchChanges(client, first)
        }
    }

    /// A terminal that is `dumb` cannot be redrawn, `NO_COLOR` or not.
    private var environmentTerm: String { ProcessInfo.processInfo.environment["TERM"] ?? "dumb" }

    private func fetch(_ client: GridClient, since earlier: StatusReport? = nil) async throws -> StatusReport {
        var status = try await client.status()
        var jobs: [JobView] = []
        do {
            jobs = try await StatusReport.jobs(of: client, since: earlier?.jobs ?? [])
        } catch let error as GridError where error.kind == .unreachable {
            // A coordinator without its database still has something to say: asked again, that it has none.
            status = try await client.status()
            if status.databaseReachable { throw error }
        }
        let workers = try await client.workers()
        return StatusReport(url: client.base.absoluteString, status: status, jobs: jobs, workers: workers)
    }

    @MainActor private func watchLive(_ client: GridClient, _ first: StatusReport) async throws {
        let screen = Screen()
        defer { screen.giveBack() }
        let isUnicode = Sparkline.isUnicode(ProcessInfo.processInfo.environment)
        var history = WatchHistory()
        var report = first
        var trouble: String?
        while true {
            if trouble == nil { history.look(report.status, at: ProcessInfo.processInfo.systemUptime) }
            let looked = ProcessInfo.processInfo.systemUptime
            repeat {
                let terminal = Terminal.of(STDOUT_FILENO)
                let page = WatchPage(
                    report: report, history: history, terminal: terminal, isUnicode: isUnicode, trouble: trouble)
                StandardOutput.write(Screen.frame(page.lines(), terminal: terminal))
                // Ends early when the window has another size, or for a key that means nothing.
                if screen.key(milliseconds: Self.intervalMilliseconds) == UInt8(ascii: "q") { return }
            } while ProcessInfo.processInfo.systemUptime - looked < Double(Self.intervalMilliseconds) / 1_000 - 0.05
            do {
                report = try await fetch(client, since: report)
                trouble = nil
            } catch let error as GridError where error.kind == .unreachable {
                // Whoever watches wants to see it come back.
                trouble = error.message
            }
        }
    }

    private func watchChanges(_ client: GridClient, _ first: StatusReport) async throws {
        var report = first
        for line in first.changes(since: nil) { StandardOutput.write(line + "\n") }
        var reachable = true
        while true {
            try await Task.sleep(for: .milliseconds(Self.intervalMilliseconds))
            do {
                let next = try await fetch(client, since: report)
                if !reachable { StandardOutput.write("coordinator answers again\n") }
                reachable = true
                for line in next.changes(since: report) { StandardOutput.write(line + "\n") }
                report = next
            } catch let error as GridError where error.kind == .unreachable {
                if reachable { StandardOutput.write("coordinator does not answer\n") }
                reachable = false
            }
        }
    }
}
