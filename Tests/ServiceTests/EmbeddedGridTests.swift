import ClusterModel
import Foundation
import Kernels
import Testing

@testable import Service

/// Runs of the whole grid in one process, compared with a program that takes every pair by itself.
struct EmbeddedGridTests {
    static let alphaCount = 23
    static let dayCount = 90

    /// Wide CSV with late starters, early stoppers and gaps; also the values, NaN where missing.
    static let input: (path: String, ids: [String], series: [[Double]]) = {
        var state: UInt64 = 42
        func random() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / 9_007_199_254_740_992
        }
        let market = (0..<dayCount).map { _ in random() - 0.5 }
        let series = (0..<alphaCount).map { alpha -> [Double] in
            let start = alpha % 4 == 0 ? 0 : Int(random() * 30)
            let end = alpha % 5 == 0 ? dayCount : dayCount - Int(random() * 20)
            var level = 0.0
            return (0..<dayCount).map { day in
                level += (market[day] * Double(alpha % 3) + random() - 0.5) * 10_000
                let isGap = alpha % 3 == 0 && random() < 0.05
                return day < start || day >= end || isGap ? .nan : (level * 100).rounded() / 100
            }
        }
        let ids = (0..<alphaCount).map { "alpha_\(($0 * 7) % alphaCount)" }
        var text = "date," + ids.joined(separator: ",") + "\n"
        for day in 0..<dayCount {
            let date = "2021-\(twoDigits(day / 28 + 1))-\(twoDigits(day % 28 + 1))"
            text += date + "," + series.map { $0[day].isNaN ? "" : "\($0[day])" }.joined(separator: ",") + "\n"
        }
        let path = NSTemporaryDirectory() + "embedded-\(ProcessInfo.processInfo.processIdentifier).csv"
        try? text.write(toFile: path, atomically: true, encoding: .utf8)
        return (path, ids, series)
    }()

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private func run(
        _ convention: Convention = .ffillShift, window: Window = .all, edge: Int = 8, slots: Int = 2
    ) throws -> EmbeddedResult {
        BLAS.configure()
        let parameters = try CorrelationParameters(
            convention: convention, window: window, minOverlap: 20, blockEdge: edge)
        return try EmbeddedGrid.correlate(
            EmbeddedRequest(path: Self.input.path, parameters: parameters, slots: slots)
        ) { _ in }
    }

    @Test("All rows equal the plain summaries of every pair", arguments: Convention.allCases)
    func rowsEqualPlainSummaries(_ convention: Convention) throws {
        let result = try run(convention)
        let (_, ids, series) = Self.input
        let reference = ReferenceCorrelation(convention: convention, minOverlap: 20)
        #expect(result.rows.map(\.alphaID) == ids)
        for (a, row) in result.rows.enumerated() {
            let values = (0..<Self.alphaCount).filter { $0 != a }.compactMap { reference(series[a], series[$0]).r }.sorted()
            #expect(row.pairCount == values.count)
            guard !values.isEmpty else { continue }
            let median = values[(values.count - 1) / 2] / 2 + values[values.count / 2] / 2
            let mean = values.reduce(0, +) / Double(values.count)
            for (found, expected) in [
                (row.min, values[0]), (row.max, values[values.count - 1]), (row.avg, mean), (row.median, median),
            ] {
                let found = try #require(found)
                #expect(abs(found - expected) < 1e-10)
            }
        }
    }

    @Test("One, two and five slots give the same digest")
    func digestIgnoresSlots() throws {
        let digests = try [1, 2, 5].map { try run(edge: 4, slots: $0).digest }
        #expect(Set(digests).count == 1)
        #expect(try run(.ffillDiff, edge: 4).digest != digests[0])
    }

    @Test("Block edges of 1, beyond the number of alphas, or not dividing it change nothing", arguments: [1, 5, 64])
    func blockEdgeDoesNotMatter(edge: Int) throws {
        let expected = try run(edge: 8).rows
        for (row, other) in zip(expected, try run(edge: edge).rows) {
            #expect(row.alphaID == other.alphaID && row.pairCount == other.pairCount)
            #expect(row.mostCorrelatedAlphaID == other.mostCorrelatedAlphaID)
            for (a, b) in [(row.min, other.min), (row.max, other.max), (row.avg, other.avg), (row.median, other.median)] {
                #expect(abs((a ?? 0) - (b ?? 0)) <= 1e-12)
            }
        }
    }

    @Test("A missing file is one sentence that names it")
    func missingFile() throws {
        let parameters = try CorrelationParameters()
        let request = EmbeddedRequest(path: "/nonexistent/pnl.csv", parameters: parameters, slots: 1)
        #expect {
            _ = try EmbeddedGrid.correlate(request) { _ in }
        } throws: {
            ($0 as? GridError)?.message.contains("/nonexistent/pnl.csv") == true
        }
    }
}
