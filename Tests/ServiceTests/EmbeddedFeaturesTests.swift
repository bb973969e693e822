import ClusterModel
import Testing

@testable import Service

/// Features of a file, by the whole grid in one process.
struct EmbeddedFeaturesTests {
    private func run(window: Window? = .all, isDaily: Bool = false, slots: Int = 2) throws -> EmbeddedFeatures {
        try EmbeddedGrid.features(
            path: EmbeddedGridTests.input.path, window: window, isDaily: isDaily, slots: slots
        ) { _ in }
    }

    @Test("Rows are in the file's order, with the means, counts and largest losses of the definition", arguments: [false, true])
    func rows(isDaily: Bool) throws {
        let result = try run(isDaily: isDaily)
        let (_, ids, series) = EmbeddedGridTests.input
        #expect(result.rows.map(\.alphaID) == ids)
        #expect(result.windowStart == "2021-01-01" && result.dayCount == EmbeddedGridTests.dayCount)
        for (row, values) in zip(result.rows, series) {
            var (last, returns) = (Double.nan, [Double]())
            for value in values where !value.isNaN {
                let change = isDaily ? value : value - last
                if !change.isNaN { returns.append(change / 1e7) }
                last = value
            }
            #expect(row[.dayCount] == Double(returns.count))
            let mean = returns.reduce(0, +) / Double(returns.count)
            #expect(abs(try #require(row[.meanReturn]) - mean) < 1e-15)
            #expect(row[.hitRate] == Double(returns.count { $0 > 0 }) / Double(returns.count))
        }
    }

    @Test("The digest does not depend on the number of threads, but on what was asked for")
    func digest() throws {
        let digest = try run().digest
        #expect(try run(slots: 1).digest == digest)
        #expect(try run(isDaily: true).digest != digest)
        #expect(try run(window: .days(40)).digest != digest)
        #expect(try run(window: nil).digest == digest, "the file is shorter than the 4 years of the default")
    }
}
