import ClusterModel
import Dispatch
import Glibc
import Jobs
import Logging
import Synchronization
import Testing

@testable import Service

struct RemovalTests {
    /// A coordinator without a database, with a job that was cancelled while its thread still computes.
    private func cancelled() throws -> (service: CoordinatorService, view: JobView) {
        let configuration = CoordinatorConfiguration(databaseURL: "postgresql://nobody@localhost/none", bind: "tcp://127.0.0.1:0")
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = try CoordinatorService(configuration: configuration, log: silent)
        let view = JobView(
            jobID: JobID(7), kind: "clusters", region: "USA", pool: "submitted", state: .running, priority: 0,
            convention: "ffill-shift", window: "4y", minOverlap: 60, precision: "float64", blockEdge: 256, submittedAt: "")
        let job = ActiveJob(view)
        try job.cancel(reason: "")
        service.shared.withLock { $0.jobs[job.id] = job }
        return (service, job.view)
    }

    @Test("A job waits for a database that is lost from then on, however long it had served until then, and not for ever")
    func patience() throws {
        var configuration = CoordinatorConfiguration(databaseURL: "postgresql://nobody@localhost/none", bind: "tcp://127.0.0.1:0")
        configuration.databasePatienceMilliseconds = 200
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = try CoordinatorService(configuration: configuration, log: silent)
        let job = ActiveJob(try cancelled().view)
        var calls = 0
        let answered = try service.retryingWhileUnreachable(job) { () throws(GridError) in
            calls += 1
            guard calls == 1 else { return calls }
            usleep(300_000)
            throw GridError(.unreachable, "the connection broke in the middle")
        }
        #expect(answered == 2)
        calls = 0
        #expect(throws: GridError.self) {
            try service.retryingWhileUnreachable(job) { () throws(GridError) in
                calls += 1
                throw GridError(.unreachable, "it is away")
            }
        }
        #expect(calls == 2)
    }

    @Test("Who removes a job that was cancelled a moment ago waits until its thread has let go of it")
    func waits() async throws {
        let (service, view) = try cancelled()
        let isThrough = Mutex(false)
        async let waited: Void = {
            try await service.awaitEnd(of: view, milliseconds: 60_000)
            #expect(isThrough.withLock { $0 })
        }()
        try await Task.sleep(for: .milliseconds(20))
        isThrough.withLock { $0 = true }
        service.shared.withLock { $0.jobs[view.jobID] = nil }
        try await waited
    }

    @Test("A thread that goes on for longer is named with what it does, and one without a thread is not waited for")
    func longer() async throws {
        let (service, view) = try cancelled()
        let error = await #expect(throws: GridError.self) { try await service.awaitEnd(of: view, milliseconds: 100) }
        #expect(error?.kind == .conflict && error?.message.contains("job 7 is cancelled, and its thread") == true)
        let sentence = try await service.explain(JobID(7), task: nil).sentence
        #expect(sentence == "job 7 was cancelled; its thread in the coordinator is not yet through")
        service.shared.withLock { $0.jobs = [:] }
        try await service.awaitEnd(of: view, milliseconds: 0)
    }
}
