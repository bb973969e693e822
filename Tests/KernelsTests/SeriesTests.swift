import CKernels
import ClusterModel
import Panel
import Testing

@testable import Kernels

/// How the operands of a series are made, against plain formulas in extended precision.
struct SeriesTests {
    /// A cumulative series with some days missing.
    private func series(days: Int, missing: Double, _ random: inout Generator) -> [Double] {
        var total = 1e6 * random.normal()
        return (0..<days).map { _ in
            total += 1_000 * random.normal() + 30
            return random.uniform() < missing ? .nan : total
        }
    }

    @Test(
        "Differences of a complete series are its convention's returns, and an incomplete one is left alone",
        arguments: [2, 9, 300])
    func completeReturns(days: Int) {
        var random = Generator(seed: UInt64(days))
        let complete = series(days: days, missing: 0, &random)
        for convention in [Convention.ffillShift, .ffillDiff, .commonDates] {
            var expected = [Double](repeating: 0, count: days)
            complete.withUnsafeBufferPointer { values in
                expected.withUnsafeMutableBufferPointer { convention.returns(of: values, into: $0) }
            }
            for from in Set([1, days - 1]) {
                var found = [Double](repeating: 7, count: days)
                #expect(ag_complete_returns(complete, days, from, &found) == 1)
                #expect(Array(found[..<(days - from)]) == Array(expected[from...]))
            }
        }
        for gap in Set([0, days / 2, days - 1]) {
            var (broken, found) = (complete, [Double](repeating: 7, count: days))
            broken[gap] = .nan
            #expect(ag_complete_returns(broken, days, 1, &found) == 0)
            #expect(found.allSatisfy { $0 == 7 })
        }
    }

    @Test(
        "Bits, range, centre, and both operands are what their formulas say",
        arguments: [16, 61, 64, 127, 640, 1_249], [0, 0.3])
    func operands(days: Int, missing: Double) {
        var random = Generator(seed: UInt64(days))
        let depth = (days + 15) / 16 * 16
        let words = (depth + 63) / 64
        var returns = (0..<days).map { _ in random.uniform() < missing ? Double.nan : random.normal() * 50 + 3 }
        let present = returns.indices.filter { !returns[$0].isNaN }
        let values = present.map { returns[$0] }
        returns += [Double](repeating: 5, count: depth - days)
        var bits = [UInt64](repeating: .max, count: words)
        var survey = ag_survey()
        ag_survey_returns(&returns, days, depth, 1e-9, &bits, &survey)
        #expect((0..<(words * 64)).filter { bits[$0 / 64] >> UInt64($0 % 64) & 1 == 1 } == present)
        #expect(Int(survey.count) == values.count && survey.low == values.min() && survey.high == values.max())

        ag_centre_series(returns, bits, words, 1e-9, &survey)
        let sorted = values.sorted()
        #expect(values.contains(survey.centre))
        #expect(survey.centre > sorted[values.count / 5] && survey.centre < sorted[values.count * 4 / 5])
        let largest = values.map { abs($0 - survey.centre) }.max()! * survey.scale
        #expect(largest >= 0.5 && largest < 1 && survey.scale.significand == 1)

        for isFloat in [false, true] {
            var x = [Double](repeating: 7, count: depth)
            var (sum, squares) = (0.0, 0.0)
            ag_fill_centred(returns, depth, &survey, isFloat ? 1 : 0, &x, &sum, &squares)
            for day in 0..<depth {
                let exact = returns[day].isNaN ? 0 : (returns[day] - survey.centre) * survey.scale
                #expect(x[day] == (isFloat ? Double(Float(exact)) : exact))
            }
            #expect(abs(Float80(sum) - x.reduce(0) { $0 + Float80($1) }) < 1e-13)
            #expect(abs(Float80(squares) - x.reduce(0) { $0 + Float80($1) * Float80($1) }) < 1e-13)
        }

        var z = [Double](repeating: 7, count: depth)
        var scratch = [Double](repeating: 7, count: depth + 8)
        ag_fill_standard(returns, bits, depth, &survey, &scratch, &z)
        let mean = values.reduce(Float80(0)) { $0 + Float80($1) } / Float80(values.count)
        let norm = values.reduce(Float80(0)) { $0 + (Float80($1) - mean) * (Float80($1) - mean) }.squareRoot()
        for day in 0..<depth {
            let exact = returns[day].isNaN ? 0 : (Float80(returns[day]) - mean) / norm
            #expect(abs(Float80(z[day]) - exact) < 1e-15)
        }
    }

    @Test("A centre is not moved by ticks, however large")
    func ticks() {
        var random = Generator(seed: 9)
        var returns = (0..<1_024).map { _ in random.normal() }
        for day in stride(from: 3, to: 1_024, by: 10) { returns[day] = 1e12 }
        var bits = [UInt64](repeating: 0, count: 16)
        var survey = ag_survey()
        ag_survey_returns(&returns, 1_024, 1_024, 0, &bits, &survey)
        ag_centre_series(returns, bits, 16, 0, &survey)
        #expect(abs(survey.centre) < 1)
    }

    @Test("A strip holds its rows day by day")
    func strips() {
        let depth = 32
        let rows = (0..<(16 * depth)).map { Double($0) + 0.1 }
        var (wide, narrow) = ([Double](repeating: 0, count: 16 * depth), [Float](repeating: 0, count: 16 * depth))
        ag_fill_strip_f64(rows, depth, &wide)
        ag_fill_strip_f32(rows, depth, &narrow)
        for row in 0..<16 {
            for day in 0..<depth {
                #expect(wide[day * 16 + row] == rows[row * depth + day])
                #expect(narrow[day * 16 + row] == Float(rows[row * depth + day]))
            }
        }
    }

    @Test("Tiles of a complete block with an incomplete one are exact, whichever way products are made")
    func mixedBlocks() {
        var random = Generator(seed: 12)
        let panel = (0..<30).map { series(days: 260, missing: $0 < 16 ? 0 : 0.05, &random) }
        let worst = largestError(panel, .ffillShift, minOverlap: 20, edge: 16)
        #expect(worst[.float64]! <= 1e-11)
        #expect(worst[.float32]! <= 1e-5)
    }
}
