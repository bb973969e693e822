import CZeroMQ
import ClusterModel
import Glibc
import Synchronization

/// A thread of our own with a name that `top -H` and a debugger show. Sockets, BLAS and other blocking calls live on
/// such threads, never on Swift's cooperative pool.
package final class OwnedThread: Sendable {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    private let handle: pthread_t
    private let isJoined = Mutex(false)

    /// Starts at once.
    /// - Parameter name: the first 15 bytes are shown by the system.
    /// - Throws: `.failed` when the system has no thread left.
    package init(name: String, _ run: @escaping @Sendable () -> Void) throws(GridError) {
        var handle = pthread_t()
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        let code = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                alphagrid_name_this_thread(String(decoding: body.name.utf8.prefix(15), as: UTF8.self))
                body.run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw GridError(.failed, "thread \(name) could not be started: \(String(cString: strerror(code)))")
        }
        self.handle = handle
    }

    /// Waits until the thread has ended; further calls return at once. Not to be called by the thread itself.
    package func join() {
        let isFirst = isJoined.withLock { joined in
            defer { joined = true }
            return !joined
        }
        if isFirst { pthread_join(handle, nil) }
    }

    deinit {
        // A thread that nobody waited for gives its memory back when it ends.
        if !isJoined.withLock({ $0 }) { pthread_detach(handle) }
    }
}
