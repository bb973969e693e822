import Foundation
import Synchronization

/// Runs `body` for 0 ..< count at once, each on a thread of its own, and waits for all of them.
///
/// libpq blocks, so its calls have no business on the threads of Swift's concurrency.
///
/// - Throws: the error of the lowest index that failed.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let failures = Failures()
    let finished = DispatchSemaphore(value: 0)
    for index in 0..<count {
        let thread = Thread {
            do { try body(index) } catch { failures.add(error, index) }
            finished.signal()
        }
        thread.name = "alphagrid-db-\(index)"
        thread.start()
    }
    for _ in 0..<count { finished.wait() }
    if let first = failures.first { throw first }
}

private final class Failures: Sendable {
    private let byIndex = Mutex<[(index: Int, error: any Error)]>([])
    func add(_ error: any Error, _ index: Int) { byIndex.withLock { $0.append((index, error)) } }
    var first: (any Error)? { byIndex.withLock { $0.min { $0.index < $1.index }?.error } }
}
