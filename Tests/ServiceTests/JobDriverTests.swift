import ClusterModel
import Dispatch
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
        func next() throws -> JobStep {
            .stage(
                JobStage(name: "toy", plan: PlanHash(7), kind: "toy", taskCount: 1, grid: nil, tileCount: 1) { _ in
                    Payload(copying: [1])
                })
        }
        func merge(task index: Int, partial: Payload) throws(GridError) { merged += 1 }
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
}
