import ClusterModel

/// How fast a job gets on.
///
/// Measured over the last half minute, and from the first task that came back on: until then workers fetch and prepare,
/// which says nothing about the rest of the job.
struct TileRate {
    private struct Sample {
        var tiles: Double
        var time: MonotonicTime
    }

    /// Oldest first, `stepSeconds` apart; the first one is where the window begins.
    private var samples: [Sample] = []

    static let windowSeconds = 30.0
    static let stepSeconds = 1.0
    /// Less than this is shorter than what a task or two take.
    static let spanSecondsMin = 2.0

    /// - Parameter done: tiles done in all stages so far.
    mutating func record(tiles done: Double, at now: MonotonicTime) {
        guard done > 0 else { return }
        if let last = samples.last, now.seconds(since: last.time) < Self.stepSeconds { return }
        samples.append(Sample(tiles: done, time: now))
        while samples.count > 2, now.seconds(since: samples[1].time) >= Self.windowSeconds { samples.removeFirst() }
    }

    /// Standard error of the rate, as a share of it, from how much the speed of single seconds differs; large while there are
    /// few.
    var relativeError: Double {
        let rates = zip(samples, samples.dropFirst()).map { ($1.tiles - $0.tiles) / $1.time.seconds(since: $0.time) }
        let mean = rates.reduce(0, +) / Double(max(1, rates.count))
        guard rates.count >= Self.stepsMin, mean > 0 else { return Self.errorUnknown }
        let variance = rates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rates.count - 1)
        return min(Self.errorUnknown, (variance / Double(rates.count)).squareRoot() / mean)
    }

    private static let stepsMin = 4
    private static let errorUnknown = 0.4

    /// - Returns: nil until enough was seen, and when nothing came back for as long as the window.
    func tilesPerSecond(tiles done: Double, at now: MonotonicTime) -> Double? {
        guard let first = samples.first, done > first.tiles else { return nil }
        let span = now.seconds(since: first.time)
        return span >= Self.spanSecondsMin ? (done - first.tiles) / span : nil
    }
}
