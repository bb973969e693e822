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
            Of ranges and 'all', jobs are left out that a command cannot be done to. Exit code 1 says that it could be done to \
            none of those that were named, such as a job that has ended, 3 that no job that is there was named, 5 that it \
            was done to some.

            Examples:
              alphagrid jobs
              alphagrid jobs list --limit 100 --json
              alphagrid jobs show last
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
            abstract: "List jobs, newest first unless sorted.",
            discussion: """
                Examples:
                  alphagrid jobs list
                  alphagrid jobs list --limit 20 --before 120
                  alphagrid jobs list --states running,queued --region USA
                  alphagrid jobs list --kind correlation --sort -priority
                """)

        @Option(help: "How many, 1 to \(Limits.jobsListedMax).")
        var limit = 20

        @Option(help: "Only jobs older than this one.")
        var before: String?

        @Option(
            help: "Only jobs in these states, with commas between them; 'paused' counts as one.",
            completion: .jobStates)
        var states: String?

        @Option(
            help: "Only jobs of this kind: correlation, cross-correlation, features, clusters or selection.", completion: .kinds)
        var kind: String?

        @Option(help: "Only jobs of this region.", completion: .regions)
        var region: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "One of \(JobsRequest.columns.joined(separator: ", ")); with - before it the largest come first.",
                valueName: "column"), completion: .jobColumns)
        var sort: String?

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            guard (1...Limits.jobsListedMax).contains(limit) else {
                throw GridError(
                    .usage, "--limit \(limit) is not valid: expected a number from 1 to \(Limits.jobsListedMax)")
            }
            try expectFolder()
            let request = try request()
            let list = try await connection.client().jobList(request)
            if output.isJSON { return try StandardOutput.writeJSON(list) }
            guard !list.jobs.isEmpty else { return StandardError.writeLine("no jobs") }
            StandardOutput.writeTable(JobReport.table(list.jobs))
            if let next = list.nextBefore { StandardError.writeLine("more with --before \(next)") }
            if list.nextOffset != nil {
                StandardError.writeLine("there are more than \(Quantity.counted(limit, "job")): ask for more with --limit")
            }
        }

        /// Whoever means states of jobs must not be told of a folder.
        func expectFolder() throws(GridError) {
            guard let name = connection.state.directory, !name.isEmpty,
                name.split(separator: ",").allSatisfy({ JobsRequest.stateNames.contains(String($0)) })
            else { return }
            throw GridError(.usage, "--state \(name) would be the folder of the cluster's state: expected --states \(name)")
        }

        private func request() throws(GridError) -> JobsRequest {
            var request = JobsRequest(
                limit: limit, before: try before.map { text throws(GridError) in try JobID(parsing: text) })
            try request.take(states: (states ?? "").split(separator: ",").map(String.init), field: "--states")
            request.kind = kind
            request.region = try region.map { text throws(GridError) in try Region(text).name }
            request.sort = try sort.map { text throws(GridError) in try SortKey(parsing: text) }
            return request
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show jobs.",
            discussion: """
                Examples:
                  alphagrid jobs show 12
                  alphagrid jobs show last --json
                  alphagrid jobs show 3,7-9
                """)

        @OptionGroup var selection: JobSelection
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let isOne = try selection.isOne()
            let client = try connection.client()
            let ids = try await selection.resolve { try await client.jobs(JobsRequest(limit: $0, before: $1)) }
            try await Several.each(ids, noun: "job", report: { try JobsCommand.report($0, isOne, output, JobReport.page) }) {
                try await client.job($0)
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Cancel jobs that have not ended.",
            discussion: """
                Examples:
                  alphagrid jobs cancel 12
                  alphagrid jobs cancel last --reason "superseded by 13"
                  alphagrid jobs cancel 3,7-9
                  alphagrid jobs cancel all
                """)

        @OptionGroup var selection: JobSelection

        @Option(help: "Why, for those who look at the job later.")
        var reason = ""

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await selection.change(.cancel, connection, output, lines: JobsCommand.line) {
                try await $0.cancel($1, reason: reason)
            }
        }
    }

    /// What a command that changes a job says of it.
    static func line(_ job: JobView) -> [String] { ["job \(job.jobID) \(job.kind) \(job.region) \(job.state.rawValue)"] }

    /// Shows jobs by their lines, or as JSON: one that was asked for alone as itself, several as `{"jobs": [...]}`.
    static func report(
        _ jobs: [JobView], _ isOne: Bool, _ output: OutputOptions, _ lines: (JobView) -> [String]
    ) throws {
        if output.isJSON {
            if isOne, let job = jobs.first { return try StandardOutput.writeJSON(job) }
            return try StandardOutput.writeJSON(JobList(jobs: jobs, nextBefore: nil))
        }
        let texts = jobs.map(lines)
        let separator = texts.contains { $0.count > 1 } ? "\n\n" : "\n"
        StandardOutput.write(texts.map { $0.joined(separator: "\n") }.joined(separator: separator) + "\n")
    }
}

extension StandardOutput {
    static func writeTable(_ table: TextTable) {
        var lines = table.lines()
        lines[0] = Terminal.of(STDOUT_FILENO).bold(lines[0])
        write(lines.joined(separator: "\n") + "\n")
    }
}
