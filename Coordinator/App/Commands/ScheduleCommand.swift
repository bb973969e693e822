import API
import ArgumentParser
import ClusterModel
import Requests
import Service

struct ScheduleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Have jobs begin by themselves: at times, or when the PnL of their region has changed.",
        discussion: """
            Times are five cron fields: minute, hour, day of the month, month, day of the week. A local time that a change of \
            the clocks skips runs right after it, one that comes twice runs once. What was missed while no coordinator led is \
            made up for once. A schedule leaves a time out while its last job is unfinished.

            Examples:
              alphagrid schedule add correlation --region USA --cron "30 22 * * 1-5" --time-zone America/New_York
              alphagrid schedule add correlation --region USA --on-change --name usa-fresh
              alphagrid schedule
              alphagrid schedule pause 3
            """,
        subcommands: [Add.self, List.self, Show.self, Remove.self, Pause.self, Resume.self], defaultSubcommand: List.self)

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Add a schedule.",
            discussion: """
                The job takes what 'alphagrid run' takes by --pool, --priority and --param.

                Examples:
                  alphagrid schedule add correlation --region USA --cron "30 22 * * 1-5"
                  alphagrid schedule add correlation --region USA --on-change --min-pause 10m
                  alphagrid schedule add clusters --region USA --cron @weekly --param methods=hdbscan,umap --name weekly-map
                """)

        @Argument(help: "Kind of job: correlation, cross-correlation, features, clusters or selection.", completion: .kinds)
        var kind: String

        @Option(help: "Region, such as USA.", completion: .regions)
        var region: String

        @Option(
            help: ArgumentHelp("When: five cron fields, or @hourly, @daily, @weekly, @monthly, @yearly.", valueName: "fields"))
        var cron: String?

        @Flag(help: "Whenever the PnL of the region has changed.")
        var onChange = false

        @Option(help: ArgumentHelp("Zone of --cron, such as America/New_York (default: UTC).", valueName: "zone"))
        var timeZone: String?

        @Option(
            help: ArgumentHelp("Least time between two jobs of --on-change, such as 90s or 10m (default: 5m).", valueName: "time")
        )
        var minPause: String?

        @Option(help: "Name of the schedule (default: kind, region and when).")
        var name: String?

        @Option(help: "Pool of alphas.", completion: .pools)
        var pool: String?

        @Option(parsing: .unconditional, help: "-1000 to 1000; larger runs first.")
        var priority: Int?

        @Option(
            name: .customLong("param"), help: ArgumentHelp("Any parameter by its name; may be repeated.", valueName: "k=v"),
            completion: .parameters)
        var parameters: [String] = []

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let view = try await GridError.naming(Self.options) {
                let request = try request()
                return try await connection.client().addSchedule(request)
            }
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            StandardOutput.write("schedule \(view.scheduleID) \(view.name): \(ScheduleReport.when(view))\n")
        }

        private static let options = [
            "cron": "--cron", "on_change": "--on-change", "time_zone": "--time-zone", "min_pause_seconds": "--min-pause",
            "name": "--name", "pool": "--pool", "priority": "--priority", "min_overlap": "--param min_overlap",
            "block_edge": "--param block_edge", "convention": "--param convention", "window": "--param window",
            "precision": "--param precision", "top": "--param top", "threshold": "--param threshold",
            "absolute": "--param absolute",
        ]

        /// The request that the flags spell, checked as the server will check it.
        func request() throws(GridError) -> ScheduleRequest {
            guard (cron == nil) == onChange else {
                throw GridError(.usage, "a schedule needs either --cron or --on-change: expected one of them")
            }
            var job = JobRequest(kind: kind, region: region)
            job.pool = pool
            job.priority = priority
            for parameter in parameters { try RunCommand.apply(parameter, to: &job) }
            try job.validate()
            try job.validateForKind()
            let usual = "\(kind)-\(region)-\(onChange ? "on-change" : "cron")".lowercased()
            var request = ScheduleRequest(name: name ?? usual, job: job)
            request.cron = cron
            request.onChange = onChange ? true : nil
            request.timeZone = timeZone
            request.minPauseSeconds = try minPause.map { text throws(GridError) in
                try Duration.seconds(parsing: text, "--min-pause")
            }
            try request.validate()
            return request
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List schedules.",
            discussion: """
                Examples:
                  alphagrid schedule list --json
                """)

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let schedules = try await connection.client().schedules()
            if output.isJSON { return try StandardOutput.writeJSON(ScheduleList(schedules: schedules)) }
            guard !schedules.isEmpty else { return StandardError.writeLine("no schedules") }
            StandardOutput.writeTable(ScheduleReport.table(schedules))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show one schedule.",
            discussion: """
                Examples:
                  alphagrid schedule show 3
                """)

        @OptionGroup var one: OneSchedule

        func run() async throws { try await one.show { try await $0.schedule($1) } }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Remove a schedule; its jobs stay.",
            discussion: """
                Examples:
                  alphagrid schedule remove 3
                  alphagrid schedule remove weekly-map
                """)

        @OptionGroup var one: OneSchedule

        func run() async throws {
            try await one.show(saying: "removed") { try await $0.removeSchedule($1) }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause", abstract: "Have a schedule begin nothing until it is resumed.",
            discussion: """
                Examples:
                  alphagrid schedule pause 3
                """)

        @OptionGroup var one: OneSchedule

        func run() async throws { try await one.show { try await $0.setSchedule($1, paused: true) } }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume", abstract: "Let a paused schedule go on; what it missed is not made up for.",
            discussion: """
                Examples:
                  alphagrid schedule resume 3
                """)

        @OptionGroup var one: OneSchedule

        func run() async throws { try await one.show { try await $0.setSchedule($1, paused: false) } }
    }

    struct OneSchedule: ParsableArguments {
        @Argument(
            help: ArgumentHelp("Schedule by its id or its name, as 'alphagrid schedule' lists it.", valueName: "schedule"),
            completion: .schedules)
        var wanted: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        /// - Parameter word: what was done with it; nil to show it.
        func show(saying word: String? = nil, _ body: (GridClient, Int64) async throws -> ScheduleView) async throws {
            let client = try connection.client()
            let names = try await client.schedules().map { (id: $0.scheduleID, name: $0.name) }
            let id = try Int64.named(wanted, "schedule", among: names)
            let view = try await body(client, id)
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            if let word { return StandardOutput.write("schedule \(id) \(view.name) \(word)".singleLine + "\n") }
            StandardOutput.write(ScheduleReport.page(view).joined(separator: "\n") + "\n")
        }
    }
}
