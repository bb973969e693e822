import ClusterModel
import Dispatch
import Logging
import Messaging
import Store
import Synchronization

/// Shows the database signs of life of this coordinator, on a thread of its own, until it is stopped or superseded.
final class LeaseKeeper: Sendable {
    private let pause: StoppablePause
    private let thread: OwnedThread

    /// - Parameter superseded: called at most once, on that thread.
    init(
        _ store: Store, _ epoch: Epoch, _ configuration: CoordinatorConfiguration, _ log: Logger,
        superseded: @escaping @Sendable (GridError) -> Void
    ) throws(GridError) {
        let pause = StoppablePause()
        self.pause = pause
        thread = try OwnedThread(name: "lease") {
            var saidUnreachable = false
            while pause.wait(milliseconds: configuration.leaseRenewMilliseconds) {
                do throws(GridError) {
                    try store.renewLease(epoch)
                    configuration.reached(.renewedLease)
                    saidUnreachable = false
                } catch {
                    if error.kind == .conflict { return superseded(error) }
                    // Nobody can take over while nobody reaches the database; once somebody can, the next try tells.
                    if !saidUnreachable { log.warning("the coordinator's lease could not be renewed: \(error)") }
                    saidUnreachable = true
                }
            }
        }
    }

    /// Returns when the thread has ended. Not to be called by it.
    func stop() {
        pause.stop()
        thread.join()
    }
}

/// A wait that somebody else can end.
final class StoppablePause: Sendable {
    private let isStopped = Mutex(false)
    private let signal = DispatchSemaphore(value: 0)

    /// - Returns: false when it was stopped.
    func wait(milliseconds: Int) -> Bool {
        guard !isStopped.withLock({ $0 }) else { return false }
        _ = signal.wait(timeout: .now() + .milliseconds(milliseconds))
        return !isStopped.withLock { $0 }
    }

    func stop() {
        isStopped.withLock { $0 = true }
        signal.signal()
    }
}

/// Watches the coordinator that holds the lease until it shows no sign of life.
package struct LeaseWatch {
    private var last: LeaseView?
    private var changedAt: MonotonicTime?

    package init() {}

    /// Takes a look at the lease.
    ///
    /// - Returns: whether it has stood still for `staleMilliseconds` by this machine's own clock, so that a clock which jumps,
    ///   the database's or this one's calendar, ends nobody's reign.
    package mutating func isStale(_ lease: LeaseView, at now: MonotonicTime, staleMilliseconds: Int) -> Bool {
        guard lease == last, let changedAt else {
            last = lease
            changedAt = now
            return false
        }
        return changedAt.advanced(milliseconds: Int64(staleMilliseconds)) <= now
    }
}
