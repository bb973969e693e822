import CKernels
import ClusterModel
import Panel

/// The operands of one block of alphas under a convention, a precision and a window: what tiles are computed from.
///
/// Memory layout as in `ckernels.h`. Kept days begin where the first return can be; products are only made of returns
/// that count, so a series without any, or constant as a whole, has zeros and no bits.
///
/// Written in `init`, read-only from then on; hence safe to share between threads.
package final class PreparedBlock: @unchecked Sendable {
    package let alphaCount: Int
    package let blockEdge: Int
    package let dayCount: Int
    package let convention: Convention
    package let precision: Precision
    package let firstDay: Int

    /// Days a return can end on, and their number rounded up to 16, at least 16.
    let keptDays: Int
    let depth: Int
    let words: Int
    /// Alphas with returns that count.
    let liveCount: Int
    /// Days on which some, and on which every, such alpha has a return.
    let unionBits: [UInt64]
    let commonBits: [UInt64]

    let operands: Operands
    private let returns: AlignedBuffer<Double>
    private let bits: AlignedBuffer<UInt64>
    private let facts: SeriesFacts
    private let days: SeriesDays
    private let pairwise: PairwiseFacts?

    /// - Parameters:
    ///   - cumulative: `blockEdge` x `dayCount`, one alpha after the other, NaN where missing; alphas from `alphaCount`
    ///     on are missing throughout. Only read during the call.
    ///   - firstDay: index of the first date whose return counts.
    package init(
        cumulative: UnsafeBufferPointer<Double>, alphaCount: Int, blockEdge: Int, dayCount: Int, convention: Convention,
        precision: Precision, firstDay: Int
    ) {
        precondition((0...blockEdge).contains(alphaCount) && blockEdge > 0 && dayCount > 0 && firstDay >= 0)
        precondition(cumulative.count == blockEdge * dayCount, "a block holds blockEdge x dayCount values")
        self.alphaCount = alphaCount
        self.blockEdge = blockEdge
        self.dayCount = dayCount
        self.convention = convention
        self.precision = precision
        self.firstDay = firstDay

        // No convention but daily-pnl has a return on the panel's first day: leaving it out keeps blocks without
        // missing returns on the fast path.
        let firstKept = max(firstDay, convention == .dailyPnL ? 0 : 1)
        keptDays = max(0, dayCount - firstKept)
        depth = max(16, (keptDays + 15) / 16 * 16)
        words = (depth + 63) / 64
        returns = AlignedBuffer(count: blockEdge * depth)
        bits = AlignedBuffer(count: blockEdge * words)
        facts = SeriesFacts(edge: blockEdge)
        let surveys = Self.survey(
            cumulative: cumulative, alphaCount: alphaCount, dayCount: dayCount, firstKept: firstKept, keptDays: keptDays,
            depth: depth, convention: convention, returns: returns, bits: bits, facts: facts)

        var union = [UInt64](repeating: 0, count: words)
        var common = [UInt64](repeating: .max, count: words)
        for alpha in 0..<alphaCount where surveys[alpha].count > 0 {
            for word in 0..<words {
                union[word] |= bits.pointer[alpha * words + word]
                common[word] &= bits.pointer[alpha * words + word]
            }
        }
        unionBits = union
        commonBits = common
        liveCount = surveys.count { $0.count > 0 }

        days = SeriesDays(bits: bits, counts: facts.counts, alphaCount: alphaCount, edge: blockEdge, words: words)
        operands = Operands(
            precision: precision, edge: blockEdge, depth: depth, isUniform: liveCount > 0 && union == common)
        operands.fill(
            returns: returns, bits: bits, surveys: surveys, days: keptDays, edge: blockEdge, depth: depth, words: words,
            facts: facts)
        pairwise =
            convention.isPairwise
            ? PairwiseFacts(cumulative: cumulative, alphaCount: alphaCount, edge: blockEdge, days: dayCount, firstKept: firstKept)
            : nil
    }

    package var byteCount: Int {
        returns.byteCount + bits.byteCount + operands.byteCount + facts.byteCount + days.byteCount + (pairwise?.byteCount ?? 0)
    }

    /// Whether every alpha of this block that counts has a return wherever one of `other` has.
    func covers(_ other: PreparedBlock) -> Bool {
        zip(other.unionBits, commonBits).allSatisfy { $0 & ~$1 == 0 }
    }

    /// The block as the C kernels see it; valid as long as this object lives.
    var view: ag_block {
        var block = ag_block()
        block.edge = blockEdge
        block.alphas = alphaCount
        block.depth = depth
        block.words = words
        block.returns = UnsafePointer(returns.pointer)
        block.bits = UnsafePointer(bits.pointer)
        block.counts = UnsafePointer(facts.counts.pointer)
        block.tolerance = UnsafePointer(facts.tolerance.pointer)
        block.constancy = UnsafePointer(facts.constancy.pointer)
        block.sums = UnsafePointer(facts.sums.pointer)
        block.squares = UnsafePointer(facts.squares.pointer)
        block.strips = operands.strips
        block.is_float = precision == .float32 ? 1 : 0
        block.run_start = UnsafePointer(days.start.pointer)
        block.run_end = UnsafePointer(days.end.pointer)
        block.by_start = UnsafePointer(days.byStart.pointer)
        block.by_end = UnsafePointer(days.byEnd.pointer)
        block.listed_from = UnsafePointer(days.listedFrom.pointer)
        block.listed = UnsafePointer(days.listed.pointer)
        block.lists_returns = UnsafePointer(days.listsReturns.pointer)
        guard let pairwise else { return block }
        block.cumulative = UnsafePointer(pairwise.cumulative.pointer)
        block.days = dayCount
        block.first_kept = pairwise.firstKept
        block.presence = UnsafePointer(pairwise.presence.pointer)
        block.presence_words = pairwise.words
        block.first = UnsafePointer(pairwise.first.pointer)
        block.last = UnsafePointer(pairwise.last.pointer)
        block.has_gaps = pairwise.hasGaps ? 1 : 0
        block.relative = convention == .alphadatabank ? 1 : 0
        return block
    }

    /// Computes returns and what is known of each series from them. A constant is judged by the largest |input value|
    /// of the whole panel series, not only of the days kept.
    private static func survey(
        cumulative: UnsafeBufferPointer<Double>, alphaCount: Int, dayCount: Int, firstKept: Int, keptDays: Int, depth: Int,
        convention: Convention, returns: AlignedBuffer<Double>, bits: AlignedBuffer<UInt64>, facts: SeriesFacts
    ) -> [ag_survey] {
        let words = (depth + 63) / 64
        let all = AlignedBuffer<Double>(count: dayCount)
        let scratch = AlignedBuffer<Double>(count: depth)
        var surveys = [ag_survey](repeating: ag_survey(), count: alphaCount)
        for alpha in 0..<alphaCount {
            let series = UnsafeBufferPointer(rebasing: cumulative[(alpha * dayCount)..<((alpha + 1) * dayCount)])
            convention.returns(of: series, into: UnsafeMutableBufferPointer(start: all.pointer, count: dayCount))
            let kept = returns.pointer + alpha * depth
            if keptDays > 0 { kept.update(from: all.pointer + firstKept, count: keptDays) }
            facts.tolerance.pointer[alpha] = ag_largest_magnitude(series.baseAddress, dayCount) * 0x1p-50
            ag_survey_series(
                kept, keptDays, words, facts.tolerance.pointer[alpha], bits.pointer + alpha * words, scratch.pointer,
                &surveys[alpha])
            facts.counts.pointer[alpha] = surveys[alpha].count
            facts.constancy.pointer[alpha] = surveys[alpha].constancy
        }
        return surveys
    }
}
