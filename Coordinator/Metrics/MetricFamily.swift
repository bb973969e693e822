// Metrics in the text format of Prometheus (version 0.0.4): names with their unit last, `_total` behind what only grows, a
// HELP and a TYPE line each. What the grid counts anyway is read when somebody asks; only durations and requests are
// recorded as they happen, by `Histogram` and `CounterFamily`.

/// One metric with its series, as they are at one moment.
package struct MetricFamily: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package struct Label: Hashable, Comparable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        package static func < (a: Label, b: Label) -> Bool {
            a.name != b.name ? a.name < b.name : a.value < b.value
        }
    }

    package struct Sample: Equatable, Sendable {
        /// Behind the family's name: `_bucket`, `_sum` and `_count` of histograms, else nothing.
        var suffix = ""
        var labels: [Label] = []
        var value: Double
    }

    package var name: String
    package var help: String
    package var kind: Kind
    package var samples: [Sample]

    init(_ name: String, _ kind: Kind, _ help: String, samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    package static func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
        MetricFamily(name, .gauge, help, samples: [Sample(value: value)])
    }

    package static func counter(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
        MetricFamily(name, .counter, help, samples: [Sample(value: value)])
    }

    package static func gauge(_ name: String, _ help: String, _ value: Int) -> MetricFamily { gauge(name, help, Double(value)) }

    package static func counter(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        counter(name, help, Double(value))
    }

    /// One series for each value of a label, in the order given.
    package static func by(
        _ label: String, _ name: String, _ kind: Kind, _ help: String, _ values: [(value: String, count: Double)]
    ) -> MetricFamily {
        let samples = values.map { Sample(labels: [Label(label, $0.value)], value: $0.count) }
        return MetricFamily(name, kind, help, samples: samples)
    }

    /// A value that never changes but says something by its labels.
    package static func info(_ name: String, _ help: String, _ labels: [Label]) -> MetricFamily {
        MetricFamily(name, .gauge, help, samples: [Sample(labels: labels, value: 1)])
    }
}
