import ClusterModel
import Foundation
import Testing

@testable import GridMetrics

@Suite struct MetricsTests {
    @Test("Families have a HELP and a TYPE line each, and are in the order of their names")
    func text() {
        let registry = MetricsRegistry(ofProcess: false)
        registry.add { [.gauge("b_bytes", "Bytes.", 1.5), .counter("a_total", "Things.", 3)] }
        registry.add { [.by("state", "c", .gauge, "By state.", [("queued", 2), ("leased", 0)])] }
        #expect(
            registry.text() == """
                # HELP a_total Things.
                # TYPE a_total counter
                a_total 3
                # HELP b_bytes Bytes.
                # TYPE b_bytes gauge
                b_bytes 1.5
                # HELP c By state.
                # TYPE c gauge
                c{state="queued"} 2
                c{state="leased"} 0

                """)
    }

    @Test("What would end a label or a line is escaped")
    func escaping() {
        let registry = MetricsRegistry(ofProcess: false)
        registry.add { [.info("i", "back\\slash\nand \"quotes\"", [.init("l", "a\\b\"c\nd")])] }
        #expect(registry.text() == "# HELP i back\\\\slash\\nand \"quotes\"\n# TYPE i gauge\ni{l=\"a\\\\b\\\"c\\nd\"} 1\n")
    }

    @Test(
        "Numbers are written as Prometheus reads them",
        arguments: [
            (0.0, "0"), (-2, "-2"), (0.25, "0.25"), (1e15, "1000000000000000"), (1e20, "1e+20"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)])
    func numbers(value: Double, text: String) {
        #expect(MetricsText.number(value) == text)
    }

    @Test("A histogram counts each value at its bound and below every larger one")
    func histogram() {
        let histogram = Histogram("h_seconds", "Seconds.", by: "kind", bounds: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { histogram.record(value, "pairs") }
        histogram.record(.nan, "rows")
        histogram.record(-3, "rows")
        let registry = MetricsRegistry(ofProcess: false)
        registry.add { [histogram.family] }
        #expect(
            registry.text() == """
                # HELP h_seconds Seconds.
                # TYPE h_seconds histogram
                h_seconds_bucket{kind="pairs",le="0.1"} 2
                h_seconds_bucket{kind="pairs",le="1"} 3
                h_seconds_bucket{kind="pairs",le="+Inf"} 4
                h_seconds_sum{kind="pairs"} 7.65
                h_seconds_count{kind="pairs"} 4
                h_seconds_bucket{kind="rows",le="0.1"} 2
                h_seconds_bucket{kind="rows",le="1"} 2
                h_seconds_bucket{kind="rows",le="+Inf"} 2
                h_seconds_sum{kind="rows"} 0
                h_seconds_count{kind="rows"} 2

                """)
    }

    @Test("A histogram and a counter without a label are there before anything is counted")
    func zeroes() {
        let histogram = Histogram("h_seconds", "Seconds.", bounds: [1])
        let counter = CounterFamily("c_total", "Things.")
        #expect(histogram.family.samples.map(\.value) == [0, 0, 0, 0])
        #expect(counter.family.samples.map(\.value) == [0])
    }

    @Test("However many values a label gets, the series are bounded and nothing is lost from the sum")
    func bounded() {
        let counter = CounterFamily("c_total", "Things.", by: ["route", "code"])
        let histogram = Histogram("h_seconds", "Seconds.", by: "route", bounds: [1])
        for number in 0..<(Limits.metricSeriesMax + 500) {
            counter.add(1, ["r\(number)", "200"])
            histogram.record(0.5, "r\(number)")
        }
        #expect(counter.family.samples.count == Limits.metricSeriesMax + 1)
        #expect(counter.family.samples.reduce(0) { $0 + $1.value } == Double(Limits.metricSeriesMax + 500))
        let counts = histogram.family.samples.filter { $0.suffix == "_count" }
        #expect(counts.count == Limits.metricSeriesMax + 1)
        #expect(counts.reduce(0) { $0 + $1.value } == Double(Limits.metricSeriesMax + 500))
    }

    @Test("Nothing is lost when several threads count at once")
    func threads() async {
        let counter = CounterFamily("c_total", "Things.")
        await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1_000 { counter.add() } } }
        }
        #expect(counter.family.samples.map(\.value) == [8_000])
    }

    @Test("The process tells of its memory, its time and its descriptors")
    func process() throws {
        let families = ProcessMetrics.families()
        let value = { (name: String) in families.first { $0.name == name }?.samples.first?.value ?? -1 }
        #expect(value("process_resident_memory_bytes") > 1e6)
        #expect(value("process_cpu_seconds_total") >= 0)
        #expect(value("process_open_fds") >= 3 && value("process_open_fds") <= value("process_max_fds"))
        let started = value("process_start_time_seconds")
        #expect(started > 1.6e9 && started <= Date().timeIntervalSince1970 + 2)
    }
}
