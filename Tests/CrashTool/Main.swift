import ArgumentParser
import ClusterModel
import Foundation
import Logging
import Service
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `alphagrid-crash`: a coordinator that runs one job and ends itself, by SIGKILL, at a labelled step of its work.
///
/// Prints the job as JSON when it is over.
@main
struct CrashTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "alphagrid-crash")

    @Option var database: String
    @Option var bind: String
    @Option(help: "Folder for panels and logs.") var state: String
    @Option(help: "The job's kind.") var kind = "correlation"
    @Option var region: String
    @Option(help: "Jobs up to this one are not the one: a later one that is there is waited for, else one is submitted.")
    var after: Int64 = 0
    @Option(help: "The step at which to end; none runs to the end of the job.") var at: String?
    @Option(help: "Which time the step is reached.") var time = 1
    @Flag(help: "Print the names of all steps.") var list = false

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        if list { return print(CoordinatorStep.allCases.map(\.rawValue).joined(separator: "\n")) }
        var configuration = CoordinatorConfiguration(databaseURL: database, bind: bind, panelDirectory: "\(state)/panels")
        configuration.jobLogDirectory = "\(state)/jobs"
        // At once, so that every partial is a step.
        configuration.jobLogMilliseconds = 0
        configuration.leaseRenewMilliseconds = 50
        if let at { configuration.reached = try Self.killer(at, time) }
        var logger = Logger(label: "alphagrid", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .info
        let service = try CoordinatorService(configuration: configuration, log: logger)
        try await Task.detached { try service.start() }.value
        print(String(decoding: try JSONEncoder().encode(try await job(service)), as: UTF8.self))
        await Task.detached { service.stop() }.value
    }

    private static func killer(_ name: String, _ time: Int) throws -> @Sendable (CoordinatorStep) -> Void {
        guard let step = CoordinatorStep(rawValue: name) else { throw GridError(.usage, "there is no step '\(name.printable)'") }
        let count = Atomic(0)
        return { reached in
            guard reached == step, count.add(1, ordering: .relaxed).newValue == time else { return }
            kill(getpid(), SIGKILL)
            // The signal may take a moment to end this thread too, and no step may follow.
            while true { pause() }
        }
    }

    /// The job once it is over.
    private func job(_ service: CoordinatorService) async throws -> JobView {
        var request = JobRequest(kind: kind, region: region)
        request.window = "all"
        request.blockEdge = 8
        request.fresh = kind == "correlation" ? true : nil
        let there = try await service.jobs(JobsRequest(limit: 1)).first { $0.jobID.rawValue > after }
        let id = if let there { there.jobID } else { try await service.submit(request).jobID }
        while true {
            let view = try await service.job(id)
            if view.state.isFinal {
                // What follows the end of a job, such as keeping its state, is part of the work.
                try await Task.sleep(for: .milliseconds(300))
                return view
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
