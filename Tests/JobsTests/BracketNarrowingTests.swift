import ClusterModel
import Testing

@testable import Jobs

@Suite struct BracketNarrowingTests {
    /// Values of some alphas in several partials, as many as `counts` says; more of them than are put together at a time.
    private func medians<Value: MedianValue & BinaryFloatingPoint>(
        _ counts: [Int], partials: Int, _ precision: Precision, _: Value.Type
    ) throws {
        var random = SystemRandomNumberGenerator()
        var values = counts.map { _ in [Value]() }
        var arrived = ArrivedValues()
        // Alphas of a first block, of which nothing arrives, stand before these.
        let start = 3
        for _ in 0..<partials {
            let found = counts.map { count in (0..<count).map { _ in Value(Double.random(in: -1...1, using: &random)) } }
            for alpha in counts.indices { values[alpha] += found[alpha] }
            arrived.add(Value.values(found.flatMap { $0 }), counts: found.map { UInt32($0.count) }, at: start)
        }
        var searches = Array(repeating: MedianSearch(precision), count: start + counts.count)
        let seen = Array(repeating: 0, count: start) + values.map(\.count)
        searches.withUnsafeMutableBufferPointer { searches in
            let narrowing = BracketNarrowing(
                searches: searches, arrived: arrived, count: seen, fractionSeen: { _ in 1 }, deviations: 0, tell: nil)
            narrowing.run(0..<2, Value.self)
            narrowing.run(2..<searches.count, Value.self)
        }
        for alpha in counts.indices {
            let (search, sorted) = (searches[start + alpha], values[alpha].sorted())
            guard !sorted.isEmpty else {
                #expect(search.inside.count == 0)
                continue
            }
            let (low, high) = (Double(sorted[(sorted.count - 1) / 2]), Double(sorted[sorted.count / 2]))
            withUnsafeTemporaryAllocation(of: Value.self, capacity: sorted.count) { scratch in
                let median = search.median(count: sorted.count, scratch: scratch.baseAddress!)
                #expect(median == .value(low == high ? low : low / 2 + high / 2))
            }
            // 64 on either side stay, and those below them are counted.
            #expect(search.inside.count <= 131 && search.inside.count >= min(sorted.count, 128))
            #expect(search.below == sorted.count { Double($0) < search.low })
        }
        for alpha in 0..<start { #expect(searches[alpha].inside.count == 0) }
    }

    @Test("Medians are those of sorting, of alphas with no, few and more values than are put together at a time")
    func sorted() throws {
        let counts = [0, 1, 2, 3_000, 3_000, 3_000, 9_001, 5, 8_192, 700, 700, 700]
        try medians(counts, partials: 3, .float64, Double.self)
        try medians(counts, partials: 3, .float32, Float.self)
        try medians([100], partials: 1, .float64, Double.self)
    }
}
