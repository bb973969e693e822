import ClusterModel

/// How long something will take: what is most likely, and between which times four runs out of five end.
struct Forecast: Equatable, Sendable {
    var seconds: Double
    var low: Double
    var high: Double

    /// Standard deviations on either side within which four of five normal deviates are.
    private static let deviations = 1.2816
    /// The speed of later stages, of neighbours on the host and of the network differs from what it was so far.
    private static let driftMin = 0.08
    /// What a correlation job gets of the measured peak of its slots, all in all: the product itself and what is done with its
    /// values, reading blocks, and the ends of stages at which slots wait.
    private static let peakShare = 0.5
    private static let peakShareLow = 0.2
    private static let peakShareHigh = 0.85

    /// From a measured speed.
    ///
    /// - Parameters:
    ///   - left: what is left to do, in whatever unit.
    ///   - rate: of that per second, more than 0.
    ///   - relativeError: of the rate; a standard deviation.
    init(left: Double, rate: Double, relativeError: Double) {
        seconds = left / rate
        let spread = Self.deviations * (relativeError * relativeError + Self.driftMin * Self.driftMin).squareRoot()
        low = seconds / (1 + spread)
        high = seconds / max(0.2, 1 - spread)
    }

    /// Before anything is measured of a job itself: from what workers measured at their start.
    ///
    /// - Parameter flops: of products, or that products would have in that time; see `TileCost`.
    /// - Returns: nil when either is not known.
    init?(flops: Double, peakGigaflopsPerSecond: Double) {
        guard flops > 0, peakGigaflopsPerSecond > 0 else { return nil }
        let atPeak = flops / (peakGigaflopsPerSecond * 1e9)
        seconds = atPeak / Self.peakShare
        low = atPeak / Self.peakShareHigh
        high = atPeak / Self.peakShareLow
    }
}

extension [WorkerView] {
    /// GFLOP/s of all slots together that could take a lease of a job.
    ///
    /// - Parameter profile: the job's; nil while it has none, when every worker's present one counts.
    func peakGigaflopsPerSecond(_ precision: Precision, profile: String?) -> Double {
        filter { $0.state == "connected" && (profile == nil || $0.profile == profile) }.reduce(0) { sum, worker in
            let peak = precision == .float32 ? worker.peakFloat32GigaflopsPerSecond : worker.peakFloat64GigaflopsPerSecond
            return sum + Double(worker.slots) * (peak ?? 0)
        }
    }
}
