import ClusterModel
import Foundation
import Messaging
import Synchronization

/// Where questions about pools are worked on: few at a time, since each may use all cores, and apart from everything else,
/// since the first question about a pool reads its panel and may take minutes.
final class PoolCheckQueue: Sendable {
    private let queue = OperationQueue()
    /// Questions that wait or are worked on.
    private let openCount = Mutex(0)
    private let answered: @Sendable (Double) -> Void

    /// - Parameter answered: told of every question that was not refused, with its seconds, waiting included.
    init(answered: @escaping @Sendable (Double) -> Void = { _ in }) {
        self.answered = answered
        queue.name = "alphagrid.checks"
        queue.maxConcurrentOperationCount = Limits.checksAtOnceMax
    }

    var open: Int { openCount.withLock { $0 } }

    /// Runs `body` on one of the queue's threads.
    ///
    /// - Throws: what `body` throws; `GridError(.unreachable)` when too many wait already.
    func run<R: Sendable>(_ body: @escaping @Sendable () throws(GridError) -> R) async throws -> R {
        let isAccepted = openCount.withLock { count in
            guard count < Limits.checksAtOnceMax + Limits.checksWaitingMax else { return false }
            count += 1
            return true
        }
        guard isAccepted else {
            throw GridError(
                .unreachable, "\(Limits.checksWaitingMax) questions about pools are waiting already: try again later")
        }
        let began = MonotonicTime.now()
        return try await withCheckedThrowingContinuation { continuation in
            queue.addOperation {
                let result: Result<R, GridError>
                do throws(GridError) { result = .success(try body()) } catch { result = .failure(error) }
                self.openCount.withLock { $0 -= 1 }
                self.answered(MonotonicTime.now().seconds(since: began))
                continuation.resume(with: result.mapError { $0 as any Error })
            }
        }
    }
}
