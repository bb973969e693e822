import ClusterModel
import Dispatch
import Messaging
import Synchronization

/// The threads that compute. Each takes the next task, runs it with a kernel of its own, and reports.
package final class SlotPool: Sendable {
    package typealias Completion = @Sendable (Result<TaskOutcome, GridError>) -> Void

    private struct Work: Sendable {
        let kind: String
        let payload: Payload
        let completion: Completion
    }

    private struct State {
        var queue: [Work] = []
        var isStopping = false
    }

    /// What the threads share; they must not keep the pool itself alive.
    private final class Shared: Sendable {
        let state = Mutex(State())
        let available = DispatchSemaphore(value: 0)
    }

    private let shared = Shared()
    private let threads: [OwnedThread]

    /// - Parameter slots: threads, 1 ... `Limits.slotsMax`.
    package init(slots: Int, executor: TaskExecutor) throws(GridError) {
        precondition((1...Limits.slotsMax).contains(slots))
        var threads: [OwnedThread] = []
        for number in 0..<slots {
            let shared = shared
            threads.append(
                try OwnedThread(name: "slot-\(number)") { Self.work(shared, executor.makeSlot()) })
        }
        self.threads = threads
    }

    /// Queues a task. The queue is bounded by whoever submits: a worker by its credit.
    ///
    /// - Parameter completion: called on the slot's thread. Not called for tasks still queued when the pool stops.
    package func submit(kind: String, payload: Payload, completion: @escaping Completion) {
        shared.state.withLock { $0.queue.append(Work(kind: kind, payload: payload, completion: completion)) }
        shared.available.signal()
    }

    /// Lets running tasks finish and forgets queued ones. Does not wait.
    package func stop() {
        shared.state.withLock { state in
            state.isStopping = true
            state.queue = []
        }
        for _ in threads { shared.available.signal() }
    }

    /// Waits for the threads to end, after `stop`.
    package func join() {
        for thread in threads { thread.join() }
    }

    deinit { stop() }

    private static func work(_ shared: Shared, _ slot: TaskExecutor.Slot) {
        while true {
            shared.available.wait()
            let (work, isStopping) = shared.state.withLock { state in
                (state.queue.isEmpty ? nil : state.queue.removeFirst(), state.isStopping)
            }
            if let work {
                do throws(GridError) {
                    work.completion(.success(try slot.run(kind: work.kind, payload: work.payload)))
                } catch {
                    work.completion(.failure(error))
                }
            } else if isStopping {
                return
            }
        }
    }
}
