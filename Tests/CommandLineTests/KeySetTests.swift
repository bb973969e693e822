import API
import ClusterModel
import Foundation
import Testing

@testable import alphagrid

/// What scripts read with jq: fields may be added, none may go or be renamed.
@Suite struct KeySetTests {
    private func keys(_ value: some Encodable) throws -> Set<String> {
        let object = try JSONSerialization.jsonObject(with: try GridJSON.encode(value))
        return Set((object as? [String: Any] ?? [:]).keys)
    }

    private func expect(
        _ value: some Encodable, has names: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let missing = Set(names.split(whereSeparator: \.isWhitespace).map(String.init)).subtracting(try keys(value))
        #expect(missing.isEmpty, "gone from \(type(of: value)): \(missing.sorted())", sourceLocation: sourceLocation)
    }

    private static let job: JobView = {
        var job = someJob(5, .done, done: 1, total: 2)
        job.threshold = 0.7
        (job.startedAt, job.finishedAt) = ("t", "t")
        (job.alphaCount, job.dayCount) = (1, 2)
        (job.tilesPerSecond, job.etaSeconds) = (1, 2)
        (job.profile, job.panelHash, job.digest, job.resultTable, job.error) = ("p", "h", "d", "r", "e")
        return job
    }()

    @Test("The JSON of a job and of a list of jobs keeps its fields")
    func jobs() throws {
        try expect(
            Self.job,
            has: """
                job_id kind region pool state priority convention window min_overlap precision block_edge top threshold absolute
                fresh params submitted_at started_at finished_at stages alpha_count day_count tiles_per_second eta_seconds
                profile panel_hash digest result_table warnings error
                """)
        try expect(Self.job.stages[0], has: "name tasks_done tasks_total")
        try expect(JobList(jobs: [Self.job], nextBefore: JobID(5)), has: "jobs next_before")
    }

    @Test("The JSON of workers and of the status keeps its fields")
    func workers() throws {
        var worker = someWorker("w")
        (worker.peakFloat32GigaflopsPerSecond, worker.peakFloat64GigaflopsPerSecond) = (2, 1)
        try expect(
            worker,
            has: """
                worker host process_id version profile state slots running queued tasks_done tasks_failed memory_bytes
                cached_bytes gigaflops_per_second peak_float32_gigaflops_per_second peak_float64_gigaflops_per_second
                heartbeat_age_seconds
                """)
        try expect(WorkerList(workers: [worker]), has: "workers")
        var status = someStatus()
        status.lastError = "e"
        try expect(
            status,
            has: """
                version epoch uptime_seconds database_reachable workers_connected slots_total slots_busy jobs_queued jobs_running
                tasks_done_total last_error
                """)
        try expect(StatusCommand.Document(status: status, jobs: [], workers: []), has: "status jobs workers")
    }

    @Test("The JSON of tokens, of the audit log and of problems keeps its fields")
    func door() throws {
        try expect(
            TokenView(
                name: "n", role: .viewer, state: "valid", createdAt: "t", createdBy: "b", expiresAt: "t", revokedAt: "t"),
            has: "name role state created_at created_by expires_at revoked_at")
        try expect(
            AuditView(
                auditID: 1, happenedAt: "t", actor: "a", role: "r", action: "a", method: "m", path: "p", region: "r",
                subject: "s", status: 1, peer: "p", detail: .text("d")),
            has: "audit_id happened_at actor role action method path region subject status peer detail")
        let problem = Data(#"{"type": "about:blank", "title": "t", "status": 400, "detail": "d"}"#.utf8)
        try expect(try GridJSON.decode(ProblemDocument.self, from: problem), has: "type title status detail")
    }

    @Test("The programs themselves print the JSON they are known for")
    func programs() throws {
        let version = try JSONSerialization.jsonObject(with: Data(try Run(["version", "--json"]).output.utf8)) as? [String: Any]
        #expect(Set((version ?? [:]).keys).isSuperset(of: ["version", "protocol_version"]))
    }
}
