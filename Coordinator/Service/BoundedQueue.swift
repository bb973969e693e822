import ClusterModel
import Foundation
import Messaging
import Synchronization

/// Where what people ask is worked on that may take long: few at a time, each kind apart from the others and from what keeps the
/// coordinator alive, and no more of it waiting than somebody will still wait for.
final class BoundedQueue: Sendable {
    private let queue = OperationQueue()
    private let what: String
    private let waitingMax: Int
    /// What waits or is worked on.
    private let openCount = Mutex(0)
    private let answered: @Sendable (Double) -> Void

    /// - Parameters:
    ///   - what: What waits here, in the plural, for the sentence that refuses one more.
    ///   - answered: Told of everything that was not refused, with its seconds, waiting included.
    init(
        _ name: String, of what: String, atOnceMax: Int, waitingMax: Int,
        answered: @escaping @Sendable (Double) -> Void = { _ in }
    ) {
        self.what = what
        self.waitingMax = waitingMax
        self.answered = answered
        queue.name = "alphagrid.\(name)"
        queue.maxConcurrentOperationCount = atOnceMax
    }

    /// Questions about pools: each may use all cores, and the first about a pool reads its panel, which may take minutes.
    static func forQuestions(answered: @escaping @Sendable (Double) -> Void = { _ in }) -> BoundedQueue {
        BoundedQueue(
            "checks", of: "questions about pools", atOnceMax: Limits.checksAtOnceMax, waitingMax: Limits.checksWaitingMax,
            answered: answered)
    }

    /// Pages read from the database: as many at once as there are connections for them.
    static func forPages() -> BoundedQueue {
        BoundedQueue(
            "pages", of: "requests that read the database", atOnceMax: Limits.databasePageConnectionsMax,
            waitingMax: Limits.pagesWaitingMax)
    }

    var open: Int { openCount.withLock { $0 } }

    /// Runs `body` on one of the queue's threads.
    ///
    /// - Throws: what `body` throws; `GridError(.unreachable)` when too many wait already.
    func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        let openMax = queue.maxConcurrentOperationCount + waitingMax
        let isAccepted = openCount.withLock { count in
            guard count < openMax else { return false }
            count += 1
            return true
        }
        guard isAccepted else { throw GridError(.unreachable, "\(waitingMax) \(what) are waiting already: try again later") }
        let began = MonotonicTime.now()
        return try await withCheckedThrowingContinuation { continuation in
            queue.addOperation {
                let result = Result { try body() }
                self.openCount.withLock { $0 -= 1 }
                self.answered(MonotonicTime.now().seconds(since: began))
                continuation.resume(with: result)
            }
        }
    }
}
