import API
import ArgumentParser
import ClusterModel
import Requests

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "List, show, explain, pause, cancel and retry jobs.",
        discussion: """
            Examples:
              alphagrid jobs
              alphagrid jobs list --limit 100 --json
              alphagrid jobs show 12
              alphagrid jobs explain 12
              alphagrid jobs pause 12 --reason "the market opens"
              alphagrid jobs cancel 12 --reason "wrong pool"
            """,
        subcommands: [
            List.self, Show.self, Explain.self, Pause.self, Resume.self, Priority.self, Cancel.self, Retry.self, Remove.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List jobs, newest first.",
            discussion: """
                Examples:
                  alphagrid jobs list
                  alphagrid jobs list --limit 20 --before 120
                """)

        @Option(help: "How many, 1 to \(Limits.jobsListedMax).")
        var limit = 20

        @Option(help: "Only jobs older than this one.")
        var before: String?

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            guard (1...Limits.jobsListedMax).contains(limit) else {
                throw GridError(
                    .usage, "--limit \(limit) is not valid: expected a number from 1 to \(Limits.jobsListedMax)")
            }
            let before = try before.map { text throws(GridError) in try JobID(parsing: text) }
            let list = try await connection.client().jobList(limit: limit, before: before)
            if output.isJSON { return try StandardOutput.writeJSON(list) }
            guard !list.jobs.isEmpty else { return StandardError.writeLine("no jobs") }
            StandardOutput.writeTable(JobReport.table(list.jobs))
            if let next = list.nextBefore { StandardError.writeLine("more with --before \(next)") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show one job.",
            discussion: """
                Examples:
                  alphagrid jobs show 12
                  alphagrid jobs show 12 --json
                """)

        @Argument(help: "Job id, as 'alphagrid jobs' lists it.")
        var id: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = try JobID(parsing: id)
            let job = try await connection.client().job(id)
            if output.isJSON { return try StandardOutput.writeJSON(job) }
            StandardOutput.write(JobReport.page(job).joined(separator: "\n") + "\n")
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Cancel a job that has not ended.",
            discussion: """
                Examples:
                  alphagrid jobs cancel 12
                  alphagrid jobs cancel 12 --reason "superseded by 13"
                """)

        @Argument(help: "Job id, as 'alphagrid jobs' lists it.")
        var id: String

        @Option(help: "Why, for those who look at the job later.")
        var reason = ""

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let id = try JobID(parsing: id)
            let job = try await connection.client().cancel(id, reason: reason)
            if output.isJSON { return try StandardOutput.writeJSON(job) }
            StandardOutput.write("job \(job.jobID) \(job.kind) \(job.region) \(job.state.rawValue)\n")
        }
    }
}

extension StandardOutput {
    static func writeTable(_ table: TextTable) {
        var lines = table.lines()
        lines[0] = Terminal.of(STDOUT_FILENO).bold(lines[0])
        write(lines.joined(separator: "\n") + "\n")
    }
}
