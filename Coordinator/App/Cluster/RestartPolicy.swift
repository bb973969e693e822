import ClusterModel

/// When a program that ended is started again: soon after a long run, ever later after short ones.
struct RestartPolicy: Equatable {
    /// How often it may end early in a row; nil is without end.
    var attemptsMax: Int?
    private var earlyEndings = 0
    private var startedAt: MonotonicTime

    static let delayMilliseconds: Int64 = 500
    static let delayMillisecondsMax: Int64 = 30_000
    /// A run of this length shows that the program works.
    static let longRunSeconds = 60.0

    init(attemptsMax: Int?, startedAt: MonotonicTime) {
        self.attemptsMax = attemptsMax
        self.startedAt = startedAt
    }

    mutating func started(at now: MonotonicTime) { startedAt = now }

    /// - Returns: Milliseconds until the next start, or nil to give up.
    mutating func ended(at now: MonotonicTime) -> Int64? {
        if now.seconds(since: startedAt) >= Self.longRunSeconds { earlyEndings = 0 }
        earlyEndings += 1
        if let attemptsMax, earlyEndings > attemptsMax { return nil }
        let doublings = min(earlyEndings - 1, 16)
        return min(Self.delayMilliseconds << Int64(doublings), Self.delayMillisecondsMax)
    }
}
