import API
import ArgumentParser
import ClusterModel
import Dispatch
import Foundation
import Kernels
import Logging
import Messaging
import Panel
import Service

extension BenchCommand {
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Time checks of one candidate against a made-up pool in memory, over HTTP on the loopback interface.",
            discussion: """
                Everything of 'alphagrid check --region' is in it but the questions to the database.

                Examples:
                  alphagrid bench check --alphas 100000
                """)

        @Option(help: "Alphas of the pool.")
        var alphas = 100_000

        @Option(help: "Days of the pool and of the candidate.")
        var days = 1_250

        @Option(help: "Checks, one after another over one connection.")
        var runs = 200

        @OptionGroup var output: OutputOptions

        private struct Report: Codable {
            var alphas: Int
            var days: Int
            /// Of each check, ascending.
            var milliseconds: [Double]
            var p50: Double
            var p99: Double
        }

        func run() async throws {
            try BenchCommand.expect(alphas, in: 2...Limits.alphasMax, "--alphas")
            try BenchCommand.expect(days, in: CorrelationParameters.defaultMinOverlap...Limits.daysMax, "--days")
            try BenchCommand.expect(runs, in: 1...100_000, "--runs")
            let (pool, token) = (try MadeUpPool(alphas: alphas, days: days), try AccessToken("alphagrid-bench-check", source: ""))
            let request = pool.request
            var milliseconds: [Double] = []
            let (ports, port) = AsyncStream<Int>.makeStream()
            let server = try APIServer(
                control: pool, access: AccessSettings(token: token, records: pool), host: "127.0.0.1", port: 0,
                logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
            ) { port.yield($0) }
            let serving = Task { try await server.run() }
            defer { serving.cancel() }
            var iterator = ports.makeAsyncIterator()
            guard let bound = await iterator.next(), let url = URL(string: "http://127.0.0.1:\(bound)") else {
                throw GridError(.failed, "the server did not start")
            }
            let client = try GridClient(base: url, token: token)
            for run in 0..<(runs + 3) {
                let start = MonotonicTime.now()
                let answer = try await client.check(request, region: try Region("BENCH"))
                guard let found = answer.candidates.first, found.pairCount > alphas / 2 else {
                    throw GridError(.failed, "a check did not compare the alphas")
                }
                // The first ones are for caches and clocks.
                if run >= 3 { milliseconds.append(MonotonicTime.now().seconds(since: start) * 1e3) }
            }
            milliseconds.sort()
            func quantile(_ share: Double) -> Double {
                milliseconds[min(milliseconds.count - 1, Int(share * Double(milliseconds.count)))]
            }
            let report = Report(alphas: alphas, days: days, milliseconds: milliseconds, p50: quantile(0.5), p99: quantile(0.99))
            if output.isJSON { return try StandardOutput.writeJSON(report) }
            StandardOutput.write(
                "\(alphas) alphas x \(days) days: median \(Quantity.fixed(report.p50, digits: 2)) ms, 99 of 100 within "
                    + "\(Quantity.fixed(report.p99, digits: 2)) ms\n")
        }
    }
}

/// A grid that knows one pool and answers checks of it.
private final class MadeUpPool: ServedGrid, AccessRecords {
    let request: CheckRequest
    private let pool: CandidatePool
    private let queue = DispatchQueue(label: "alphagrid.bench", attributes: .concurrent)

    init(alphas: Int, days: Int) throws {
        let panel = try MachineBench.panel(alphas: alphas + 1, days: days, shape: .gaps)
        let candidate = panel.series(alphas)
        request = CheckRequest(candidates: [
            CheckRequest.Candidate(
                alphaID: panel.alphaIDs[alphas], dates: panel.dates.map(\.description),
                pnl: candidate.map { $0.isNaN ? nil : $0 })
        ])
        pool = CandidatePool(panel: panel, convention: .ffillShift, firstDay: 0)
    }

