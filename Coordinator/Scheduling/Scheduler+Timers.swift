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
