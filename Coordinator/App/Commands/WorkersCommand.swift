import API
import ArgumentParser
import ClusterModel
import Requests

struct WorkersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "List workers and take them out of service.",
        discussion: """
            Examples:
              alphagrid workers
              alphagrid workers list --json
              alphagrid workers drain host-4711 --reason "new memory" --deadline 10m
              alphagrid workers undrain host-4711
            """,
        subcommands: [List.self, Drain.self, Undrain.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List workers.",
            discussion: """
                Examples:
                  alphagrid workers list
                  alphagrid workers list --json
                """)

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let workers = try await connection.client().workers()
            if output.isJSON { return try StandardOutput.writeJSON(WorkerList(workers: workers)) }
            guard !workers.isEmpty else { return StandardError.writeLine("no workers connected") }
            StandardOutput.writeTable(StatusReport.workerTable(workers))
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain",
            abstract: "Give workers nothing new; they leave when they have finished what they have.",
            discussion: """
                Until it has left, 'undrain' takes the order back. In a cluster of 'alphagrid up' nothing takes the place of a \
                worker that was drained, until it is undrained.

                Examples:
                  alphagrid workers drain host-4711
                  alphagrid workers drain host-4711 --reason "new memory" --deadline 10m
                  alphagrid workers drain all --deadline 1h
                """)

        @OptionGroup var selection: WorkerSelection

        @Option(help: "Why, for those who wonder later.")
        var reason = ""

        @Option(
            help: ArgumentHelp(
                "When it has to leave whatever it has in hand, from now: seconds, or with s, m, h or d.", valueName: "time"))
        var deadline: String?

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let seconds = try deadline.map { text throws(GridError) in try Duration.seconds(parsing: text, "--deadline") }
            let order = DrainOrder(reason: reason, deadlineSeconds: seconds)
            // Names are judged before anybody is asked.
            let ids = try await selection.resolve(among: { $0.state == "connected" }) { try await connection.client().workers() }
            let client = try connection.client()
            let before = try await client.workers()
            try await Several.each(
                ids, noun: "worker",
                report: { views in
                    try selection.report(views, output)
                    if let warning = Self.warning(after: views, before) { StandardError.writeLine("warning: \(warning)") }
                }
            ) { try await client.drain($0, order: order) }
        }

        /// What becomes of jobs when nobody is left who takes work; nil as long as somebody is.
        static func warning(after drained: [WorkerView], _ before: [WorkerView]) -> String? {
            let names = Set(drained.map(\.worker))
            guard !before.contains(where: { $0.state == "connected" && !names.contains($0.worker) }) else { return nil }
            return "no worker takes work any more: jobs wait until one is undrained ('alphagrid workers undrain all') or started"
        }
    }

    struct Undrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "undrain",
            abstract: "Take back the order to drain workers.",
            discussion: """
                One that has left already is started again in a cluster of 'alphagrid up'; elsewhere whoever runs it does that.

                Examples:
                  alphagrid workers undrain host-4711
                  alphagrid workers undrain all
                """)

        @OptionGroup var selection: WorkerSelection
        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let ids = try await selection.resolve(among: { ["draining", "drained"].contains($0.state) }) {
                try await connection.client().workers()
            }
            let client = try connection.client()
            try await Several.each(
                ids, noun: "worker",
                report: { views in
                    try selection.report(views, output, line: Self.line)
                    guard !output.isJSON, views.contains(where: { $0.state == "drained" }) else { return }
                    StandardError.writeLine(
                        "what has left already is started again by a cluster of 'alphagrid up', elsewhere by you")
                }
            ) { try await client.undrain($0) }
        }

        /// An order that is fulfilled can be taken off the list, but nobody comes back by that.
        static func line(_ worker: WorkerView) -> String {
            worker.state == "drained"
                ? "worker \(worker.worker) has left; its order to drain is taken back" : "worker \(worker.worker) \(worker.state)"
        }
    }
}

extension Duration {
    /// - Parameters:
    ///   - text: whole seconds, or a whole number with s, m, h or d.
    ///   - flag: named in the error.
    static func seconds(parsing text: String, _ flag: String) throws(GridError) -> Int {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        let isPlain = !digits.isEmpty && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isPlain, let number = Int(digits), number <= Limits.drainSecondsMax,
            number * (unit ?? 1) <= Limits.drainSecondsMax
        else {
            throw GridError(
                .usage, "\(flag) '\(text.printable)' is not valid: expected a time up to 7 days, such as 90, 90s, 10m, 2h or 1d")
        }
        return number * (unit ?? 1)
    }
}
