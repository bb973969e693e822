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
            try await selection.change(.pause, connection, output) {
                try await $0.pause($1, reason: reason)
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
            try await selection.change(.resume, connection, output) { try await $0.resume($1) }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract: "Begin new jobs like ones that failed or were cancelled.",
            discussion: """
                Examples:
                  alphagrid jobs retry 12
                  alphagrid jobs retry last --wait
                  alphagrid jobs retry 3,7-9
                """)

        @OptionGroup var selection: JobSelection

        @Flag(help: "Wait until each new job has ended, one after the other; fails when one does.")
        var wait = false

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            var made: [JobView] = []
            try await selection.change(.retry, connection, output) { client, id in
                var job = try await client.retry(id)
                if wait {
                    if !output.isJSON { StandardError.writeLine("job \(job.jobID) submitted") }
                    job = try await JobWaiter(client: client).wait(for: job)
                }
                made.append(job)
                return job
            }
            if wait { for job in made { try JobWaiter.expectDone(job) } }
        }
    }

    struct Priority: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "priority",
            abstract: "Have jobs run before others or after them.",
            discussion: """
                What workers have in hand they finish first. Larger runs first; bulk work has 0, a recompute on demand 100.

                Examples:
                  alphagrid jobs priority 12 100
                  alphagrid jobs priority 3,7-9 50
                  alphagrid jobs priority last -5
                """)

        @Argument(help: "Jobs by id, such as 12, 1-5 or 3,7-9, or last, or all.", completion: .jobs)
        var jobs: String

        @Argument(help: "-1000 to 1000.", transform: Self.number)
        var priority: Int

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        private static func number(_ text: String) throws -> Int {
            guard let value = Int(AlphaGridCommand.unshielded(text)), JobRequest.priorityRange.contains(value) else {
                throw ValidationError("expected a whole number from -1000 to 1000")
            }
            return value
        }

        func run() async throws {
            try await JobSelection(jobs).change(.priority, connection, output) {
                try await $0.setPriority($1, priority)
            }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Say in one sentence what a job, or a task of it, does or waits for.",
            discussion: """
                Examples:
                  alphagrid jobs explain 12
                  alphagrid jobs explain all
                  alphagrid jobs explain last --task 7
                """)

        @OptionGroup var selection: JobSelection

        @Option(help: "A task of the present stage, counted from 0.")
        var task: Int?

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let isOne = try selection.isOne()
            let client = try connection.client()
            let ids = try await selection.resolve(among: { !$0.state.isFinal }) {
                try await client.jobs(JobsRequest(limit: $0, before: $1))
            }
            // Of a task that is not there the answer says which there are.
            let hint = task == nil ? nil : ""
            try await Several.each(ids, noun: "job", hint: hint, report: { try report($0, isOne) }) {
                try await client.explain($0, task: task)
            }
        }

        private func report(_ views: [ExplainView], _ isOne: Bool) throws {
            if output.isJSON {
                if isOne, let view = views.first { return try StandardOutput.writeJSON(view) }
                return try StandardOutput.writeJSON(["explanations": views])
            }
            for view in views {
                var lines = [view.sentence]
                if let task = view.task {
                    lines.append("task \(task.task) of stage \(task.stage) is \(task.state)")
                    lines += task.story.map { "  \($0)" }
                }
                StandardOutput.write(lines.map { $0.singleLine + "\n" }.joined())
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Forget jobs that have ended, and the results that are keyed by them.",
            discussion: """
                What they have published to the region's own tables stays until a later job replaces it; it is said where \
                rows of a job are left.

                Examples:
                  alphagrid jobs remove 12
                  alphagrid jobs remove 1-100
                """)

        @OptionGroup var selection: JobSelection

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await selection.change(.remove, connection, output, lines: Self.lines) { try await $0.remove($1) }
        }
    }
}

extension JobsCommand.Remove {
    /// A job that is gone, and where rows of it are not. A kind's own result has its name.
    static func lines(_ job: JobView) -> [String] {
        let left =
            job.resultTable == nil
            ? "" : "; the region still shows its rows: 'alphagrid results \(job.kind) --region \(job.region)'"
        return ["job \(job.jobID) \(job.kind) \(job.region) removed\(left)"]
    }
}

extension OutputOptions {
    /// A job after something was done with it.
    static func changed(_ job: JobView) -> [String] {
        ["job \(job.jobID) \(job.kind) \(job.region) \(JobReport.state(job)), priority \(job.priority)"]
    }
}

extension JobSelection {
    /// Those that one argument means, for commands that take something else behind it.
    init(_ text: String) {
        self.init()
        selectors = [text]
    }

    /// Does something to each of the jobs and shows what became of them. What is no selection is refused before anybody is
    /// looked for.
    func change(
        _ verb: JobVerb, _ connection: ConnectionOptions, _ output: OutputOptions,
        lines: @escaping (JobView) -> [String] = OutputOptions.changed, _ body: (GridClient, JobID) async throws -> JobView
    ) async throws {
        let isOne = try isOne()
        let client = try connection.client()
        let ids = try await resolve(among: verb.isFor) { try await client.jobs(JobsRequest(limit: $0, before: $1)) }
        let report = { (jobs: [JobView]) in try JobsCommand.report(jobs, isOne, output, lines) }
        try await Several.each(ids, noun: "job", report: report) { try await body(client, $0) }
    }
}
