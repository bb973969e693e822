import ArgumentParser
import ClusterModel
import Foundation
import Requests
import Service

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Submit a job to the coordinator.",
        discussion: """
            What is not given takes the region's configured value. Only a job with the region's own convention, window, \
            min-overlap and pool publishes to correlation_<region>.

            Each alpha's nearest neighbours go to correlation_neighbours_<region>, the pairs beyond --threshold to \
            correlation_edges_<region>; those of other jobs to the tables of the same names ending in _jobs.

            Parameters of one kind, by --param:
              clusters   methods (hdbscan, dbscan, single, complete, average, ward,
                         kmeans, pca, umap, tsne, mst), distance, clusters,
                         clusters_tried, choose_by (silhouette, gap), references,
                         bootstrap, consensus, seed, min_cluster_size,
                         min_samples, selection (eom, leaf), eps, min_points,
                         dbscan_on (correlation, umap), kmeans_on (returns,
                         features), components, neighbours, min_dist, dimensions,
                         perplexity
              selection  count, weight (sharpe, fitness, returns, margin, equal);
                         and --threshold, --absolute

            Examples:
              alphagrid run correlation --region USA --plan
              alphagrid run correlation --region USA --wait
              alphagrid run correlation --region USA --top 50 --threshold 0.7
              alphagrid run correlation --region CHN --priority 100
              alphagrid run cross-correlation --region USA --wait
              alphagrid run features --region USA --wait
              alphagrid run clusters --region USA --param methods=umap,hdbscan,average --param min_cluster_size=10 --wait
              alphagrid run selection --region USA --threshold 0.5 --param count=20 --wait
              alphagrid run correlation --region USA --convention ffill-diff --window all --param block_edge=512 --json
            """)

    @Argument(help: "Kind of job: correlation, cross-correlation, features, clusters or selection.", completion: .kinds)
    var kind: String

    @Option(help: "Region, such as USA.", completion: .regions)
    var region: String

    @Option(help: "Pool of alphas.", completion: .pools)
    var pool: String?

    @Option(help: "ffill-shift, ffill-diff, common-dates, alphadatabank or daily-pnl.", completion: .conventions)
    var convention: String?

    @Option(help: "all, years such as 4y, or days such as 400d.")
    var window: String?

    @Option(help: "Fewest common returns of a pair, at least 2.")
    var minOverlap: Int?

    @Option(help: "float64 or float32.", completion: .precisions)
    var precision: String?

    @OptionGroup var pairs: PairOptions

    @Option(
        name: .customLong("param"), help: ArgumentHelp("Any parameter by its name; may be repeated.", valueName: "k=v"),
        completion: .parameters)
    var parameters: [String] = []

    @Option(parsing: .unconditional, help: "-1000 to 1000; larger runs first, bulk work has 0, a recompute on demand 100.")
    var priority: Int?

    @Flag(help: "Compute all pairs, also those that a kept result covers.")
    var fresh = false

    @Flag(help: "Only show what the job would be: tiles, tasks, bytes, memory and time.")
    var plan = false

    @Flag(help: "Wait until the job has ended; fails when the job does.")
    var wait = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        if plan, wait { throw GridError(.usage, "--plan and --wait do not go together: expected one of them") }
        let request = try request()
        let client = try connection.client()
        if plan {
            let found = try await client.plan(request)
            if output.isJSON { return try StandardOutput.writeJSON(found) }
            return StandardOutput.write(PlanReport.page(found).joined(separator: "\n") + "\n")
        }
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
        request.top = pairs.top
        request.threshold = pairs.threshold
        request.absolute = pairs.absolute ? true : nil
        request.fresh = fresh ? true : nil
        for parameter in parameters { try Self.apply(parameter, to: &request) }
        try request.validate()
        try request.validateForKind()
        return request
    }

    static func apply(_ parameter: String, to request: inout JobRequest) throws(GridError) {
        let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw GridError(.usage, "--param '\(parameter.printable)' is not valid: expected name=value, such as window=4y")
        }
        let (name, value) = (parts[0].replacing("-", with: "_"), parts[1])
        switch name {
        case "pool": try set(&request.pool, value, "pool")
        case "convention": try set(&request.convention, value, "convention")
        case "window": try set(&request.window, value, "window")
        case "precision": try set(&request.precision, value, "precision")
        case "min_overlap": try set(&request.minOverlap, try whole(value, "min_overlap"), "min_overlap")
        case "block_edge": try set(&request.blockEdge, try whole(value, "block_edge"), "block_edge")
        case "top": try set(&request.top, try whole(value, "top"), "top")
        case "threshold":
            guard let number = Double(value) else {
                throw GridError(.usage, "--param threshold='\(value.printable)' is not valid: expected a correlation")
            }
            try set(&request.threshold, number, "threshold")
        case "absolute":
            guard let truth = Bool(value) else {
                throw GridError(.usage, "--param absolute='\(value.printable)' is not valid: expected true or false")
            }
            try set(&request.absolute, truth, "absolute")
        default:
            guard request.params?[name] == nil else {
                throw GridError(.usage, "\(name.printable) is given twice: expected it once")
            }
            request.params = (request.params ?? [:]).merging([name: value]) { $1 }
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
    let client: any GridControl
    /// Silence that is worth a word, and silence that is too long: a coordinator that restarts comes back before.
    var noticeSeconds = 3.0
    var unreachableSecondsMax = 60.0
    /// Takes lines for the person who waits.
    var say: (String) -> Void = StandardError.writeLine

    /// Between two questions: short jobs are over before anybody looks, long ones need no haste.
    private static let pollMilliseconds = (first: 10, last: 200)

    /// - Throws: `GridError(.unreachable)` when the coordinator stays away for longer than a restart takes.
    func wait(for submitted: JobView) async throws -> JobView {
        let line = ProgressLine(enabled: true)
        defer { line.clear() }
        var job = submitted
        var pause = Self.pollMilliseconds.first
        var silentSince: ContinuousClock.Instant?
        var isSaid = false
        let began = ContinuousClock.now
        var isIdleSaid = false
        while !job.state.isFinal {
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(pause * 2, Self.pollMilliseconds.last)
            do {
                job = try await client.job(job.jobID)
                if isSaid {
                    line.clear()
                    say("the coordinator answers again: job \(job.jobID) is \(job.state.rawValue)")
                }
                (silentSince, isSaid) = (nil, false)
                line.show(JobReport.progressLine(job))
                if !isIdleSaid, began.duration(to: .now) / .seconds(1) >= noticeSeconds, let waits = job.waits,
                    job.stages.allSatisfy({ $0.tasksDone == 0 })
                {
                    isIdleSaid = true
                    line.clear()
                    say("job \(job.jobID) waits \(waits)".singleLine)
                }
            } catch let error as GridError where error.kind == .unreachable {
                let since = silentSince ?? .now
                silentSince = since
                let silence = since.duration(to: .now) / .seconds(1)
                if silence > unreachableSecondsMax { throw error }
                if silence >= noticeSeconds, !isSaid {
                    line.clear()
                    say(Self.notice(error, remainingSeconds: unreachableSecondsMax - silence))
                    isSaid = true
                }
                line.show("job \(job.jobID): waiting for the coordinator to come back")
            }
        }
        return job
    }

    /// What is wrong, without the advice for who has not begun to wait, and how long it is put up with.
    private static func notice(_ error: GridError, remainingSeconds: Double) -> String {
        let reason = error.message.split(separator: "; ").first ?? ""
        return "\(reason); trying again for \(Quantity.duration(seconds: remainingSeconds.rounded(.up)))"
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
