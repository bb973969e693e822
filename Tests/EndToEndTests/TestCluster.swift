import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A coordinator and workers as real processes, on free loopback ports and a database of their own.
final class TestCluster: @unchecked Sendable {
    let state: ScratchFolder
    let database: String
    let bind: String
    let http: String
    private(set) var coordinator: ChildProcess?
    private(set) var workers: [ChildProcess] = []
    private let coordinatorArguments: [String]

    /// - Parameters:
    ///   - database: nil makes a new one and its tables.
    ///   - hasKeys: whether the coordinator has keys; then no worker of `count` would get in.
    ///   - arguments: more of the coordinator's, whenever it starts.
    init(
        workers count: Int, slots: Int = 1, database: String? = nil, hasKeys: Bool = false, arguments: [String] = []
    ) async throws {
        coordinatorArguments = arguments
        state = try ScratchFolder()
        self.database = try database ?? PrivateDatabase.make()
        bind = "tcp://127.0.0.1:\(try freePort())"
        http = "127.0.0.1:\(try freePort())"
        if database == nil { try await alphagrid("db", "init") }
        if hasKeys { try await alphagrid("keys", "init") }
        try await startCoordinator()
        for _ in 0..<count { try startWorker(slots: slots) }
        try await waitForWorkers(count)
    }

    deinit {
        // Workers first: a coordinator that still listens takes their goodbye.
        workers.removeAll()
        coordinator = nil
    }

    var environment: [String: String?] {
        ["ALPHAGRID_STATE": state.path, "ALPHAGRID_DATABASE": database, "NO_COLOR": "1"]
    }

    // MARK: Processes

    /// - Parameter more: arguments of this start alone.
    func startCoordinator(_ more: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let process = try ChildProcess(
            Place.program("alphagrid"),
            ["coordinator", "--database", database, "--bind", bind, "--http", http, "--state", state.path]
                + coordinatorArguments + more)
        coordinator = process
        try await waitUntil("the coordinator's /readyz", sourceLocation: sourceLocation) {
            try #require(
                !process.hasEnded, "the coordinator ended: \(process.errorsSoFar.suffix(2_000))",
                sourceLocation: sourceLocation)
            return try await HTTP.get("http://\(http)/readyz")?.status == 200
        }
    }

    /// Sends SIGTERM and expects an orderly end.
    func stopCoordinator(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let process = try #require(coordinator, sourceLocation: sourceLocation)
        process.signal(SIGTERM)
        let outcome = try await process.end(within: 30, sourceLocation: sourceLocation)
        #expect(outcome.status == 0, "the coordinator said: \(outcome.errors.suffix(2_000))", sourceLocation: sourceLocation)
        coordinator = nil
    }

    /// Ends the coordinator without giving it a chance to say anything.
    func killCoordinator() async throws {
        guard let process = coordinator else { return }
        process.signal(SIGKILL)
        _ = try await process.end(within: 10)
        coordinator = nil
    }

    @discardableResult
    func startWorker(
        slots: Int = 1, arguments: [String] = [], environment: [String: String?] = [:]
    ) throws -> ChildProcess {
        let process = try ChildProcess(
            Place.program("alphagrid-worker"),
            ["--connect", bind, "--slots", "\(slots)", "--memory", "256MiB"] + arguments, environment: environment)
        workers.append(process)
        return process
    }

    /// Waits until exactly so many workers are connected.
    func waitForWorkers(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await waitUntil("\(count) workers", sourceLocation: sourceLocation) {
            for worker in workers where worker.hasEnded {
                let outcome = try await worker.end()
                guard outcome.status != 0 else { continue }
                try #require(
                    outcome.status > 128, "a worker ended: \(outcome.errors.suffix(2_000))", sourceLocation: sourceLocation)
            }
            return try await status()["workers_connected"] as? Int == count
        }
    }

    // MARK: Command line

    /// Runs `alphagrid` against this cluster; it must succeed.
    @discardableResult
    func alphagrid(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        try await succeed(
            Place.program("alphagrid"), arguments, environment: environment, sourceLocation: sourceLocation)
    }

    /// Runs `alphagrid` against this cluster, whatever comes of it.
    func attempt(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws -> ChildProcess.Outcome {
        try await run(Place.program("alphagrid"), arguments, environment: environment, sourceLocation: sourceLocation)
    }

    func sql(_ query: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [[String]] {
        try await PrivateDatabase.rows(database, query, sourceLocation: sourceLocation)
    }

    /// The one value a query gives.
    func value(_ query: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        try #require(try await sql(query, sourceLocation: sourceLocation).first?.first, sourceLocation: sourceLocation)
    }

    // MARK: HTTP

    func token() throws -> String {
        try String(contentsOfFile: state.file("token"), encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// JSON of a path that must answer 2xx.
    func json(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [String: Any] {
        let answer = try #require(
            try await HTTP.get("http://\(http)\(path)", token: try token()), sourceLocation: sourceLocation)
        try #require(answer.status == 200, "\(path): \(answer.status) \(answer.text)", sourceLocation: sourceLocation)
        return try answer.object()
    }

    func status() async throws -> [String: Any] { try await json("/v1/status") }
    func job(_ id: Int) async throws -> [String: Any] { try await json("/v1/jobs/\(id)") }

    /// Queues a correlation job by HTTP.
    ///
    /// - Returns: its number.
    func submit(_ body: [String: Any], sourceLocation: SourceLocation = #_sourceLocation) async throws -> Int {
        let answer = try await HTTP.post("http://\(http)/v1/jobs", body, token: try token())
        try #require(answer.status == 201, "\(answer.status) \(answer.text)", sourceLocation: sourceLocation)
        return try #require(try answer.object()["job_id"] as? Int, sourceLocation: sourceLocation)
    }

    /// Waits until a job has ended, and gives its view; it must have ended well.
    @discardableResult
    func finish(
        _ id: Int, within seconds: Double = 120, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [String: Any] {
        let view = try await waitFor("job \(id)", seconds: seconds, sourceLocation: sourceLocation) {
            let view = try await job(id)
            return ["done", "failed", "cancelled"].contains(view["state"] as? String) ? view : nil
        }
        #expect(view["state"] as? String == "done", "\(view["error"] as Any)", sourceLocation: sourceLocation)
        return view
    }

    /// Summaries of a region as published, or of a job that goes into the table keyed by job.
    func summaries(_ region: String, job: Int? = nil) async throws -> CSVTable {
        let columns = CSVTable.summaryColumns.joined(separator: ", ")
        let table = job == nil ? "correlation_\(region.lowercased())" : "correlation_\(region.lowercased())_jobs"
        let rows = try await sql("SELECT \(columns) FROM \(table) \(job.map { "WHERE job_id = \($0)" } ?? "")")
        return CSVTable(header: CSVTable.summaryColumns, records: rows)
    }
}
