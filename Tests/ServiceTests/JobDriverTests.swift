import ClusterModel
import Dispatch
import Foundation
import Jobs
import Scheduling
import Synchronization
import Testing
import WireProtocol

@testable import Service

struct JobDriverTests {
    /// One stage of one task, whatever comes back.
    private final class ToyJob: GridJob, @unchecked Sendable {
        // Not locked: one thread at a time uses a job.
        private(set) var merged = 0
        let payloadsMade = Mutex(0)
        func next(telling tell: @escaping StageTeller) throws -> JobStep {
            .stage(
                JobStage(name: "toy", plan: PlanHash(7), kind: "toy", taskCount: 1, grid: nil, tileCount: 1) { [self] _ in
                    payloadsMade.withLock { $0 += 1 }
                    return Payload(copying: [1])
                })
        }
        func merge(task index: Int, partial: Payload) throws(GridError) { merged += 1 }
    }

    /// Computes two things by itself behind its stage, until the test lets go of it.
    private final class PensiveJob: GridJob, @unchecked Sendable {
        // Not locked: one thread at a time uses a job.
        private var isBegun = false
        let isThinking = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
        let ends = Mutex(0)
        func next(telling tell: @escaping StageTeller) throws -> JobStep {
            if isBegun {
                for name in ["linkage", "choice"] {
                    try tell(name)
                    isThinking.signal()
                    mayGoOn.wait()
                }
                return .publish(.nothing)
            }
            isBegun = true
            let payload: @Sendable (Int) -> Payload = { _ in Payload(copying: [1]) }
            return .stage(
                JobStage(name: "toy", plan: PlanHash(7), kind: "toy", taskCount: 1, grid: nil, tileCount: 1, payload: payload))
        }
        func merge(task index: Int, partial: Payload) throws(GridError) {}
    }

    /// Takes its time for the plan of its stage.
    private final class PlanningJob: GridJob, @unchecked Sendable {
        let isPlanning = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
        func next(telling tell: @escaping StageTeller) throws -> JobStep {
            isPlanning.signal()
            mayGoOn.wait()
            let payload: @Sendable (Int) -> Payload = { _ in Payload(copying: [1]) }
            return .stage(
                JobStage(name: "toy", plan: PlanHash(7), kind: "toy", taskCount: 1, grid: nil, tileCount: 1, payload: payload))
        }
        func merge(task index: Int, partial: Payload) throws(GridError) {}
    }

    /// A driver whose job has just begun to compute by itself.
    private func thinking(_ job: PensiveJob, _ queue: DispatchQueue) -> JobDriver {
        let driver = JobDriver(
            id: JobID(1), job: job, queue: queue, post: { _ in }, whenDone: { _ in job.ends.withLock { $0 += 1 } })
        driver.start()
        queue.sync {}
        driver.stageComplete(PlanHash(7))
        job.isThinking.wait()
        return driver
    }

