import ClusterModel
import NIOCore
import Synchronization

/// How long a connection may take for what, and how many one address may have.
package struct ConnectionLimits: Sendable {
    var first: TimeAmount = .milliseconds(Limits.httpHeaderMilliseconds)
    var idle: TimeAmount = .seconds(Limits.httpIdleSeconds)
    var body: TimeAmount = .milliseconds(Limits.httpBodyMilliseconds)
    var answer: TimeAmount = .milliseconds(Limits.httpAnswerMilliseconds)
    /// For an answer that goes on and on: from a part of it written to that part gone.
    var stall: TimeAmount = .milliseconds(Int64(Limits.eventStallMilliseconds))
    var bodyBytesMax = Limits.httpBodyBytesTakenMax
    var perAddressMax = Limits.httpConnectionsPerAddressMax

    package init() {}
}

/// How many connections each address has; no longer than `Limits.httpConnectionsMax`, since only open ones have entries.
final class ConnectionTable: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// - Returns: false when the address has as many as it may have.
    func enter(_ address: String, max: Int) -> Bool {
        counts.withLock { counts in
            guard counts[address, default: 0] < max else { return false }
            counts[address, default: 0] += 1
            return true
        }
    }

    func leave(_ address: String) {
        counts.withLock { counts in
            counts[address] = counts[address].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }

    var total: Int { counts.withLock { $0.values.reduce(0, +) } }
}
