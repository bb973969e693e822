import ClusterModel

/// When it is worth asking the database for jobs to forget: at the beginning, when one has ended since, and now and then where
/// they go by their age. So a coordinator that has nothing to do costs its database nothing.
struct RetentionLooks: Sendable {
    private var isWanted = true
    private var next: MonotonicTime?

    /// Those that go by their age may stay so much longer.
    private static let pauseMilliseconds: Int64 = 3_600_000

    mutating func jobEnded() { isWanted = true }

    /// - Parameter byAge: whether jobs go when they are old enough.
    /// - Returns: whether to look now. What failed or found any is to be said by `jobEnded`, for another look.
    mutating func isDue(byAge: Bool, at now: MonotonicTime) -> Bool {
        guard isWanted || byAge && next.map({ now >= $0 }) ?? true else { return false }
        isWanted = false
        next = now.advanced(milliseconds: Self.pauseMilliseconds)
        return true
    }
}
