import CKernels
import ClusterModel

/// What is known of each series of a block, one element per alpha and zeros for padding.
final class SeriesFacts {
    let counts: AlignedBuffer<UInt32>
    let tolerance: AlignedBuffer<Double>
    let constancy: AlignedBuffer<Double>
    let sums: AlignedBuffer<Double>
    let squares: AlignedBuffer<Double>

    init(edge: Int) {
        counts = AlignedBuffer(count: edge)
        tolerance = AlignedBuffer(count: edge)
        constancy = AlignedBuffer(count: edge)
        sums = AlignedBuffer(count: edge)
        squares = AlignedBuffer(count: edge)
    }

    var byteCount: Int { counts.byteCount + 4 * tolerance.byteCount }
}

/// The matrices of a block that go into products, all `edge` x `depth`.
enum Operands {
    case float64(OperandSet<Double>)
    case float32(OperandSet<Float>)

    init(precision: Precision, count: Int, isUniform: Bool) {
        switch precision {
        case .float64: self = .float64(OperandSet(count: count, isUniform: isUniform))
        case .float32: self = .float32(OperandSet(count: count, isUniform: isUniform))
        }
    }

    var byteCount: Int {
        switch self {
        case .float64(let set): set.byteCount
        case .float32(let set): set.byteCount
        }
    }

    func fill(
        returns: AlignedBuffer<Double>, bits: AlignedBuffer<UInt64>, surveys: [ag_survey], days: Int, depth: Int, words: Int,
        facts: SeriesFacts
    ) {
        let scratch = AlignedBuffer<Double>(count: depth + 8)
        for (alpha, survey) in surveys.enumerated() where survey.count > 0 {
            let at = alpha * depth
            let series = returns.pointer + at
            let present = bits.pointer + alpha * words
            let (sum, squares) = (facts.sums.pointer + alpha, facts.squares.pointer + alpha)
            withUnsafePointer(to: survey) { survey in
                switch self {
                case .float64(let set):
                    ag_fill_products_f64(
                        series, present, days, survey, set.x.pointer + at, set.squared.pointer + at, set.mask.pointer + at,
                        sum, squares)
                    guard let standard = set.standard else { return }
                    ag_fill_standard_f64(series, present, days, scratch.pointer, standard.pointer + at)
                case .float32(let set):
                    ag_fill_products_f32(
                        series, present, days, survey, set.x.pointer + at, set.squared.pointer + at, set.mask.pointer + at,
                        sum, squares)
                    guard let standard = set.standard else { return }
                    ag_fill_standard_f32(series, present, days, scratch.pointer, standard.pointer + at)
                }
            }
        }
    }
}

final class OperandSet<Element: GemmElement> {
    /// Returns less their median, scaled by a power of two; their squares; and 1 where there is a return.
    let x: AlignedBuffer<Element>
    let squared: AlignedBuffer<Element>
    let mask: AlignedBuffer<Element>
    /// Series of mean 0 and sum of squares 1; only where all series have returns on the same days.
    let standard: AlignedBuffer<Element>?

    init(count: Int, isUniform: Bool) {
        x = AlignedBuffer(count: count)
        squared = AlignedBuffer(count: count)
        mask = AlignedBuffer(count: count)
        standard = isUniform ? AlignedBuffer(count: count) : nil
    }

    var byteCount: Int { x.byteCount * (standard == nil ? 3 : 4) }
}

/// What the conventions that are defined per pair need besides: the values themselves and which days have one.
final class PairwiseFacts {
    let cumulative: AlignedBuffer<Double>
    /// Which days have a value, from the day before the first kept one on.
    let presence: AlignedBuffer<UInt64>
    let words: Int
    let firstKept: Int
    /// Panel days of each series' first and last value.
    let first: AlignedBuffer<Int32>
    let last: AlignedBuffer<Int32>
    /// Whether some series lacks a day between its first and its last.
    let hasGaps: Bool

    init(cumulative source: UnsafeBufferPointer<Double>, alphaCount: Int, edge: Int, days: Int, firstKept: Int) {
        self.firstKept = firstKept
        words = max(1, (days - firstKept + 1 + 63) / 64)
        cumulative = AlignedBuffer(count: edge * days)
        presence = AlignedBuffer(count: edge * words)
        first = AlignedBuffer(count: edge)
        last = AlignedBuffer(count: edge)
        if let base = source.baseAddress { cumulative.pointer.update(from: base, count: edge * days) }
        var gaps = false
        for alpha in 0..<alphaCount {
            let lacks = ag_survey_presence(
                cumulative.pointer + alpha * days, days, firstKept - 1, presence.pointer + alpha * words,
                first.pointer + alpha, last.pointer + alpha)
            gaps = gaps || lacks != 0
        }
        hasGaps = gaps
    }

    var byteCount: Int { cumulative.byteCount + presence.byteCount + first.byteCount + last.byteCount }
}
