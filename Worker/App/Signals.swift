import ClusterModel
import Foundation
import Messaging

/// SIGTERM and SIGINT as calls on a thread of their own, where anything may be done.
///
/// Holding the signals back and waiting for them would be simpler, but OpenBLAS has threads of its own before `main`
/// begins, which do not hold them back.
enum Signals {
    /// Counts signals that came. Posting is one of the few things a signal handler may do.
    private nonisolated(unsafe) static let arrivals: UnsafeMutablePointer<sem_t> = {
        let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
        return semaphore
    }()

    /// - Parameters:
    ///   - first: called for the first signal.
    ///   - second: called for the next one, which may come while the first call is at work elsewhere.
    static func listen(first: @escaping @Sendable () -> Void, second: @escaping @Sendable () -> Void) throws(GridError) {
        _ = try OwnedThread(name: "signals") {
            for action in [first, second] {
                while sem_wait(arrivals) != 0 {}
                action()
            }
        }
        // Made before a handler can need it.
        _ = arrivals
        for number in [SIGTERM, SIGINT] { signal(number) { _ in sem_post(Signals.arrivals) } }
        // A log that nobody reads any more must not end the work.
        signal(SIGPIPE, SIG_IGN)
    }
}
