import Dispatch
import Synchronization

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
