import ClusterModel
import Dispatch
import Foundation
import LocalPostgres
import Logging
import Synchronization
import Testing

@testable import Service
@testable import Store

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A coordinator over a server of its own.
@Suite("What a coordinator makes of a database that refuses", .timeLimit(.minutes(3)))
struct CoordinatorLifeTests {
    private final class Server {
        private let folder = FileManager.default.temporaryDirectory.path + "/alphagrid-life-\(getpid())-\(UUID().uuidString)"
        private let postgres: LocalPostgres
        let url: String

        init() throws {
            postgres = LocalPostgres(directory: folder, durability: .fast)
            url = try postgres.start().url
            try Store(url: url).migrate()
        }

        deinit {
            try? postgres.remove()
            try? FileManager.default.removeItem(atPath: folder)
        }

        @discardableResult
        func sql(_ text: String) throws -> String? { try Connection.open(DatabaseURL(url)).execute(text).text(ifAnyRow: 0) }
    }

    private let server: Server
    private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws { server = try Server() }

    private var configuration: CoordinatorConfiguration {
        CoordinatorConfiguration(databaseURL: server.url, bind: "tcp://127.0.0.1:0")
    }

    /// A job that some coordinator has begun and none ended.
    private func addJob(isPaused: Bool) throws -> JobID {
        let id = try server.sql(
            """
            INSERT INTO jobs (kind, region, pool, state, priority, convention, window_spec, min_overlap, precision, block_edge,
                submitted_at, epoch, paused)
            VALUES ('correlation', 'USA', 'submitted', 'queued', 0, 'ffill-shift', '4y', 60, 'float64', 256,
                now(), 1, \(isPaused))
            RETURNING job_id
            """)
        return JobID(try #require(id.flatMap { Int64($0) }))
    }

    private func wait(_ what: String, until isTrue: () throws -> Bool) async throws {
        for _ in 0..<1_000 {
            if try isTrue() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("\(what) did not come")
    }

    @Test("A renewal that the database refuses ends nobody's reign, and another coordinator does")
    func refusedRenewal() async throws {
        let store = try Store(url: server.url)
        let epoch = try store.takeEpoch(LeaseClaim(holder: "one"))
        var configuration = configuration
        configuration.leaseRenewMilliseconds = 20
        let renewals = Mutex(0)
        let ends = Mutex<[GridError]>([])
        let keeper = try LeaseKeeper(store, epoch, configuration, silent) {
            renewals.withLock { $0 += 1 }
        } sawStandbys: { _ in
        } superseded: { error in
            ends.withLock { $0.append(error) }
        }
        defer { keeper.stop() }
        try await wait("a sign of life") { renewals.withLock { $0 > 0 } }
        try server.sql("ALTER TABLE coordinator_renewals RENAME TO away")
        try await Task.sleep(for: .milliseconds(300))
        try server.sql("ALTER TABLE away RENAME TO coordinator_renewals")
        let before = renewals.withLock { $0 }
        try await wait("a sign of life after that") { renewals.withLock { $0 > before } }
        #expect(ends.withLock { $0.isEmpty })
        _ = try store.takeEpoch(LeaseClaim(holder: "two"))
        try await wait("the end of its reign") { ends.withLock { $0.count == 1 } }
        #expect(ends.withLock { $0.first?.message.contains("'two'") } == true)
    }

    @Test("Signs of life go on while somebody has locked the table of standbys")
    func lockedStandbys() async throws {
        let blocker = try Connection.open(DatabaseURL(server.url))
        try blocker.execute("BEGIN; LOCK TABLE coordinator_standbys IN ACCESS EXCLUSIVE MODE")
        var configuration = configuration
        configuration.leaseRenewMilliseconds = 20
        let service = try CoordinatorService(configuration: configuration, log: silent)
        let began = ContinuousClock.now
        try service.start()
        defer { service.stop() }
        let renewals = try service.vital.lease().renewals
        try await wait("signs of life") { try service.vital.lease().renewals >= renewals + 3 }
        #expect(ContinuousClock.now - began < .seconds(10))
        try blocker.execute("COMMIT")
        try service.vital.showStandby(holder: "other", http: nil)
        try await wait("the look at who stands by") { service.shared.withLock { $0.standbys.map(\.holder) == ["other"] } }
    }

    private final class Answer: Sendable {
        let refusal = Mutex<GridError?>(nil)
    }

    /// Jobs that wait and do not begin.
    private func fillQueue(_ count: Int) throws {
        let id = try addJob(isPaused: true)
        try server.sql(
            """
            CREATE TEMP TABLE more AS SELECT jobs.* FROM jobs, generate_series(2, \(count)) WHERE job_id = \(id);
            UPDATE more SET job_id = nextval('jobs_job_id_seq');
            INSERT INTO jobs SELECT * FROM more
            """)
        let store = try Store(url: server.url)
        try store.ensureRegion(Region("USA"))
        try server.sql(
            """
            INSERT INTO alphas (alpha_id, region_id) SELECT a, region_id FROM regions, unnest('{A,B}'::text[]) a;
            INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A', '2024-01-02', 1), ('B', '2024-01-02', 1)
            """)
    }

    @Test("A job for which there is no place is refused and leaves nothing, whoever takes the last place meanwhile")
    func lastPlace() async throws {
        try fillQueue(Limits.jobsActiveMax - 1)
        let running = Mutex<CoordinatorService?>(nil)
        let other = Answer()
        var configuration = configuration
        configuration.reached = { step in
            guard step == .jobQueued, let service = running.withLock({ $0.take() }) else { return }
            let isThrough = DispatchSemaphore(value: 0)
            Task {
                do {
                    _ = try await service.submit(JobRequest(kind: "correlation", region: "USA"))
                } catch {
                    other.refusal.withLock { $0 = error as? GridError }
                }
                isThrough.signal()
            }
            isThrough.wait()
        }
        let service = try CoordinatorService(configuration: configuration, log: silent)
        running.withLock { $0 = service }
        try service.start()
        defer { service.stop() }
        let first = try await service.submit(JobRequest(kind: "correlation", region: "USA"))
        #expect(service.shared.withLock { $0.jobs[first.jobID] != nil || $0.ended.contains { $0.jobID == first.jobID } })
        #expect(other.refusal.withLock { $0 }?.message.contains("cancel some or try again later") == true)
        #expect(try server.sql("SELECT count(*) FROM jobs") == "\(Limits.jobsActiveMax)")
    }

    @Test("A schedule that is due while there is no place for a job is left out, and says so")
    func fullSchedule() async throws {
        try fillQueue(Limits.jobsActiveMax)
        try server.sql(
            """
            INSERT INTO schedules (name, cron, on_change, time_zone, min_pause_seconds, job, next_at)
            VALUES ('nightly', '* * * * *', false, 'UTC', 0, '{"kind": "correlation", "region": "USA"}', now())
            """)
        let service = try CoordinatorService(configuration: configuration, log: silent)
        try service.start()
        defer { service.stop() }
        try await wait("the refusal") { try server.sql("SELECT last_at FROM schedules") != nil }
        #expect(try server.sql("SELECT last_error FROM schedules")?.contains("jobs are waiting or running") == true)
        #expect(try server.sql("SELECT count(*) FROM jobs") == "\(Limits.jobsActiveMax)")
    }

    @Test("A receiver of messages that is silent keeps those to others from nobody")
    func silentReceiver() async throws {
        let store = try Store(url: server.url)
        let epoch = try store.takeEpoch(LeaseClaim(holder: "one"))
        let hooks = try (0..<6).map { number in
            let url = number < 5 ? "https://192.0.2.\(number)/silent" : "https://192.0.2.9/"
            return try store.addWebhook(WebhookRequest(url: url, events: [.jobDone]), secret: "s", epoch: epoch).webhookID
        }
        for hook in hooks { _ = try store.enqueue(.jobDone, Array(repeating: (hook, "{}"), count: 8), epoch: epoch) }
        try store.releaseLease(epoch)
        let underWay = Mutex<[String: Int]>([:])
        let most = Mutex(0)
        var configuration = configuration
        configuration.webhooksAllowed = [try AddressRange(parsing: "192.0.2.0/24")]
        configuration.webhookTransport = { post in
            let count = underWay.withLock { all in
                all[post.address, default: 0] += 1
                return all[post.address] ?? 0
            }
            most.withLock { $0 = max($0, count) }
            defer { underWay.withLock { $0[post.address]? -= 1 } }
            if post.url.hasSuffix("silent") { try await Task.sleep(for: .seconds(60)) }
            return 200
        }
        let service = try CoordinatorService(configuration: configuration, log: silent)
        try service.start()
        defer { service.stop() }
        try await wait("the messages to the other one") {
            try server.sql("SELECT count(*) FROM webhook_deliveries WHERE state = 'delivered'") == "8"
        }
        #expect(most.withLock { $0 } == 1, "one after another")
    }

    @Test("A standby that may not read the lease for a while waits on, and takes over when the holder has left")
    func unreadableLease() async throws {
        let store = try Store(url: server.url)
        let epoch = try store.takeEpoch(LeaseClaim(holder: "one"))
        var configuration = configuration
        configuration.isStandby = true
        let standby = try CoordinatorService(configuration: configuration, log: silent)
        try server.sql("ALTER TABLE coordinator_renewals RENAME TO away")
        async let isFree = standby.waiting { service throws(GridError) in try service.waitForLease() }
        try await Task.sleep(for: .milliseconds(300))
        try server.sql("ALTER TABLE away RENAME TO coordinator_renewals")
        try store.releaseLease(epoch)
        #expect(try await isFree)
    }

    @Test("A job whose cancellation could not be recorded is recorded as cancelled later, and does not run again")
    func unrecordedCancellation() async throws {
        let id = try addJob(isPaused: true)
        var configuration = configuration
        configuration.forgottenJobsMilliseconds = 100
        let logs = FileManager.default.temporaryDirectory.path + "/alphagrid-logs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: logs) }
        configuration.jobLogDirectory = logs
        let service = try CoordinatorService(configuration: configuration, log: silent)
        try service.start()
        defer { service.stop() }
        for epoch in [service.epoch.rawValue, 99] {
            #expect(FileManager.default.createFile(atPath: "\(logs)/\(id)-\(epoch).partials", contents: nil))
        }
        try server.sql("ALTER TABLE jobs RENAME TO away")
        #expect(try await service.cancel(id, reason: "not needed").state == .cancelled)
        try await wait("its end") { service.shared.withLock { $0.jobs[id] == nil } }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: logs) == ["\(id)-99.partials"],
            "whoever may lead by now goes on with what it has kept")
        try server.sql("ALTER TABLE away RENAME TO jobs")
        try await wait("the record") { try server.sql("SELECT state FROM jobs") == "cancelled" }
        #expect(try server.sql("SELECT concat_ws(' ', reason, resumed) FROM jobs") == "not needed")
        #expect(service.shared.withLock { $0.jobs.isEmpty })
        try await wait("nothing to remember") { service.shared.withLock { $0.cancelledUnrecorded.isEmpty } }
    }

    @Test("A job that is cancelled while it comes to an end by itself ends once")
    func endsOnce() async throws {
        let id = try addJob(isPaused: false)
        let running = Mutex<CoordinatorService?>(nil)
        let thread = Mutex<ActiveJob?>(nil)
        var configuration = configuration
        // It will fail, as there is no such region.
        configuration.reached = { step in
            guard step == .planning, let service = running.withLock({ $0 }) else { return }
            thread.withLock { $0 = service.shared.withLock { $0.jobs[id] } }
            let isThrough = DispatchSemaphore(value: 0)
            Task {
                _ = try? await service.cancel(id, reason: "")
                isThrough.signal()
            }
            isThrough.wait()
        }
        let service = try CoordinatorService(configuration: configuration, log: silent)
        running.withLock { $0 = service }
        try service.start()
        defer {
            service.stop()
            running.withLock { $0 = nil }
        }
        try await wait("the cancellation") { thread.withLock { $0?.view.state == .cancelled } }
        thread.withLock { $0 }?.queue.sync {}
        #expect(await service.moment(tasksAfter: 0).jobs.map(\.state) == [.cancelled])
        #expect(try server.sql("SELECT state FROM jobs") == "cancelled")
    }
}
