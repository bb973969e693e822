import API
import ArgumentParser
import ClusterModel
import Foundation

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Submit a job to the coordinator.",
        discussion: """
            What is not given takes the region's configured value. Only a job with the region's own convention, window,
            min-overlap and pool publishes to correlation_<region>.

            Examples:
              alphagrid run correlation --region USA --wait
              alphagrid run correlation --region CHN --priority 100
              alphagrid run correlation --region USA --convention ffill-diff --window all --param block_edge=512 --json
            """)

    @Argument(help: "Kind of job: correlation.")
    var kind: String

    @Option(help: "Region, such as USA.")
    var region: String

    @Option(help: "Pool of alphas.")
    var pool: String?

    @Option(help: "ffill-shift, ffill-diff, common-dates, alphadatabank or daily-pnl.")
    var convention: String?

    @Option(help: "all, years such as 4y, or days such as 400d.")
    var window: String?

    @Option(help: "Fewest common returns of a pair, at least 2.")
    var minOverlap: Int?

    @Option(help: "float64 or float32.")
    var precision: String?

    @Option(name: .customLong("param"), help: ArgumentHelp("Any parameter by its name; may be repeated.", valueName: "k=v"))
    var parameters: [String] = []

    @Option(help: "-1000 to 1000; larger runs first, bulk work has 0, a recompute on demand 100.")
    var priority: Int?

    @Flag(help: "Wait until the job has ended; fails when the job does.")
    var wait = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let request = try request()
        let client = try connection.client()
        var job = try await client.submit(request)
        if wait {
            if !output.isJSON { StandardError.writeLine("job \(job.jobID) submitted") }
            job = try await JobWaiter(client: client).wait(for: job)
        }
        if output.isJSON {
            try StandardOutput.writeJSON(job)
        } else if wait {
            StandardOutput.write(JobReport.page(job).joined(separator: "\n") + "\n")
        } else {
            StandardOutput.write("job \(job.jobID) \(job.kind) \(job.region) \(job.state.rawValue)\n")
            StandardError.writeLine("look at it with 'alphagrid jobs show \(job.jobID)' or 'alphagrid status --watch'")
        }
        if wait { try JobWaiter.expectDone(job) }
    }

    /// The request that flags and `--param` spell, checked as the server will check it.
    func request() throws(GridError) -> JobRequest {
        var request = JobRequest(kind: kind, region: region)
        request.pool = pool
        request.convention = convention
        request.window = window
        request.minOverlap = minOverlap
        request.precision = precision
        request.priority = priority
        for parameter in parameters { try Self.apply(parameter, to: &request) }
        try request.validate()
        return request
    }

    private static let names = ["block_edge", "convention", "min_overlap", "pool", "precision", "window"]

    private static func apply(_ parameter: String, to request: inout JobRequest) throws(GridError) {
        let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw GridError(.usage, "--param '\(parameter.printable)' is not valid: expected name=value, such as window=4y")
        }
        let value = parts[1]
        switch parts[0].replacing("-", with: "_") {
        case "pool": try set(&request.pool, value, "pool")
        case "convention": try set(&request.convention, value, "convention")
        case "window": try set(&request.window, value, "window")
        case "precision": try set(&request.precision, value, "precision")
        case "min_overlap": try set(&request.minOverlap, try whole(value, "min_overlap"), "min_overlap")
        case "block_edge": try set(&request.blockEdge, try whole(value, "block_edge"), "block_edge")
        default:
            throw GridError(
                .usage, "--param '\(parts[0].printable)' is unknown: expected one of \(names.joined(separator: ", "))")
        }
    }

    private static func set<Value>(_ field: inout Value?, _ value: Value, _ name: String) throws(GridError) {
        guard field == nil else { throw GridError(.usage, "\(name) is given twice: expected it once") }
        field = value
    }

    private static func whole(_ text: String, _ name: String) throws(GridError) -> Int {
        guard let value = Int(text) else {
            throw GridError(.usage, "--param \(name)='\(text.printable)' is not valid: expected a whole number")
        }
        return value
    }
}

/// Waits for the end of a job, with a progress bar where a terminal is.
struct JobWaiter {
    let client: GridClient

    private static let pollMilliseconds = 200
    /// A coordinator that restarts comes back within this time.
    private static let unreachableSecondsMax = 60.0

    /// - Throws: `GridError(.unreachable)` when the coordinator stays away for longer than a restart takes.
    func wait(for submitted: JobView) async throws -> JobView {
        let line = ProgressLine(enabled: true)
        defer { line.clear() }
        var job = submitted
        var silentSince: ContinuousClock.Instant?
        while !job.state.isFinal {
            try await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
            do {
                job = try await client.job(job.jobID)
                silentSince = nil
                line.show(JobReport.progressLine(job))
            } catch let error as GridError where error.kind == .unreachable {
                let since = silentSince ?? .now
                silentSince = since
                if since.duration(to: .now) > .seconds(Self.unreachableSecondsMax) { throw error }
                line.show("job \(job.jobID): waiting for the coordinator to come back")
            }
        }
        return job
    }

    static func expectDone(_ job: JobView) throws(GridError) {
        switch job.state {
        case .done: return
        case .cancelled:
            throw GridError(.failed, "job \(job.jobID) was cancelled\(job.error.map { ": \($0)" } ?? "")")
        default: throw GridError(.failed, "job \(job.jobID) failed: \(job.error ?? "no reason is recorded")")
        }
    }
}
