import ClusterModel
import Synchronization

/// A bucket of tokens per name, filled at a steady rate.
final class RateLimiter: Sendable {
    private struct Bucket {
        var level: Double
        var at: Double
    }

    private struct State {
        var buckets: [String: Bucket] = [:]
        var sweptAt = -Double.infinity
    }

    private let perSecond: Double
    private let burst: Double
    private let namesMax: Int
    private let state = Mutex(State())

    /// Names that find no place share one bucket, so that a crowd of strangers cannot fill the memory.
    private static let others = "(others)"
    private static let sweepSeconds = 1.0

    init(perSecond: Double, burst: Double, namesMax: Int = Limits.rateNamesMax) {
        self.perSecond = perSecond
        self.burst = burst
        self.namesMax = namesMax
    }

    /// Takes one token.
    ///
    /// - Parameter now: Seconds of a clock that only grows.
    /// - Returns: nil when there was one, else the seconds until there will be.
    func take(_ name: String, now: Double) -> Double? {
        state.withLock { state in
            let place = place(for: name, now, &state)
            var bucket = state.buckets[place] ?? Bucket(level: burst, at: now)
            bucket.level = level(of: bucket, now)
            bucket.at = now
            defer { state.buckets[place] = bucket }
            guard bucket.level >= 1 else { return (1 - bucket.level) / perSecond }
            bucket.level -= 1
            return nil
        }
    }

    /// Whether `take` would get one; takes none.
    func isExhausted(_ name: String, now: Double) -> Bool {
        state.withLock { state in
            let bucket = state.buckets[name] ?? (state.buckets.count < namesMax ? nil : state.buckets[Self.others])
            return bucket.map { level(of: $0, now) < 1 } ?? false
        }
    }

    var namesKnown: Int { state.withLock { $0.buckets.count } }

    private func level(of bucket: Bucket, _ now: Double) -> Double {
        min(burst, bucket.level + max(0, now - bucket.at) * perSecond)
    }

    private func place(for name: String, _ now: Double, _ state: inout State) -> String {
        if state.buckets[name] != nil || state.buckets.count < namesMax { return name }
        // A bucket that is full again says nothing that a new one would not.
        if now - state.sweptAt >= Self.sweepSeconds {
            state.sweptAt = now
            state.buckets = state.buckets.filter { level(of: $0.value, now) < burst }
        }
        return state.buckets.count < namesMax ? name : Self.others
    }
}
