import ClusterModel
import Logging
import Messaging
import Store

/// Shows the database signs of life of this coordinator, on a thread of its own, until it is stopped or superseded.
final class LeaseKeeper: Sendable {
    private let pause: StoppablePause
    private let thread: OwnedThread

    /// - Parameters:
    ///   - renewed: called after each sign of life, on that thread.
    ///   - sawStandbys: told who waits, on that thread.
    ///   - superseded: called at most once, on that thread.
    init(
        _ store: Store, _ epoch: Epoch, _ configuration: CoordinatorConfiguration, _ log: Logger,
        renewed: @escaping @Sendable () -> Void, sawStandbys: @escaping @Sendable ([StandbyView]) -> Void,
        superseded: @escaping @Sendable (GridError) -> Void
    ) throws(GridError) {
        let pause = StoppablePause()
        self.pause = pause
        thread = try OwnedThread(name: "lease") {
            var saidUnreachable = false
            while pause.wait(milliseconds: configuration.leaseRenewMilliseconds) {
                do throws(GridError) {
                    try store.renewLease(epoch)
                    renewed()
                    configuration.reached(.renewedLease)
                    saidUnreachable = false
                    // For displays alone.
                    if let standbys = try? store.standbys() { sawStandbys(standbys) }
                } catch {
                    // Many things stand in the way of a write, such as a lock that somebody holds: only the lease says who leads.
                    if error.kind == .conflict, let lease = try? store.lease(), lease.epoch != epoch { return superseded(error) }
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
