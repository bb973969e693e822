import Synchronization

/// What one answer of `/metrics` is made of.
package final class MetricsRegistry: Sendable {
    private let sources = Mutex<[@Sendable () -> [MetricFamily]]>([])

    /// - Parameter ofProcess: whether what the system says of this process belongs to it.
    package init(ofProcess: Bool = true) {
        if ofProcess { add { ProcessMetrics.families() } }
    }

    /// Adds a source, which is asked at every scrape: it must be quick, and every name is one source's alone.
    package func add(_ source: @escaping @Sendable () -> [MetricFamily]) {
        sources.withLock { $0.append(source) }
    }

    /// The text format of Prometheus, by name.
    package func text() -> String {
        let families = sources.withLock { $0 }.flatMap { $0() }
        return MetricsText.encode(families.sorted { $0.name < $1.name })
    }

    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"
}
