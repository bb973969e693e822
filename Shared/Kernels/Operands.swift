import CKernels
import ClusterModel

/// One matrix of a block that goes into products: a row of `depth` values per series, in the layouts that are needed.
final class Operand<Element: GemmElement> {
    /// 16 series at a time, day by day: what `ag_multiply` and the sums read.
    let strips: AlignedBuffer<Element>?
    /// One series after the other: what OpenBLAS reads.
    let rows: AlignedBuffer<Element>?
    /// Of what products read.
    let sums: OperandSums
    private let edge: Int
    private let depth: Int

    /// - Parameters:
    ///   - seed: see `OperandSums`.
    ///   - fill: writes the `depth` values of a series; returns false where they are all zero.
    init(
        edge: Int, depth: Int, inStrips: Bool, inRows: Bool, seed: UInt64,
        fill: (_ series: Int, UnsafeMutablePointer<Double>) -> Bool
    ) {
        (self.edge, self.depth) = (edge, depth)
        let lanes = Int(AG_STRIP)
        let count = (edge + lanes - 1) / lanes
        strips = inStrips ? AlignedBuffer(count: count * lanes * depth, zeroed: false) : nil
        rows = inRows ? AlignedBuffer(count: edge * depth, zeroed: false) : nil
        let scratch = AlignedBuffer<Double>(count: lanes * depth, zeroed: false)
        for strip in 0..<count {
            for lane in 0..<lanes {
                let (series, row) = (strip * lanes + lane, scratch.pointer + lane * depth)
                if series >= edge || !fill(series, row) { row.update(repeating: 0, count: depth) }
                if let rows, series < edge {
                    for day in 0..<depth { rows.pointer[series * depth + day] = Element(row[day]) }
                }
            }
            if let strips { Element.fill(strip: strips.pointer + strip * lanes * depth, from: scratch.pointer, depth: depth) }
        }
        sums = OperandSums(Self.view(rows, strips, edge, depth), seed: seed)
    }

    /// What products read: rows where there are some, as OpenBLAS then multiplies.
    var view: ag_operand { Self.view(rows, strips, edge, depth) }

    private static func view(
        _ rows: AlignedBuffer<Element>?, _ strips: AlignedBuffer<Element>?, _ edge: Int, _ depth: Int
    ) -> ag_operand {
        ag_operand(
            values: (rows ?? strips).map { UnsafeRawPointer($0.pointer) }, edge: edge, depth: depth,
            is_float: Element.isFloat ? 1 : 0, in_strips: rows == nil ? 1 : 0)
    }

    var byteCount: Int { (strips?.byteCount ?? 0) + (rows?.byteCount ?? 0) + sums.byteCount }
}

/// One matrix of a block in the job's precision.
enum Operands {
    case float64(Operand<Double>)
    case float32(Operand<Float>)

    init(
        _ precision: Precision, edge: Int, depth: Int, inStrips: Bool, inRows: Bool, seed: UInt64,
        fill: (_ series: Int, UnsafeMutablePointer<Double>) -> Bool
    ) {
        switch precision {
        case .float64:
            self = .float64(Operand(edge: edge, depth: depth, inStrips: inStrips, inRows: inRows, seed: seed, fill: fill))
        case .float32:
            self = .float32(Operand(edge: edge, depth: depth, inStrips: inStrips, inRows: inRows, seed: seed, fill: fill))
        }
    }

    var byteCount: Int {
        switch self {
        case .float64(let operand): operand.byteCount
        case .float32(let operand): operand.byteCount
        }
    }

    var strips: UnsafeRawPointer? {
        switch self {
        case .float64(let operand): operand.strips.map { UnsafeRawPointer($0.pointer) }
        case .float32(let operand): operand.strips.map { UnsafeRawPointer($0.pointer) }
        }
    }
}

/// What tiles need of a block whose series do not all have returns on the days of the other block: returns less their
/// centre, scaled by a power of two and zero where there is none; what their sums are; and which days they have.
///
/// Written in `init`, read-only from then on; hence safe to share between threads.
final class CentredSeries: @unchecked Sendable {
    let x: Operands
    let constancy: AlignedBuffer<Double>
    let sums: AlignedBuffer<Double>
    let squares: AlignedBuffer<Double>
    let days: SeriesDays

    init(_ series: SurveyedSeries, precision: Precision, inRows: Bool) {
        constancy = AlignedBuffer(count: series.edge)
        sums = AlignedBuffer(count: series.edge)
        squares = AlignedBuffer(count: series.edge)
        let (constancy, sums, squares) = (constancy, sums, squares)
        x = Operands(
            precision, edge: series.edge, depth: series.depth, inStrips: true, inRows: inRows, seed: series.seed
        ) { alpha, row in
            guard alpha < series.alphaCount, series.counts.pointer[alpha] > 0 else { return false }
            let returns = series.returns(of: alpha)
            var survey = series.centredSurvey(of: alpha)
            ag_fill_centred(
                returns, series.depth, &survey, precision == .float32 ? 1 : 0, row, sums.pointer + alpha, squares.pointer + alpha)
            constancy.pointer[alpha] = survey.constancy
            return true
        }
        days = SeriesDays(series)
    }

    /// Bytes that `init` will take, at most.
    static func byteCount(_ series: SurveyedSeries, precision: Precision, inRows: Bool) -> Int {
        let element = precision == .float32 ? 4 : 8
        let strips = (series.edge + Int(AG_STRIP) - 1) / Int(AG_STRIP) * Int(AG_STRIP)
        let listed = (0..<series.alphaCount).reduce(0) {
            let count = Int(series.counts.pointer[$1])
            return $0 + min(count, series.depth - count) * 2
        }
        return (strips + (inRows ? series.edge : 0)) * series.depth * element + series.edge * 64 + series.depth * 8 + listed
    }
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

    init(_ series: SurveyedSeries) {
        let (alphaCount, edge, words) = (series.alphaCount, series.edge, series.words)
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
                series.bits(of: alpha), words, series.counts.pointer[alpha], scratch.pointer, &count, start.pointer + alpha,
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
        cumulative = AlignedBuffer(count: edge * days, zeroed: false)
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
