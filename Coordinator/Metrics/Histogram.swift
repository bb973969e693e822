import ClusterModel
import Synchronization

/// Counts of values below bounds, for one value of a label each or for none; any thread may record.
///
/// One short lock for each recorded value: tasks, commits and requests are thousands a second at most.
package final class Histogram: Sendable {
    private struct Series {
        /// Values in the bucket of each bound, and beyond the last one.
        var counts: [UInt64]
        var sum = 0.0
    }

    private let name: String
    private let help: String
    private let label: String?
    /// Ascending.
    private let bounds: [Double]
    private let series: Mutex<[String: Series]>

    /// From a millisecond to minutes, about three to a decade.
    package static let secondsOfTasks: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    ]
    /// From half a millisecond to ten seconds.
    package static let secondsOfAnswers: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]

    /// - Parameters:
    ///   - label: name of the only label; nil for a histogram of one series, which is there from the start.
    ///   - bounds: ascending upper bounds of the buckets.
    package init(_ name: String, _ help: String, by label: String? = nil, bounds: [Double]) {
        self.name = name
        self.help = help
        self.label = label
        self.bounds = bounds
        let empty = Series(counts: Array(repeating: 0, count: bounds.count + 1))
        series = Mutex(label == nil ? ["": empty] : [:])
    }

    /// Counts a value; one that is no number, or negative, counts as 0.
    ///
    /// - Parameter value: of the label, from a small set; beyond `Limits.metricSeriesMax` they are all `other`.
    package func record(_ seconds: Double, _ value: String = "") {
        let seconds = seconds.isFinite ? max(0, seconds) : 0
        let bucket = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        series.withLock { series in
            let key = label == nil ? "" : series.count < Limits.metricSeriesMax || series[value] != nil ? value : "other"
            series[key, default: Series(counts: Array(repeating: 0, count: bounds.count + 1))].counts[bucket] += 1
            series[key]?.sum += seconds
        }
    }

    package var family: MetricFamily {
        let all = series.withLock { $0 }.sorted { $0.key < $1.key }
        var samples: [MetricFamily.Sample] = []
        for (value, series) in all {
            let labels = label.map { [MetricFamily.Label($0, value)] } ?? []
            var below: UInt64 = 0
            for (bound, count) in zip(bounds + [.infinity], series.counts) {
                below += count
                let le = MetricFamily.Label("le", MetricsText.number(bound))
                samples.append(.init(suffix: "_bucket", labels: labels + [le], value: Double(below)))
            }
            samples.append(.init(suffix: "_sum", labels: labels, value: series.sum))
            samples.append(.init(suffix: "_count", labels: labels, value: Double(below)))
        }
        return MetricFamily(name, .histogram, help, samples: samples)
    }
}
