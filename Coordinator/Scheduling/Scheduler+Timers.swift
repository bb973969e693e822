import ClusterModel
import HeapModule

/// The moment at which a worker is lost if it stays silent, or forgotten if it stays lost.
struct WorkerTimer: Comparable, Sendable {
    let at: MonotonicTime
    let worker: Int
    let generation: UInt32

    static func < (a: WorkerTimer, b: WorkerTimer) -> Bool {
        (a.at, a.worker, a.generation) < (b.at, b.worker, b.generation)
    }
}

extension Scheduler {
    /// Starts the only timer of a worker's new state; those of the state before mean nothing any more.
    mutating func startTimer(of worker: Int, at moment: MonotonicTime) {
        workers[worker].timerGeneration &+= 1
        timers.insert(WorkerTimer(at: moment, worker: worker, generation: workers[worker].timerGeneration))
    }

    /// If this process stood still (stopped, swapped out, its machine asleep), nobody heard the workers meanwhile:
    /// what they said waits to be read, and their silence does not count.
    mutating func forgiveOwnSilence(since expected: MonotonicTime) {
        let late = now.nanoseconds - expected.nanoseconds
        guard late > configuration.heartbeatMilliseconds * 1_000_000 else { return }
        for worker in workers.indices where workers[worker].state == .connected || workers[worker].state == .unreachable {
            workers[worker].lastHeard.nanoseconds += late
        }
    }

    /// A message does not touch the timer, which would cost a search each; the timer looks when it is due.
    mutating func runWorkerTimers() {
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            guard workers[timer.worker].timerGeneration == timer.generation else { continue }
            switch workers[timer.worker].state {
            case .vacant:
                break
            case .connected, .unreachable:
                let due = workers[timer.worker].lastHeard.advanced(milliseconds: configuration.lostAfterMilliseconds)
                if due > now {
                    timers.insert(WorkerTimer(at: due, worker: timer.worker, generation: timer.generation))
                } else {
                    lose(timer.worker)
                }
            case .lost:
                vacate(timer.worker)
            }
        }
    }
}
