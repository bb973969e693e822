import ClusterModel
import Foundation
import Testing

@testable import Store

/// A job as the service submits it.
func sampleJob(_ region: Region = usa, state: JobState = .queued) -> JobView {
    JobView(
        jobID: JobID(0), kind: "correlation", region: region.name, pool: "submitted", state: state, priority: 100,
        convention: "ffill-shift", window: "4y", minOverlap: 60, precision: "float64", blockEdge: 256,
        submittedAt: "2025-03-01T12:00:00.000Z")
}

@Suite struct JobTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
    }

    @Test("A job comes back as it was saved, with every field filled and with none")
    func roundTrip() throws {
        var job = sampleJob()
        job.jobID = try store.createJob(job, epoch: epoch)
        #expect(try store.job(job.jobID) == job)
        job.state = .failed
        job.startedAt = "2025-03-01T12:00:01.250Z"
        job.finishedAt = "2025-03-01T12:00:02.123Z"
        job.stages = [
            StageView(name: "full", tasksDone: 3, tasksTotal: 9), StageView(name: "median", tasksDone: 0, tasksTotal: 1),
        ]
        job.alphaCount = 505
        job.dayCount = 1259
        job.tilesPerSecond = 0.1
        job.profile = "openblas-0.3.21/Haswell/e1"
        job.panelHash = "ab12"
        job.digest = "cd34"
        (job.top, job.threshold, job.absolute, job.fresh) = (25, 0.1 + 0.2, true, true)
        job.resultTable = "correlation_usa"
        job.warnings = ["alpha 'X' is constant", "it\u{2019}s \"quoted\" \\ and\nbroken"]
        job.error = "task 7 failed on 3 workers: 'no'; DROP TABLE jobs"
        try store.saveJob(job, epoch: epoch)
        #expect(try store.job(job.jobID) == job)
        job.startedAt = nil
        job.error = nil
        job.alphaCount = nil
        try store.saveJob(job, epoch: epoch)
        #expect(try store.job(job.jobID) == job)
    }

    @Test("What operators change of a job holds, whatever a thread of the job that has not heard of it saves afterwards")
    func terms() throws {
        var job = sampleJob(state: .running)
        job.jobID = try store.createJob(job, epoch: epoch)
        try store.setTerms(job.jobID, JobTerms(paused: true, reason: "busy"), epoch: epoch)
        try store.setTerms(job.jobID, JobTerms(priority: -7), epoch: epoch)
        job.alphaCount = 9
        try store.saveJob(job, epoch: epoch)
        let row = try store.job(job.jobID)
        #expect(row.paused && row.reason == "busy" && row.priority == -7 && row.alphaCount == 9)
        #expect(try store.unfinishedJobs().map(\.paused) == [true])
        try store.setTerms(job.jobID, JobTerms(paused: false), epoch: epoch)
        #expect(try !store.job(job.jobID).paused && store.job(job.jobID).reason == nil)
        try store.setTerms(job.jobID, JobTerms(paused: true, reason: "busy"), epoch: epoch)
        job.state = .cancelled
        job.reason = nil
        try store.saveJob(job, epoch: epoch)
        #expect(try store.job(job.jobID).reason == nil, "nobody said why it was cancelled")
        job.reason = "superseded"
        try store.saveJob(job, epoch: epoch)
        let over = try store.job(job.jobID)
        #expect(over.reason == "superseded" && !over.paused, "one that is over is not paused")
        for id in [job.jobID, JobID(999)] {
            #expect(throws: GridError.self) { try store.setTerms(id, JobTerms(paused: true), epoch: epoch) }
        }
    }

    @Test("Ended jobs are forgotten with their results: one by one, or the oldest beyond a number or an age")
    func forget() throws {
        try store.ensureRegion(usa)
        let running = try store.createJob(sampleJob(state: .running), epoch: epoch)
        let ids = try (0..<6).map { _ in try store.createJob(sampleJob(state: .done), epoch: epoch) }
        for id in ids {
            _ = try database.sql("INSERT INTO correlation_usa_jobs (job_id, alpha_id) VALUES (\(id), 'A')")
        }
        #expect(throws: GridError.self) { try store.removeJob(running, epoch: epoch) }
        #expect(try store.removeJob(ids[5], epoch: epoch) == nil)
        #expect(throws: GridError.self) { try store.removeJob(ids[5], epoch: epoch) }
        #expect(try database.value("SELECT count(*) FROM correlation_usa_jobs") == "5")
        #expect(try store.forgetJobs(keeping: 3, days: nil, epoch: epoch) == 2)
        #expect(try store.jobs(JobsRequest(limit: 10)).map(\.jobID) == [ids[4], ids[3], ids[2], running])
        _ = try database.sql("UPDATE jobs SET finished_at = clock_timestamp() - interval '9 days' WHERE job_id = \(ids[3])")
        #expect(try store.forgetJobs(keeping: 100, days: 10, epoch: epoch) == 0)
        #expect(try store.forgetJobs(keeping: 100, days: 8, epoch: epoch) == 1)
        #expect(try database.value("SELECT count(*) FROM correlation_usa_jobs") == "2")
    }

    @Test("Who removes a job hears where the region still shows its rows, and finds them there by its number")
    func removedButShown() throws {
        try store.ensureRegion(usa)
        let ids = try (0..<3).map { _ in
            var job = sampleJob(state: .done)
            job.resultTable = "correlation_usa"
            return try store.createJob(job, epoch: epoch)
        }
        _ = try database.sql("INSERT INTO alphas (alpha_id, region_id) SELECT 'A', region_id FROM regions")
        _ = try database.sql("INSERT INTO correlation_usa (alpha_id, job_id) VALUES ('A', \(ids[1]))")
        #expect(try store.removeJob(ids[0], epoch: epoch) == nil, "the rows are those of a later one")
        #expect(try store.removeJob(ids[1], epoch: epoch) == "correlation_usa")
        var request = ResultRequest(.correlation)
        request.job = ids[1]
        #expect(try store.results(request, region: usa).rows.count == 1)
        request.job = ids[0]
        #expect(throws: GridError.self) { try store.results(request, region: usa) }
        _ = try database.sql("DROP TABLE correlation_usa CASCADE")
        #expect(try store.removeJob(ids[2], epoch: epoch) == nil, "a table that went with its region shows nothing")
    }

    @Test("Orders to drain come back as they were given")
    func drains() throws {
        var drain = Store.StoredDrain(worker: WorkerID("h-1"), processID: 1, reason: "why", deadline: 1_700_000_000)
        try store.saveDrain(drain, epoch: epoch)
        func read() throws -> [Store.StoredDrain] {
            try store.drains().map { found in
                var found = found
                #expect(abs((found.changedAt ?? 0) - Date.now.timeIntervalSince1970) < 600, "how old it is can be told")
                found.changedAt = nil
                return found
            }
        }
        #expect(try read() == [drain])
        (drain.deadline, drain.hasLeft, drain.incarnation) = (nil, true, .max - 1)
        try store.saveDrain(drain, epoch: epoch)
        #expect(try read() == [drain])
        try store.removeDrain(drain.worker, epoch: epoch)
        #expect(try store.drains() == [])
    }

    @Test("Jobs are listed newest first in pages, and the unfinished ones oldest first")
    func listing() throws {
        let states = JobState.allCases
        let ids = try states.map { try store.createJob(sampleJob(state: $0), epoch: epoch) }
        #expect(ids == ids.sorted() && Set(ids).count == states.count)
        #expect(try store.jobs(JobsRequest(limit: 3)).map(\.jobID) == Array(ids.reversed().prefix(3)))
        #expect(try store.jobs(JobsRequest(limit: 100, before: ids[2])).map(\.jobID) == [ids[1], ids[0]])
        #expect(try store.jobs(JobsRequest(limit: -1)).isEmpty)
        #expect(try store.unfinishedJobs().map(\.state) == states.filter { !$0.isFinal })
    }

    @Test("A job that is not there is not found, neither to read nor to save")
    func missing() throws {
        var job = sampleJob()
        job.jobID = JobID(12345)
        for call in [{ _ = try store.job(job.jobID) }, { try store.saveJob(job, epoch: epoch) }] {
            let error = try #require(gridError(call))
            #expect(error.kind == .notFound && error.message.contains("12345"))
        }
    }

    @Test("Every takeover raises the epoch, and writes of older ones are refused whole")
    func epochs() throws {
        let id = try store.createJob(sampleJob(), epoch: epoch)
        let next = try store.takeEpoch(holder: "host-b pid 7")
        #expect(next.rawValue == epoch.rawValue + 1)
        var job = try store.job(id)
        job.state = .running
        for call in [
            { try store.saveJob(job, epoch: epoch) }, { _ = try store.createJob(job, epoch: epoch) },
            { try store.saveJob(job, epoch: Epoch(next.rawValue + 1)) },
        ] {
            let error = try #require(gridError(call))
            #expect(error.kind == .conflict)
            #expect(error.message.contains("another coordinator has taken over") && error.message.contains("host-b pid 7"))
        }
        #expect(try store.job(id).state == .queued)
        #expect(try database.value("SELECT count(*) FROM jobs") == "1")
        try store.saveJob(job, epoch: next)
        #expect(try store.job(id).state == .running)
    }

    @Test("A job that has ended stays as it ended, whoever saves late; saving the same end again does no harm")
    func finalStates() throws {
        for end in [JobState.done, .failed, .cancelled] {
            let id = try store.createJob(sampleJob(), epoch: epoch)
            var job = try store.job(id)
            job.state = end
            try store.saveJob(job, epoch: epoch)
            try store.saveJob(job, epoch: epoch)
            for late in JobState.allCases where late != end {
                job.state = late
                let error = try #require(gridError { try store.saveJob(job, epoch: epoch) })
                #expect(error.kind == .conflict && error.message.contains("is \(end.rawValue) already"))
            }
            #expect(try store.job(id).state == end)
        }
    }

    @Test("Takeovers from several threads at once each get an epoch of their own")
    func concurrentTakeover() throws {
        let store = store
        try onThreads(6) { index in _ = try store.takeEpoch(holder: "\(index)") }
        #expect(try store.status().epoch == Int(epoch.rawValue) + 6)
    }

    @Test("A takeover waits for a write of the old epoch that is under way")
    func takeoverWaits() throws {
        let store = store
        let writer = try Connection.open(DatabaseURL(database.url))
        try writer.execute("BEGIN")
        try Store.hold(epoch, writer)
        try onThreads(2) { [epoch] index in
            if index == 0 {
                try #require(try store.takeEpoch(holder: "next").rawValue == epoch.rawValue + 1)
                // The lock of the writer ends with its transaction, so its row is there by now.
                try #require(
                    try store.pool.read(Action("", needs: "")) {
                        try $0.execute("SELECT count(*) FROM audit_log WHERE action = 'late'").integer(0, 0)
                    } == 1)
            } else {
                let watcher = try Connection.open(store.pool.url)
                let waiting =
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                var attemptsLeft = 4_000
                while try watcher.execute(waiting).integer(0, 0) == 0, attemptsLeft > 0 {
                    try watcher.execute("SELECT pg_sleep(0.005)")
                    attemptsLeft -= 1
                }
                try #require(attemptsLeft > 0, "nobody waits for the lock")
                try writer.execute("INSERT INTO audit_log (action) VALUES ('late')")
                try writer.execute("COMMIT")
            }
        }
    }
}