    func check(_ request: CheckRequest, region: Region) async throws -> CheckView {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.view(request) }) }
        }
    }

    private func view(_ request: CheckRequest) throws -> CheckView {
        let candidates = try request.candidates.map { one in
            try PoolCheck.Candidate(
                series: CandidateSeries(
                    id: one.alphaID, dates: try one.dates.map { try Day(parsing: $0) }, values: one.pnl.map { $0 ?? .nan }))
        }
        let options = try PoolCheck.Options(convention: .ffillShift, window: .all, minOverlap: 60)
        return try PoolCheck(pool: pool, name: "made up", options: options).view(candidates)
    }

    private var onlyChecks: GridError { GridError(.notFound, "this server answers checks only") }
    func status() async throws -> StatusView { throw onlyChecks }
    func ready() async throws {}
    func submit(_ request: JobRequest) async throws -> JobView { throw onlyChecks }
    func jobs(_ request: JobsRequest) async throws -> [JobView] { throw onlyChecks }
    func job(_ id: JobID) async throws -> JobView { throw onlyChecks }
    func cancel(_ id: JobID, reason: String) async throws -> JobView { throw onlyChecks }
    func workers() async throws -> [WorkerView] { throw onlyChecks }
    func explain(_ id: JobID, task: Int?) async throws -> ExplainView { throw onlyChecks }
    func plan(_ request: JobRequest) async throws -> PlanView { throw onlyChecks }
    func pause(_ id: JobID, reason: String) async throws -> JobView { throw onlyChecks }
    func resume(_ id: JobID) async throws -> JobView { throw onlyChecks }
    func retry(_ id: JobID) async throws -> JobView { throw onlyChecks }
    func setPriority(_ id: JobID, _ priority: Int) async throws -> JobView { throw onlyChecks }
    func remove(_ id: JobID) async throws -> JobView { throw onlyChecks }
    func drain(_ worker: WorkerID, order: DrainOrder) async throws -> WorkerView { throw onlyChecks }
    func undrain(_ worker: WorkerID) async throws -> WorkerView { throw onlyChecks }
    func schedules() async throws -> [ScheduleView] { throw onlyChecks }
    func schedule(_ id: Int64) async throws -> ScheduleView { throw onlyChecks }
    func addSchedule(_ request: ScheduleRequest) async throws -> ScheduleView { throw onlyChecks }
    func removeSchedule(_ id: Int64) async throws -> ScheduleView { throw onlyChecks }
    func setSchedule(_ id: Int64, paused: Bool) async throws -> ScheduleView { throw onlyChecks }
    func webhooks() async throws -> [WebhookView] { throw onlyChecks }
    func webhook(_ id: Int64) async throws -> WebhookView { throw onlyChecks }
    func addWebhook(_ request: WebhookRequest) async throws -> WebhookView { throw onlyChecks }
    func removeWebhook(_ id: Int64) async throws -> WebhookView { throw onlyChecks }
    func testWebhook(_ id: Int64) async throws -> WebhookView { throw onlyChecks }
    func alerts(limit: Int, region: Region?) async throws -> [AlertView] { throw onlyChecks }
    func pair(_ request: PairRequest, region: Region) async throws -> PairView { throw onlyChecks }
    func results(_ request: ResultRequest, region: Region) async throws -> ResultPage { throw onlyChecks }
    func regions() async throws -> [RegionView] { throw onlyChecks }
    func alpha(_ id: String, region: Region) async throws -> AlphaView { throw onlyChecks }
    func pnl(of id: String, pool: String?, region: Region) async throws -> PnLView { throw onlyChecks }
    func matrix(_ request: MatrixRequest, region: Region) async throws -> MatrixView { throw onlyChecks }
    func usage(pool: String?, region: Region) async throws -> RegionUsageView { throw onlyChecks }
    func tiles(of job: JobID) async throws -> TileMapView { throw onlyChecks }
    func moment(tasksAfter serial: Int) async -> GridMoment {
        let status = StatusView(
            version: AlphaGrid.version, epoch: 0, uptimeSeconds: 0, databaseReachable: false, workersConnected: 0, slotsTotal: 0,
            slotsBusy: 0, jobsQueued: 0, jobsRunning: 0, tasksDoneTotal: 0, lastError: nil)
        return GridMoment(status: status, jobs: [], workers: [], tasks: [], taskSerial: 0)
    }

    func validTokens() async throws -> [StoredToken] { [] }
    func beginAudit(_ entry: AuditEntry) async throws -> Int64 { throw onlyChecks }
    func finishAudit(_ row: Int64, status: Int, subject: String?) async throws { throw onlyChecks }
    func recordRefusals(_ entries: [AuditEntry]) async throws {}
    func auditRows(limit: Int, _ filter: AuditFilter) async throws -> [AuditView] { [] }
}
