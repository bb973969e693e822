import CKernels
import ClusterModel
import Panel
import Synchronization

/// The operands of one block of alphas under a convention, a precision and a window: what tiles are computed from.
///
/// Memory layout as in `ckernels.h`. Kept days begin where the first return can be; products are only made of returns
/// that count, so a series without any, or constant as a whole, has zeros and no bits.
///
/// Written in `init` and read-only from then on, but for what is made under a lock when a tile first needs it; hence safe
/// to share between threads.
package final class PreparedBlock: @unchecked Sendable {
    package let alphaCount: Int
    package let blockEdge: Int
    package let dayCount: Int
    package let convention: Convention
    package let precision: Precision
    package let firstDay: Int

    /// Alphas with returns that count.
    let liveCount: Int
    /// Days on which some, and on which every, such alpha has a return.
    private let unionBits: [UInt64]
    private let commonBits: [UInt64]
    /// Days every such alpha has a return on, where they all have the same.
    let uniformDays: Int?

    let series: SurveyedSeries
    /// Series of mean 0 and sum of squares 1, where all have returns on the same days.
    let standard: Operands?
    /// Whether products are made by `ag_multiply`.
    let multipliesStrips: Bool
    private let centredBytes: Int
    private let madeLater = Mutex<CentredSeries?>(nil)
    let pairwise: PairwiseFacts?

    var depth: Int { series.depth }

    /// - Parameters:
    ///   - cumulative: `blockEdge` x `dayCount`, one alpha after the other, NaN where missing; alphas from `alphaCount`
    ///     on are missing throughout. Only read during the call.
    ///   - firstDay: index of the first date whose return counts.
    ///   - multipliesStrips: tests try both ways; a process keeps to one.
    package init(
        cumulative: UnsafeBufferPointer<Double>, alphaCount: Int, blockEdge: Int, dayCount: Int, convention: Convention,
        precision: Precision, firstDay: Int, multipliesStrips: Bool = BLAS.multipliesStrips
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
        let series = SurveyedSeries(
            cumulative, alphaCount: alphaCount, edge: blockEdge, dayCount: dayCount, firstKept: firstKept, convention: convention)
        self.series = series
        self.multipliesStrips = multipliesStrips
        liveCount = series.liveCount
        (unionBits, commonBits) = series.unionAndCommonDays()
        let isUniform = liveCount > 0 && unionBits == commonBits
        uniformDays = isUniform ? unionBits.reduce(0) { $0 + $1.nonzeroBitCount } : nil
        standard = isUniform ? series.standardised(precision, inStrips: multipliesStrips) : nil
        centredBytes = CentredSeries.byteCount(series, precision: precision, inRows: !multipliesStrips)
        pairwise =
            convention.isPairwise
            ? PairwiseFacts(cumulative: cumulative, alphaCount: alphaCount, edge: blockEdge, days: dayCount, firstKept: firstKept)
            : nil
        if !isUniform { _ = centred }
    }

    /// With what may be made later.
    package var byteCount: Int {
        series.byteCount + (standard?.byteCount ?? 0) + centredBytes + (pairwise?.byteCount ?? 0)
    }

    /// Made when first needed: a panel without missing days never does.
    var centred: CentredSeries {
        madeLater.withLock { made in
            if let made { return made }
            let new = CentredSeries(series, precision: precision, inRows: !multipliesStrips)
            made = new
            return new
        }
    }

    /// Whether all alphas of both blocks that count have their returns on the same days.
    func isUniform(with other: PreparedBlock) -> Bool {
        uniformDays != nil && other.uniformDays != nil && (self === other || unionBits == other.unionBits)
    }

    /// Whether every alpha of this block that counts has a return wherever one of `other` has.
    func covers(_ other: PreparedBlock) -> Bool {
        zip(other.unionBits, commonBits).allSatisfy { $0 & ~$1 == 0 }
    }

    /// The block as the C kernels see it; valid as long as this object lives.
    ///
    /// - Parameter centred: what tiles with missing days need, or nil.
    func view(_ centred: CentredSeries?) -> ag_block {
        var block = ag_block()
        block.edge = blockEdge
        block.alphas = alphaCount
        block.depth = series.depth
        block.words = series.words
        block.live = liveCount
        block.returns = UnsafePointer(series.returns.pointer)
        block.bits = UnsafePointer(series.bits.pointer)
        block.counts = UnsafePointer(series.counts.pointer)
        block.tolerance = UnsafePointer(series.tolerance.pointer)
        block.is_float = precision == .float32 ? 1 : 0
        if let centred {
            block.constancy = UnsafePointer(centred.constancy.pointer)
            block.sums = UnsafePointer(centred.sums.pointer)
            block.squares = UnsafePointer(centred.squares.pointer)
            block.strips = centred.x.strips
            block.run_start = UnsafePointer(centred.days.start.pointer)
            block.run_end = UnsafePointer(centred.days.end.pointer)
            block.by_start = UnsafePointer(centred.days.byStart.pointer)
            block.by_end = UnsafePointer(centred.days.byEnd.pointer)
            block.listed_from = UnsafePointer(centred.days.listedFrom.pointer)
            block.listed = UnsafePointer(centred.days.listed.pointer)
            block.lists_returns = UnsafePointer(centred.days.listsReturns.pointer)
        }
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
}
