import ClusterModel
import Messaging

/// Does what the coordinator that leads has to do again and again, on a thread of its own: schedules, messages, old jobs.
final class Housekeeper: Sendable {
    private let pause: StoppablePause
    private let thread: OwnedThread

    /// - Parameter chores: what to do, and how many milliseconds to leave between two times; none may throw or take long.
    init(_ chores: [(milliseconds: Int64, body: @Sendable () -> Void)]) throws(GridError) {
        let pause = StoppablePause()
        self.pause = pause
        thread = try OwnedThread(name: "housekeeper") {
            var due = chores.map { _ in MonotonicTime.now() }
            while pause.wait(milliseconds: Self.lookMilliseconds) {
                for (position, chore) in chores.enumerated() where due[position] <= .now() {
                    chore.body()
                    due[position] = MonotonicTime.now().advanced(milliseconds: chore.milliseconds)
                }
            }
        }
    }

    private static let lookMilliseconds = 500

    /// Returns when the thread has ended. Not to be called by it.
    func stop() {
        pause.stop()
        thread.join()
    }
}
