import Dispatch
import Synchronization

/// A queue that one thread empties and others fill. Its length is bounded by what its users have in hand.
final class EventQueue<Event: Sendable>: Sendable {
    private let events = Mutex<[Event]>([])
    private let filled = DispatchSemaphore(value: 0)

    func push(_ event: Event) {
        events.withLock { $0.append(event) }
        filled.signal()
    }

    /// Waits for events, at most so long, and takes all there are.
    func takeAll(waitingMilliseconds: Int) -> [Event] {
        _ = filled.wait(timeout: .now() + .milliseconds(waitingMilliseconds))
        return events.withLock { events in
            defer { events.removeAll() }
            return events
        }
    }
}
