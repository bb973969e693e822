import ClusterModel
import Panel
import Synchronization
import Testing

@testable import Store

@Suite struct PublishTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
        try database.store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id, alpha_type) SELECT 'A' || a, region_id, 'REGULAR'
                FROM regions, generate_series(1, 200) a
            """)
    }

    private func publication(_ job: Int64, _ target: Publication.Target = .region) throws -> Publication {
        Publication(
            region: usa, target: target, jobID: JobID(job), convention: .ffillShift, window: .years(4), minOverlap: 60,
            windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29"))
    }

    private func row(_ id: String, _ value: Double) -> CorrelationRow {
        CorrelationRow(
            alphaID: id, min: -value, max: value, avg: value / 3, median: 0.1, pairCount: 7, mostCorrelatedAlphaID: "A9",
            mostCorrelatedDays: 250, leastCorrelatedAlphaID: "A8", maxAbsCorrelation: value, maxAbsAlphaID: "A8")
    }

    @Test("Published rows hold every field bit for bit; an alpha without pairs is NULL with pair_count 0")
    func fields() throws {
        let value = 0.1 + 0.2
        let report = try store.publishCorrelation(
            [row("A2", value), CorrelationRow(alphaID: "A1")], of: publication(5), epoch: epoch)
        #expect(report == PublishReport(table: "correlation_usa", rows: 2, alphasGone: 0, rowsDeleted: 0))
        let rows = try database.sql(
            """
            SELECT alpha_id, min_correlation, max_correlation, avg_correlation, median_correlation, pair_count,
                most_correlated_alpha_id, most_correlated_days, least_correlated_alpha_id, max_abs_correlation,
                max_abs_alpha_id, convention, window_start, window_end, min_overlap, job_id, last_updated IS NOT NULL
            FROM correlation_usa ORDER BY alpha_id
            """)
        let constants = ["ffill-shift", "2020-01-03", "2023-12-29", "60", "5", "t"]
        #expect(rows[0] == ["A1", nil, nil, nil, nil, "0", nil, nil, nil, nil, nil] + constants)
        let numbers = [(-value).description, value.description, (value / 3).description, "0.1", "7"]
        #expect(rows[1] == ["A2"] + numbers + ["A9", "250", "A8", value.description, "A8"] + constants)
    }

    @Test("What was read earlier is not published over what was read later; a publication that failed counts for nothing")
    func readTimes() throws {
        func at(_ second: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: second * 1_000_000_000) }
        let times = store.readTimes
        times.note(JobID(41), began: at(10), ended: at(12))
        times.note(JobID(42), began: at(20), ended: at(22))
        times.note(JobID(43), began: at(21), ended: at(25))
        func publish(_ job: Int64, _ value: Double) throws {
            try store.publishCorrelation([row("A1", value)], of: publication(job), epoch: epoch)
        }
        func shown() throws -> [[String?]] { try database.sql("SELECT job_id, max_correlation FROM correlation_usa") }

        try publish(41, 0.1)
        try publish(42, 0.2)
        let error = try #require(gridError { try publish(41, 0.1) })
        #expect(error.kind == .conflict)
        #expect(
            error.message == "job 42 read the PnL of region USA later than job 41 and has published it already, so the older "
                + "rows were not published: run the job again")
        #expect(try shown() == [["42", "0.2"]])
        // They read at the same time: either may be the last.
        try publish(43, 0.3)
        try publish(42, 0.2)
        #expect(try shown() == [["42", "0.2"]])

        times.note(JobID(44), began: at(30), ended: at(31))
        try database.sql("ALTER TABLE correlation_usa ADD CHECK (max_correlation <= 0.9)")
        #expect(gridError { try publish(44, 0.95) } != nil)
        try publish(42, 0.25)
        #expect(try shown() == [["42", "0.25"]])
        // Taken up again, it has read anew.
        times.forget(JobID(41))
        times.note(JobID(41), began: at(40), ended: at(41))
        try publish(41, 0.15)
        #expect(try shown() == [["41", "0.15"]])
    }

    @Test("Publishing replaces rows, deletes those of alphas that are gone, and repeats without effect")
    func replace() throws {
        try store.publishCorrelation(["A1", "A2", "A3"].map { row($0, 0.5) }, of: publication(1), epoch: epoch)
        let ids = try database.sql("SELECT correlation_id FROM correlation_usa WHERE alpha_id = 'A2'")
        try database.sql("DELETE FROM alphas WHERE alpha_id = 'A4'")
        let next = ["A2", "A4", "A5"].map { row($0, 0.25) }
        let report = try store.publishCorrelation(next, of: publication(2), epoch: epoch)
        #expect(report == PublishReport(table: "correlation_usa", rows: 2, alphasGone: 1, rowsDeleted: 2))
        let expected = [["A2", "0.25", "2"], ["A5", "0.25", "2"]]
        let query = "SELECT alpha_id, max_correlation, job_id FROM correlation_usa ORDER BY alpha_id"
        #expect(try database.sql(query) == expected)
        #expect(try database.sql("SELECT correlation_id FROM correlation_usa WHERE alpha_id = 'A2'") == ids)
        let again = try store.publishCorrelation(next, of: publication(2), epoch: epoch)
        #expect(again.rows == 2 && again.rowsDeleted == 0)
        #expect(try database.sql(query) == expected)
    }

    @Test("A job with other parameters publishes beside the region, keyed by job, also for unsubmitted alphas")
    func jobTarget() throws {
        try store.publishCorrelation([row("A1", 0.5)], of: publication(9), epoch: epoch)
        let first = try store.createJob(sampleJob(), epoch: epoch).rawValue
        let second = try store.createJob(sampleJob(), epoch: epoch).rawValue
        let report = try store.publishCorrelation([row("A1", 0.1), row("U1", 0.2)], of: publication(first, .job), epoch: epoch)
        #expect(report == PublishReport(table: "correlation_usa_jobs", rows: 2, alphasGone: 0, rowsDeleted: 0))
        try store.publishCorrelation([row("A1", 0.3)], of: publication(second, .job), epoch: epoch)
        let again = try store.publishCorrelation([row("U1", 0.4)], of: publication(first, .job), epoch: epoch)
        #expect(again.rowsDeleted == 1)
        #expect(
            try database.sql("SELECT job_id, alpha_id, max_correlation FROM correlation_usa_jobs ORDER BY 1, 2")
                == [["\(first)", "U1", "0.4"], ["\(second)", "A1", "0.3"]])
        #expect(try database.sql("SELECT alpha_id, max_correlation, job_id FROM correlation_usa") == [["A1", "0.5", "9"]])
        try database.sql("DELETE FROM jobs WHERE job_id = \(first)")
        #expect(try database.value("SELECT count(*) FROM correlation_usa_jobs") == "1")
    }

    @Test("The job row is saved with its rows or not at all")
    func savingJob() throws {
        var job = sampleJob(state: .publishing)
        job.jobID = try store.createJob(job, epoch: epoch)
        job.state = .done
        job.digest = "abc"
        try store.publishCorrelation([row("A1", 0.5)], of: publication(job.jobID.rawValue), epoch: epoch, saving: job)
        #expect(try store.job(job.jobID) == job)
        var ghost = job
        ghost.jobID = JobID(999)
        let error = try #require(
            gridError { try store.publishCorrelation([row("A1", 0.9)], of: publication(999), epoch: epoch, saving: ghost) })
        #expect(error.kind == .notFound)
        #expect(try database.value("SELECT max_correlation FROM correlation_usa") == "0.5")
    }

    @Test("An older epoch, and a region whose settings changed meanwhile, publish nothing")
    func refused() throws {
        try store.publishCorrelation([row("A1", 0.5)], of: publication(1), epoch: epoch)
        let next = try store.takeEpoch(holder: "other")
        let stale = try #require(gridError { try store.publishCorrelation([row("A2", 0.9)], of: publication(2), epoch: epoch) })
        #expect(stale.kind == .conflict && stale.message.contains("another coordinator has taken over"))
        try store.setRegionSettings(usa, RegionSettings(convention: .ffillDiff))
        let changed = try #require(gridError { try store.publishCorrelation([row("A2", 0.9)], of: publication(2), epoch: next) })
        #expect(changed.kind == .conflict)
        #expect(changed.message.contains("ffill-shift, 4y, min-overlap 60") && changed.message.contains("ffill-diff"))
        #expect(try database.sql("SELECT alpha_id, max_correlation FROM correlation_usa") == [["A1", "0.5"]])
        // The same rows may still be kept as the job's own.
        let job = try store.createJob(sampleJob(), epoch: next).rawValue
        #expect(try store.publishCorrelation([row("A2", 0.9)], of: publication(job, .job), epoch: next).rows == 1)
    }

    @Test("A reader that polls during 30 publications sees only complete versions")
    func atomicity() throws {
        let store = store
        // Version v has v / 100 as every max_correlation, and by turns more and fewer alphas than the one before.
        @Sendable func alphaCount(_ version: Int) -> Int { version % 2 == 0 ? 100 + version : 200 - version }
        @Sendable func publish(_ version: Int) throws {
            let rows = (1...alphaCount(version)).map { row("A\($0)", Double(version) / 100) }
            try store.publishCorrelation(rows.reversed(), of: publication(Int64(version)), epoch: epoch)
        }
        try publish(1)
        let shared = AtomicityShared()
        try onThreads(2) { index in
            if index == 0 {
                defer { shared.isDone.store(true, ordering: .releasing) }
                for version in 2...30 { try publish(version) }
            } else {
                let reader = try Connection.open(store.pool.url)
                let query = "SELECT count(*), count(DISTINCT max_correlation), min(job_id), max(job_id) FROM correlation_usa"
                while !shared.isDone.load(ordering: .acquiring) {
                    let seen = try reader.execute(query)
                    let version = try #require(seen.integer(0, 2))
                    // Required rather than expected: only what is thrown reaches the test from another thread.
                    try #require(seen.integer(0, 0) == alphaCount(version))
                    try #require(seen.integer(0, 1) == 1 && seen.integer(0, 3) == version)
                    _ = shared.versions.withLock { $0.insert(version) }
                }
            }
        }
        #expect(shared.versions.withLock { $0.count } > 1)
    }
}

private final class AtomicityShared: Sendable {
    let isDone = Atomic<Bool>(false)
    let versions = Mutex<Set<Int>>([])
}
