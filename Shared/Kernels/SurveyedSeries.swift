import CKernels
import ClusterModel
import Panel

/// The returns of a block's series under a convention and a window, and what one look at each of them tells; zeros for
/// padding. Memory layout as in `ckernels.h`.
///
/// Written in `init`, read-only from then on.
final class SurveyedSeries {
    let alphaCount: Int
    let edge: Int
    /// Days a return can end on, rounded up to 16, at least 16.
    let depth: Int
    let keptDays: Int
    let words: Int
    let returns: AlignedBuffer<Double>
    let bits: AlignedBuffer<UInt64>
    let counts: AlignedBuffer<UInt32>
    let tolerance: AlignedBuffer<Double>
    let surveys: AlignedBuffer<ag_survey>

    /// A constant is judged by the largest |input value| of the whole panel series, not only of the days kept.
    init(
        _ cumulative: UnsafeBufferPointer<Double>, alphaCount: Int, edge: Int, dayCount: Int, firstKept: Int,
        convention: Convention
    ) {
        self.alphaCount = alphaCount
        self.edge = edge
        keptDays = max(0, dayCount - firstKept)
        depth = max(16, (keptDays + 15) / 16 * 16)
        words = (depth + 63) / 64
        returns = AlignedBuffer(count: edge * depth, zeroed: false)
        bits = AlignedBuffer(count: edge * words)
        counts = AlignedBuffer(count: edge)
        tolerance = AlignedBuffer(count: edge)
        surveys = AlignedBuffer(count: edge)
        let all = AlignedBuffer<Double>(count: dayCount, zeroed: false)
        for alpha in 0..<alphaCount {
            let values = UnsafeBufferPointer(rebasing: cumulative[(alpha * dayCount)..<((alpha + 1) * dayCount)])
            let kept = returns.pointer + alpha * depth
            // Without missing values these conventions are one and the same.
            let isDifference = convention != .dailyPnL && convention != .alphadatabank && firstKept < dayCount
            if !isDifference || ag_complete_returns(values.baseAddress, dayCount, firstKept, kept) == 0 {
                convention.returns(of: values, into: UnsafeMutableBufferPointer(start: all.pointer, count: dayCount))
                if keptDays > 0 { kept.update(from: all.pointer + firstKept, count: keptDays) }
            }
            tolerance.pointer[alpha] = convention.tolerance(of: values)
            ag_survey_returns(
                kept, keptDays, depth, tolerance.pointer[alpha], bits.pointer + alpha * words, surveys.pointer + alpha)
            counts.pointer[alpha] = surveys.pointer[alpha].count
        }
    }

    func returns(of alpha: Int) -> UnsafePointer<Double> { UnsafePointer(returns.pointer + alpha * depth) }
    func bits(of alpha: Int) -> UnsafePointer<UInt64> { UnsafePointer(bits.pointer + alpha * words) }

    /// The survey of a series with its centre and what that tells; for one whose returns count.
    func centredSurvey(of alpha: Int) -> ag_survey {
        var survey = surveys.pointer[alpha]
        ag_centre_series(returns(of: alpha), bits(of: alpha), words, tolerance.pointer[alpha], &survey)
        return survey
    }

    /// Alphas with returns that count.
    var liveCount: Int { (0..<alphaCount).count { counts.pointer[$0] > 0 } }

    /// Days on which some, and on which every, alpha that counts has a return.
    func unionAndCommonDays() -> (union: [UInt64], common: [UInt64]) {
        var union = [UInt64](repeating: 0, count: words)
        var common = [UInt64](repeating: .max, count: words)
        for alpha in 0..<alphaCount where counts.pointer[alpha] > 0 {
            let bits = bits(of: alpha)
            for word in 0..<words {
                union[word] |= bits[word]
                common[word] &= bits[word]
            }
        }
        return (union, common)
    }

    /// Every series less its mean, over the root of its sum of squared deviations, on the days it has.
    func standardised(_ precision: Precision, inStrips: Bool) -> Operands {
        let scratch = AlignedBuffer<Double>(count: depth + 8, zeroed: false)
        return Operands(
            precision, edge: edge, depth: depth, inStrips: inStrips, inRows: !inStrips, seed: seed
        ) { alpha, row in
            guard alpha < alphaCount, counts.pointer[alpha] > 0 else { return false }
            ag_fill_standard(returns(of: alpha), bits(of: alpha), depth, surveys.pointer + alpha, scratch.pointer, row)
            return true
        }
    }

    /// A number that other series hardly have.
    var seed: UInt64 {
        var seed = UInt64(alphaCount)
        for alpha in 0..<alphaCount { seed = (seed ^ returns.pointer[alpha * depth].bitPattern) &* 0x9E37_79B9_7F4A_7C15 }
        return seed
    }

    var byteCount: Int {
        returns.byteCount + bits.byteCount + counts.byteCount + tolerance.byteCount + surveys.byteCount
    }
}
