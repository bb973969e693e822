import ClusterModel
import Glibc
import Testing

@testable import Store

@Suite struct ScheduleTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
        try store.ensureRegion(usa)
    }

    private func request(_ name: String, onChange: Bool = false) -> ScheduleRequest {
        var job = JobRequest(kind: "correlation", region: usa.name)
        job.params = ["camelCase": "kept"]
        var request = ScheduleRequest(name: name, job: job)
        if onChange {
            (request.onChange, request.minPauseSeconds) = (true, 0)
        } else {
            (request.cron, request.timeZone) = ("30 22 * * 1-5", "Asia/Tokyo")
        }
        return request
    }

    private func end(_ id: JobID) throws { _ = try database.sql("UPDATE jobs SET state = 'done' WHERE job_id = \(id)") }

    @Test("A schedule comes back as it was added; its name is its own")
    func roundTrip() throws {
        let made = try store.addSchedule(request("nightly"), nextAt: 4_000_000_000, epoch: epoch)
        #expect(
            made.cron == "30 22 * * 1-5" && made.timeZone == "Asia/Tokyo" && made.nextAt == "2096-10-02T07:06:40Z"
                && !made.onChange)
        #expect(made.job == request("nightly").job)
        #expect(try store.schedules() == [made] && store.schedule(made.scheduleID) == made)
        #expect(throws: GridError.self) { try store.addSchedule(request("nightly"), nextAt: 0, epoch: epoch) }
        let paused = try store.setSchedule(made.scheduleID, paused: true, nextAt: 0, epoch: epoch)
        #expect(paused.paused && paused.nextAt == nil)
        #expect(try store.dueSchedules().isEmpty)
        #expect(try store.removeSchedule(made.scheduleID, epoch: epoch).name == "nightly")
        #expect(throws: GridError.self) { try store.schedule(made.scheduleID) }
        #expect(throws: GridError.self) { try store.setSchedule(made.scheduleID, paused: true, nextAt: nil, epoch: epoch) }
    }

    @Test("What is due begins one job, and nothing while that is unfinished; whoever comes second finds it done")
    func due() throws {
        let made = try store.addSchedule(request("nightly"), nextAt: 1_000, epoch: epoch)
        let first = try #require(try store.dueSchedules().first)
        guard case .begun(let id) = try store.runSchedule(first, job: sampleJob(), nextAt: 2_000, epoch: epoch) else {
            Issue.record("no job was begun")
            return
        }
        #expect(try store.runSchedule(first, job: sampleJob(), nextAt: 2_000, epoch: epoch) == .nothing)
        #expect(try store.schedule(made.scheduleID).lastJobID == id && store.unfinishedJobs().map(\.jobID) == [id])
        let second = try #require(try store.dueSchedules().first)
        #expect(
            try store.runSchedule(second, job: sampleJob(), nextAt: 3_000, epoch: epoch)
                == .skipped("its last job, \(id), is still queued"))
        #expect(try store.schedule(made.scheduleID).lastError == "its last job, \(id), is still queued")
        try end(id)
        let third = try #require(try store.dueSchedules().first)
        #expect(
            try store.runSchedule(third, job: nil, refusal: "no alphas", nextAt: 4_000, epoch: epoch) == .skipped("no alphas"))
        let fourth = try #require(try store.dueSchedules().first)
        guard case .begun = try store.runSchedule(fourth, job: sampleJob(), nextAt: 4_000_000_000, epoch: epoch) else {
            Issue.record("no job was begun")
            return
        }
        #expect(try store.dueSchedules().isEmpty && store.schedule(made.scheduleID).lastError == nil)
        _ = try store.takeEpoch(holder: "other")
        #expect(throws: GridError.self) { try store.runSchedule(fourth, job: sampleJob(), nextAt: 0, epoch: epoch) }
    }

    @Test("One that waits for a change begins a job when PnL was added, revised or removed, and once for each change")
    func onChange() throws {
        _ = try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id) SELECT 'A', region_id FROM regions;
            INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A', '2025-01-02', 1)
            """)
        let made = try store.addSchedule(request("fresh", onChange: true), nextAt: nil, epoch: epoch)
        // Where nothing has changed it is not due; whoever took it for due all the same, a moment ago, begins nothing.
        var due = DueSchedule(view: made, dueAt: nil)
        func run() throws -> ScheduleOutcome {
            let listed = try store.dueSchedules().first
            due = listed ?? due
            let outcome = try store.runSchedule(due, job: sampleJob(), nextAt: nil, epoch: epoch)
            if listed == nil { #expect(outcome == .nothing) }
            return outcome
        }
        #expect(try run() == .nothing, "what was there before is no change")
        for statement in [
            "INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A', '2025-01-03', 2)",
            "UPDATE pnl_usa SET pnl = 3 WHERE date = '2025-01-03'", "DELETE FROM pnl_usa WHERE date = '2025-01-03'",
        ] {
            _ = try database.sql(statement)
            guard case .begun(let id) = try run() else {
                Issue.record("nothing after \(statement)")
                return
            }
            #expect(try run() == .nothing, "the change is seen, and its job is unfinished")
            try end(id)
            #expect(try run() == .nothing)
        }
        _ = try database.sql("UPDATE schedules SET min_pause_seconds = 3600")
        #expect(try store.dueSchedules().isEmpty)
        // Whoever finds its registration gone cannot know, and begins one.
        _ = try database.sql("UPDATE schedules SET min_pause_seconds = 0; DELETE FROM panel_caches")
        guard case .begun = try run() else {
            Issue.record("nothing after the registration was lost")
            return
        }
        _ = try store.removeSchedule(made.scheduleID, epoch: epoch)
        #expect(try database.value("SELECT count(*) FROM panel_caches") == "0")
    }

    @Test("Panels that are kept, however many, make no schedule forget what it has seen")
    func manyPanels() throws {
        let made = try store.addSchedule(request("fresh", onChange: true), nextAt: nil, epoch: epoch)
        for _ in 0..<Limits.panelCachesPerTableMax + 2 { _ = try store.registerPanel(table: "pnl_usa", replacing: nil) }
        #expect(try store.dueSchedules().isEmpty)
        let panels = Limits.panelCachesPerTableMax
        #expect(try database.value("SELECT count(*) FROM panel_caches") == "\(panels + 1)", "its own and the newest panels")
        _ = try store.removeSchedule(made.scheduleID, epoch: epoch)
        #expect(try database.value("SELECT count(*) FROM panel_caches") == "\(panels)")
    }

    @Test("Whether anything has changed is told without a look at all records of what has changed before")
    func oldRecords() throws {
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id) SELECT 'A', region_id FROM regions;
            INSERT INTO changed_pnl (table_oid, xid, alpha_id, first_date)
            SELECT 'pnl_usa'::regclass, '3', 'B' || b, '2025-01-02' FROM generate_series(1, 20000) b;
            """)
        _ = try store.addSchedule(request("fresh", onChange: true), nextAt: nil, epoch: epoch)
        let watch = try store.watchPanel(region: usa, pool: "submitted")
        func recordsRead() throws -> Int {
            let read = try database.value(
                """
                SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'changed_pnl')
                FROM pg_stat_user_tables WHERE relname = 'changed_pnl'
                """)
            return try #require(read.flatMap { Int($0) })
        }
        let before = try recordsRead()
        for _ in 0..<3 {
            #expect(try store.dueSchedules().isEmpty && store.panelState(watch).isUnchanged)
            // A session tells what it has read once a second at most.
            usleep(1_100_000)
        }
        #expect(try recordsRead() - before < 1_000)
        _ = try database.sql("INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A', '2025-01-02', 1)")
        #expect(try store.dueSchedules().count == 1 && !store.panelState(watch).isUnchanged)
    }
}