    @Test("What a job computes by itself is seen while it lasts, and counts as a stage when it is over")
    func alone() throws {
        let (job, queue) = (PensiveJob(), DispatchQueue(label: "job"))
        let driver = thinking(job, queue)
        let local = try #require(driver.progress.local)
        #expect(local.name == "linkage" && driver.progress.plan == nil)
        let view = ActiveJob(
            JobView(
                jobID: JobID(1), kind: "clusters", region: "USA", pool: "submitted", state: .running, priority: 0,
                convention: "ffill-shift", window: "4y", minOverlap: 60, precision: "float64", blockEdge: 256, submittedAt: ""
            )
        ).view(driver: driver.progress, stage: nil, now: local.since)
        #expect(
            view.stages == [
                StageView(name: "toy", tasksDone: 1, tasksTotal: 1),
                StageView(name: "linkage", tasksDone: 0, tasksTotal: 1, inCoordinator: true),
            ])
        let sentence = CoordinatorService.alone(JobID(1), local, at: local.since.advanced(milliseconds: 34_900))
        #expect(sentence.hasPrefix("job 1, stage linkage: the coordinator computes it by itself"), "\(sentence)")
        #expect(sentence.hasSuffix("for 34 s now"), "\(sentence)")
        job.mayGoOn.signal()
        job.isThinking.wait()
        job.mayGoOn.signal()
        queue.sync {}
        #expect(job.ends.withLock { $0 } == 1 && driver.progress.local == nil)
        #expect(driver.progress.finishedStages.map(\.name) == ["toy", "linkage", "choice"])
    }

    @Test("A job that is cancelled while it computes by itself goes no further than the next thing, and tells nobody")
    func stoppedAlone() {
        let (job, queue) = (PensiveJob(), DispatchQueue(label: "job"))
        let driver = thinking(job, queue)
        driver.stop()
        job.mayGoOn.signal()
        queue.sync {}
        #expect(job.ends.withLock { $0 } == 0 && job.isThinking.wait(timeout: .now()) == .timedOut)
    }

    @Test("A job that fails while it computes the last by itself publishes nothing")
    func failedAlone() {
        let (job, queue) = (PensiveJob(), DispatchQueue(label: "job"))
        let ends = Mutex<[GridError?]>([])
        let driver = JobDriver(id: JobID(1), job: job, queue: queue, post: { _ in }) { result in
            if case .failure(let error) = result { ends.withLock { $0.append(error) } } else { ends.withLock { $0.append(nil) } }
        }
        driver.start()
        queue.sync {}
        driver.stageComplete(PlanHash(7))
        job.isThinking.wait()
        // From the scheduler's thread; the job's own is busy until its result is there.
        driver.fail("worker w1 gives other bytes than two others")
        for _ in 0..<2 { job.mayGoOn.signal() }
        queue.sync {}
        #expect(ends.withLock { $0 } == [GridError(.failed, "worker w1 gives other bytes than two others")])
    }

    @Test("A job that is cancelled while it plans its next stage does not begin it")
    func stoppedPlanning() {
        let (job, queue) = (PlanningJob(), DispatchQueue(label: "job"))
        let said = Mutex(0)
        let driver = JobDriver(
            id: JobID(1), job: job, queue: queue, post: { _ in said.withLock { $0 += 1 } },
            whenDone: { _ in said.withLock { $0 += 1 } })
        driver.start()
        job.isPlanning.wait()
        driver.stop()
        job.mayGoOn.signal()
        queue.sync {}
        #expect(said.withLock { $0 } == 0)
        #expect(driver.payload(of: TaskID(job: JobID(1), plan: PlanHash(7), index: 0)) == nil)
    }

    @Test("A partial that has changed between its arrival and its merge is not merged")
    func changedPartial() {
        let said = Mutex<[SchedulerEvent]>([])
        let job = ToyJob()
        let queue = DispatchQueue(label: "job")
        let driver = JobDriver(
            id: JobID(1), job: job, queue: queue,
            post: { command in
                if case .event(let event) = command { said.withLock { $0.append(event) } }
            }, whenDone: { _ in })
        driver.start()
        let task = TaskID(job: JobID(1), plan: PlanHash(7), index: 0)
        let bytes: [UInt8] = Array(0..<64)
        let partial = Payload(copying: bytes).stating(checksum: WireCodec.checksum(bytes))
        driver.merge(task, partial: partial)
        queue.sync {}
        UnsafeMutableRawPointer(mutating: partial.bytes.baseAddress!).assumingMemoryBound(to: UInt8.self)[40] ^= 0x10
        driver.merge(task, partial: partial)
        queue.sync {}
        #expect(job.merged == 1)
        let reason = "it has changed in the coordinator's memory since it arrived: that machine is suspect"
        #expect(said.withLock { $0.suffix(2) } == [.merged(task), .mergeRejected(task, reason: reason)])
    }

    @Test("A task's bytes are made for its lease, not again for the log; the next coordinator merges what the log holds")
    func madeOnce() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/driver-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (first, second) = (ToyJob(), ToyJob())
        let queue = DispatchQueue(label: "job")
        let task = TaskID(job: JobID(1), plan: PlanHash(7), index: 0)
        func driver(_ job: ToyJob, _ epoch: Int64, _ kept: PartialLog.Kept = PartialLog.Kept()) -> JobDriver {
            let log = PartialLog(
                directory: directory, job: JobID(1), epoch: Epoch(epoch), delayMilliseconds: 0, warn: { _ in })
            let driver = JobDriver(
                id: JobID(1), job: job, queue: queue, log: log, kept: kept, post: { _ in }, whenDone: { _ in })
            driver.start()
            queue.sync {}
            return driver
        }
        let leader = driver(first, 1)
        let leased = try #require(leader.payload(of: task))
        #expect(leased.checksum == WireCodec.checksum([1]), "who gets it can see whether it has changed")
        leader.merge(task, partial: Payload(copying: Array(0..<64)))
        queue.sync {}
        #expect(first.merged == 1 && first.payloadsMade.withLock { $0 } == 1)

        let kept = PartialLog.kept(of: JobID(1), in: directory)
        let successor = driver(second, 2, kept)
        #expect(second.merged == 1 && successor.progress.partialsKept == 1 && leader.progress.partialsKept == 0)
    }

    @Test("Without files the next coordinator goes on from the database, and one that hangs there holds up no job")
    func mirrored() throws {
        let rows = Mutex<[UInt8]>([])
        let (isAsked, mayAnswer) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let mirror = PartialMirror(
            bytesMax: 4_096, delayMilliseconds: 0, warn: { _ in },
            write: { _, records throws(GridError) in
                isAsked.signal()
                mayAnswer.wait()
                rows.withLock { $0 += records }
            }, remove: {})
        let (first, second) = (ToyJob(), ToyJob())
        let queue = DispatchQueue(label: "job")
        let said = Mutex<[SchedulerEvent]>([])
        let leader = JobDriver(
            id: JobID(1), job: first, queue: queue, mirror: mirror,
            post: { if case .event(let event) = $0 { said.withLock { $0.append(event) } } }, whenDone: { _ in })
        leader.start()
        let profile = NumericProfile(blasVersion: "0.3", coreType: "Zen", epilogueVersion: 4)
        leader.profileChosen(profile)
        let task = TaskID(job: JobID(1), plan: PlanHash(7), index: 0)
        leader.merge(task, partial: Payload(copying: Array(0..<64)))
        isAsked.wait()
        queue.sync {}
        #expect(first.merged == 1 && said.withLock { $0.last } == .merged(task) && rows.withLock { $0.isEmpty })
        mayAnswer.signal()
        leader.flushLog()

        let kept = PartialLog.kept(of: JobID(1), in: nil, mirrored: [(Epoch(1), rows.withLock { $0 })])
        #expect(kept.profile == profile)
        let successor = JobDriver(id: JobID(1), job: second, queue: queue, kept: kept, post: { _ in }, whenDone: { _ in })
        successor.start()
        queue.sync {}
        #expect(second.merged == 1 && successor.progress.partialsKept == 1)
    }

    @Test("Partials are written down in time though the job is busy with work of its own")
    func busyThread() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/driver-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let queue = DispatchQueue(label: "job")
        let written = DispatchSemaphore(value: 0)
        let log = PartialLog(
            directory: directory, job: JobID(1), epoch: Epoch(1), delayMilliseconds: 20, warn: { _ in },
            written: { written.signal() })
        let driver = JobDriver(
            id: JobID(1), job: ToyJob(), queue: queue, log: log, post: { _ in }, whenDone: { _ in })
        driver.start()
        let isThrough = DispatchSemaphore(value: 0)
        driver.merge(TaskID(job: JobID(1), plan: PlanHash(7), index: 0), partial: Payload(copying: Array(0..<64)))
        queue.async { isThrough.wait() }
        defer { isThrough.signal() }
        #expect(written.wait(timeout: .now() + 60) == .success)
        #expect(PartialLog.kept(of: JobID(1), in: directory).count == 1)
    }
}
