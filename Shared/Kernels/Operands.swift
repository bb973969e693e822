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

/// Which days each series of a block has, written down as what sums over them take; see `ag_list_days`.
final class SeriesDays {
    let start: AlignedBuffer<UInt32>
    let end: AlignedBuffer<UInt32>
    let byStart: AlignedBuffer<UInt32>
    let byEnd: AlignedBuffer<UInt32>
    let listedFrom: AlignedBuffer<UInt32>
    let listed: AlignedBuffer<UInt16>
    let listsReturns: AlignedBuffer<UInt8>

    init(bits: AlignedBuffer<UInt64>, counts: AlignedBuffer<UInt32>, alphaCount: Int, edge: Int, words: Int) {
        start = AlignedBuffer(count: edge)
        end = AlignedBuffer(count: edge)
        byStart = AlignedBuffer(count: edge)
        byEnd = AlignedBuffer(count: edge)
        listedFrom = AlignedBuffer(count: edge + 1)
        listsReturns = AlignedBuffer(count: edge)
        let scratch = AlignedBuffer<UInt16>(count: words * 64)
        var all: [UInt16] = []
        for alpha in 0..<alphaCount {
            var count = 0
            ag_list_days(
                bits.pointer + alpha * words, words, counts.pointer[alpha], scratch.pointer, &count, start.pointer + alpha,
                end.pointer + alpha, listsReturns.pointer + alpha)
            all.append(contentsOf: UnsafeBufferPointer(start: scratch.pointer, count: count))
            listedFrom.pointer[alpha + 1] = UInt32(all.count)
        }
        for alpha in alphaCount..<max(alphaCount, edge) { listedFrom.pointer[alpha + 1] = UInt32(all.count) }
        listed = AlignedBuffer(count: all.count)
        listed.pointer.update(from: all, count: all.count)
        Self.order(alphaCount, by: start, into: byStart)
        Self.order(alphaCount, by: end, into: byEnd)
    }

    private static func order(_ count: Int, by key: AlignedBuffer<UInt32>, into order: AlignedBuffer<UInt32>) {
        let sorted = (0..<UInt32(count)).sorted { (key.pointer[Int($0)], $0) < (key.pointer[Int($1)], $1) }
        order.pointer.update(from: sorted, count: count)
    }

    var byteCount: Int { 5 * start.byteCount + listed.byteCount + listsReturns.byteCount }
}

/// The matrices of a block that go into products and sums.
enum Operands {
    case float64(OperandSet<Double>)
    case float32(OperandSet<Float>)

    init(precision: Precision, edge: Int, depth: Int, isUniform: Bool) {
        switch precision {
        case .float64: self = .float64(OperandSet(edge: edge, depth: depth, isUniform: isUniform))
        case .float32: self = .float32(OperandSet(edge: edge, depth: depth, isUniform: isUniform))
        }
    }

    var byteCount: Int {
        switch self {
        case .float64(let set): set.byteCount
        case .float32(let set): set.byteCount
        }
    }

    var strips: UnsafeRawPointer {
        switch self {
        case .float64(let set): UnsafeRawPointer(set.strips.pointer)
        case .float32(let set): UnsafeRawPointer(set.strips.pointer)
        }
    }

    func fill(
        returns: AlignedBuffer<Double>, bits: AlignedBuffer<UInt64>, surveys: [ag_survey], days: Int, edge: Int, depth: Int,
        words: Int, facts: SeriesFacts
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
                    ag_fill_products_f64(series, present, words, survey, set.x.pointer + at, sum, squares)
                    guard let standard = set.standard else { return }
                    ag_fill_standard_f64(series, present, days, scratch.pointer, standard.pointer + at)
                case .float32(let set):
                    ag_fill_products_f32(series, present, words, survey, set.x.pointer + at, sum, squares)
                    guard let standard = set.standard else { return }
                    ag_fill_standard_f32(series, present, days, scratch.pointer, standard.pointer + at)
                }
            }
        }
        switch self {
        case .float64(let set): ag_fill_strips_f64(set.x.pointer, edge, depth, set.strips.pointer)
        case .float32(let set): ag_fill_strips_f32(set.x.pointer, edge, depth, set.strips.pointer)
        }
    }
}

final class OperandSet<Element: GemmElement> {
    /// Returns less their median, scaled by a power of two; `edge` x `depth`, 0 where there is none.
    let x: AlignedBuffer<Element>
    /// The same, 16 series at a time day by day.
    let strips: AlignedBuffer<Element>
    /// Series of mean 0 and sum of squares 1; only where all series have returns on the same days.
    let standard: AlignedBuffer<Element>?

    init(edge: Int, depth: Int, isUniform: Bool) {
        x = AlignedBuffer(count: edge * depth)
        strips = AlignedBuffer(count: (edge + AG_STRIP - 1) / AG_STRIP * AG_STRIP * depth)
        standard = isUniform ? AlignedBuffer(count: edge * depth) : nil
    }

    var byteCount: Int { x.byteCount + strips.byteCount + (standard?.byteCount ?? 0) }
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
