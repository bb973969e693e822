import ClusterModel
import Foundation
import Messaging

/// SIGTERM and SIGINT as calls on a thread of their own, where anything may be done.
struct Signals {
    private let watched: sigset_t

    /// Holds the signals back in this thread and those it starts; hence made before any other thread.
    init() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        watched = set
        // A log that nobody reads any more must not end the work.
        signal(SIGPIPE, SIG_IGN)
    }

    func listen(first: @escaping @Sendable () -> Void, second: @escaping @Sendable () -> Void) throws(GridError) {
        let watched = watched
        _ = try OwnedThread(name: "signals") {
            var set = watched
            for action in [first, second] {
                var number: Int32 = 0
                while sigwait(&set, &number) != 0 {}
                action()
            }
        }
    }
}
