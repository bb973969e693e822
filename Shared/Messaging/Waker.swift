import CZeroMQ
import ClusterModel
import Glibc

/// An eventfd: any thread wakes the one that polls it. Wakes before the next `drain` count as one.
final class Waker: Sendable {
    let descriptor: Int32

    init() throws(GridError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else {
            throw GridError(.failed, "eventfd: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func wake() {
        // Fails only when the counter is at its end, and then the other thread is as good as woken.
        eventfd_write(descriptor, 1)
    }

    /// Called by the polling thread before it looks at what it was woken for.
    func drain() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}

extension MonotonicTime {
    /// What the machine's clock that never goes back says; for shells, never for state machines.
    package static func now() -> MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
