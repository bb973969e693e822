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
              alphagrid workers drain host-4711
            """,
        subcommands: [List.self, Drain.self], defaultSubcommand: List.self)

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
            abstract: "Give a worker nothing new; it leaves when it has finished what it has.",
            discussion: """
                Examples:
                  alphagrid workers drain host-4711
                """)

        @Argument(help: "Worker, as 'alphagrid workers' lists it.")
        var worker: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let worker = try WorkerID(parsing: worker)
            let view = try await connection.client().drain(worker)
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            StandardOutput.write("worker \(view.worker) \(view.state)".singleLine + "\n")
        }
    }
}
