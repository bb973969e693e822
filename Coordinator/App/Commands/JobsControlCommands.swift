import ArgumentParser
import ClusterModel
import Requests

// What operators do with jobs that are there.
extension JobsCommand {
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Have a job wait: what workers have of it they finish, and nothing more is given out.",
            discussion: """
                Holds until the job is resumed, also over a restart of the coordinator.

                Examples:
                  alphagrid jobs pause 12
                  alphagrid jobs pause all --reason "the market opens"
                """)

        @OptionGroup var selection: JobSelection

        @Option(help: "Why, for those who wonder later.")
        var reason = ""

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let client = try connection.client()
            try await selection.change(among: { !$0.state.isFinal && !$0.paused }, client, output) {
                try await client.pause($0, reason: reason)
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Let a paused job go on.",
            discussion: """
                Examples:
                  alphagrid jobs resume 12
                  alphagrid jobs resume 3,7-9
                """)

        @OptionGroup var selection: JobSelection

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let client = try connection.client()
            try await selection.change(among: { $0.paused }, client, output) { try await client.resume($0) }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract: "Begin a new job like one that failed or was cancelled.",
            discussion: """
                Examples:
                  alphagrid jobs retry 12
                  alphagrid jobs retry 12 --wait
                """)

        @Argument(help: "Job id, as 'alphagrid jobs' lists it.")
        var id: String

        @Flag(help: "Wait until the new job has ended; fails when it does.")
        var wait = false

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let client = try connection.client()
            var job = try await client.retry(try JobID(parsing: id))
            if wait {
                if !output.isJSON { StandardError.writeLine("job \(job.jobID) submitted") }
                job = try await JobWaiter(client: client).wait(for: job)
            }
            try output.show(job)
            if wait { try JobWaiter.expectDone(job) }
        }
    }

    struct Priority: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "priority",
            abstract: "Have a job run before others or after them.",
            discussion: """
                What workers have in hand they finish first. Larger runs first; bulk work has 0, a recompute on demand 100.

                Examples:
                  alphagrid jobs priority 12 100
                  alphagrid jobs priority 12 -- -5
                """)

        @Argument(help: "Job id, as 'alphagrid jobs' lists it.")
        var id: String

        @Argument(help: "-1000 to 1000.")
        var priority: Int

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try output.show(try await connection.client().setPriority(try JobID(parsing: id), priority))
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Say in one sentence what a job, or a task of it, does or waits for.",
            discussion: """
                Examples:
                  alphagrid jobs explain 12
                  alphagrid jobs explain 12 --task 7
                """)

        @Argument(help: "Job id, as 'alphagrid jobs' lists it.")
        var id: String

        @Option(help: "A task of the present stage, counted from 0.")
        var task: Int?

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let view = try await connection.client().explain(try JobID(parsing: id), task: task)
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            var lines = [view.sentence]
            if let task = view.task {
                lines.append("task \(task.task) of stage \(task.stage) is \(task.state)")
                lines += task.story.map { "  \($0)" }
            }
            StandardOutput.write(lines.map { $0.singleLine + "\n" }.joined())
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Forget a job that has ended, and the results that are keyed by it.",
            discussion: """
                What it has published to the region's own tables stays.

                Examples:
                  alphagrid jobs remove 12
                """)

        @Argument(help: "Job id, as 'alphagrid jobs' lists it.")
        var id: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let job = try await connection.client().remove(try JobID(parsing: id))
            if output.isJSON { return try StandardOutput.writeJSON(job) }
            StandardOutput.write("job \(job.jobID) \(job.kind) \(job.region) removed\n")
        }
    }
}

extension OutputOptions {
    /// A job after something was done with it.
    func show(_ job: JobView) throws { try JobsCommand.report([job], true, self, Self.changed) }

    static func changed(_ job: JobView) -> [String] {
        let state = job.paused ? "\(job.state.rawValue), paused" : job.state.rawValue
        return ["job \(job.jobID) \(job.kind) \(job.region) \(state), priority \(job.priority)"]
    }
}

extension JobSelection {
    /// Does something to each of the jobs and shows what became of them.
    func change(
        among: (JobView) -> Bool, _ client: GridClient, _ output: OutputOptions, _ body: (JobID) async throws -> JobView
    ) async throws {
        let isOne = try isOne()
        let ids = try await resolve(among: among) { try await client.jobs(JobsRequest(limit: $0, before: $1)) }
        let report = { (jobs: [JobView]) in try JobsCommand.report(jobs, isOne, output, OutputOptions.changed) }
        try await Several.each(ids, noun: "job", report: report, body)
    }
}
