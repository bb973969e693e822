import ClusterModel
import Synchronization

/// A count for each combination of a few labels; any thread may add.
package final class CounterFamily: Sendable {
    private let name: String
    private let help: String
    private let labels: [String]
    private let counts: Mutex<[[String]: Double]>

    /// - Parameter labels: names; without any there is one count, from the start.
    package init(_ name: String, _ help: String, by labels: [String] = []) {
        self.name = name
        self.help = help
        self.labels = labels
        counts = Mutex(labels.isEmpty ? [[]: 0] : [:])
    }

    /// - Parameter values: one of each label, from small sets; beyond `Limits.metricSeriesMax` they are all `other`.
    package func add(_ amount: Double = 1, _ values: [String] = []) {
        counts.withLock { counts in
            let isKnown = counts.count < Limits.metricSeriesMax || counts[values] != nil
            counts[isKnown ? values : values.map { _ in "other" }, default: 0] += amount
        }
    }

    package var family: MetricFamily {
        let all = counts.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        return MetricFamily(
            name, .counter, help,
            samples: all.map { values, count in
                MetricFamily.Sample(labels: zip(labels, values).map { .init($0, $1) }, value: count)
            })
    }
}
