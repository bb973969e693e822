import ClusterModel
import Crypto
import Foundation
import Synchronization

/// Submissions by the keys their senders gave them, so that one that is sent again is not done again. In memory: a coordinator
/// that has taken over knows none.
final class IdempotencyKeys: Sendable {
    enum Finding: Hashable, Sendable {
        /// Not seen before: now under way, until `finish` or `forget`.
        case new
        case underWay
        case done(JobID)
        /// The key belongs to another request.
        case different
    }

    private struct Entry {
        var digest: [UInt8]
        var at: Double
        var job: JobID?
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Oldest first; those that are gone are left out when they are met.
        var order: [(name: String, at: Double)] = []
    }

    private let state = Mutex(State())
    private let countMax: Int

    init(countMax: Int = Limits.idempotencyKeysMax) { self.countMax = countMax }

    /// - Parameters:
    ///   - name: The key with whoever sent it: two senders may choose the same one.
    ///   - now: Seconds of a clock that only grows.
    func begin(_ name: String, body: Data, now: Double) -> Finding {
        let digest = Array(SHA256.hash(data: body))
        return state.withLock { state in
            if let known = state.entries[name], now - known.at < Limits.idempotencySeconds {
                guard known.digest == digest else { return .different }
                return known.job.map { .done($0) } ?? .underWay
            }
            while let first = state.order.first,
                state.order.count >= countMax || now - first.at >= Limits.idempotencySeconds
            {
                state.order.removeFirst()
                if state.entries[first.name]?.at == first.at { state.entries[first.name] = nil }
            }
            state.entries[name] = Entry(digest: digest, at: now)
            state.order.append((name, now))
            return .new
        }
    }

    func finish(_ name: String, _ job: JobID) { state.withLock { $0.entries[name]?.job = job } }

    /// It failed, and may be tried again.
    func forget(_ name: String) { state.withLock { $0.entries[name] = nil } }
}
