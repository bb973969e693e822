import ClusterModel
import Kernels
import Panel

/// What a tile of a job takes on average: the one model by which plans are made, and jobs foreseen before they are measured.
///
/// - A tile is a matrix product: 2 flops for each day of the window and each of block edge squared pairs, in the job's
///   precision.
/// - Under a convention that is defined per pair, a pair of which either series lacks a day between its first and its last
///   is computed by itself: `Convention.pairFlopsPerDay` on each of its common days, in float64 whatever the job's
///   precision. Where all pairs are such, no product is made. How many there are is told by the spans of a few series, and
///   how many days they have in common as if days were missing at random.
///
/// These are flops as the kernels count them; `productFlops` says how long they take.
struct TileCost: Equatable, Sendable {
    /// One of the two pools of which every alpha is paired with every one of the other.
    struct Side {
        var alphas: Int
        var blocks: Int
        /// Of some of them; none where nothing is known, which is taken for gaps everywhere.
        var spans: [SeriesSpan]
    }

    let product: Double
    /// Of the pairs that are computed by themselves.
    let pairs: Double
    /// How many of all pairs those are; nil where the convention does not ask.
    let pairShare: Double?
    let precision: Precision

    var flops: Double { product + pairs }

    /// Flops of products that take as long, so that the peak that workers have measured of those tells the time.
    ///
    /// A pair by itself loads a value for every few flops: a job of such pairs reaches a sixth of the float64 peak (of 134
    /// GFLOP/s, 22 where one day in twenty is missing at random, and 17 where three in ten are), one of products half of
    /// theirs (`Forecast`). What missing days cost under the other conventions is left to the interval that is told: at
    /// those shares jobs of 3,000 alphas took 1.5 and 2.3 times as long as with complete data.
    var productFlops: Double { product + pairs * Self.slowdown * (precision == .float32 ? Self.float32Speedup : 1) }
    private static let slowdown = 3.0
    /// As many more values are in a vector.
    private static let float32Speedup = 2.0

    /// - Parameter columns: nil where the alphas of `rows` are paired with each other.
    init(_ parameters: CorrelationParameters, windowDays: Int, rows: Side, columns: Side? = nil) {
        var perPair = 0.0
        var share: Double?
        if parameters.convention.isPairwise {
            let found = Self.ownDays(rows.spans, columns?.spans, minOverlap: parameters.minOverlap)
            share = found?.share ?? 1
            perPair = (found?.daysPerPair ?? Double(windowDays)) * Double(parameters.convention.pairFlopsPerDay)
        }
        let (n, blocks) = (Double(rows.alphas), Double(rows.blocks))
        let pairsPerTile =
            columns.map { n * Double($0.alphas) / (blocks * Double($0.blocks)) } ?? n * (n - 1) / (blocks * (blocks + 1))
        let area = Double(parameters.blockEdge * parameters.blockEdge)
        product = share == 1 ? 0 : 2 * area * Double(windowDays)
        pairs = pairsPerTile * perPair
        pairShare = share
        precision = parameters.precision
    }

    /// Of the panels that a job has: one, or two whose alphas are paired.
    ///
    /// - Returns: nil for a job without panels, or that looks at no pairs.
    init?(_ view: JobView, panels: [Panel]) {
        guard let rows = panels.first, let parameters = try? view.correlationParameters(),
            let firstDay = try? rows.firstDay(of: parameters.window)
        else { return nil }
        let sides = panels.map { panel in
            Side(
                alphas: panel.alphaCount, blocks: panel.blockCount,
                spans: parameters.convention.isPairwise ? panel.spans(from: max(0, firstDay - 1)) : [])
        }
        self.init(
            parameters, windowDays: rows.dayCount - firstDay, rows: sides[0], columns: sides.count > 1 ? sides[1] : nil)
    }

    /// The share of pairs that are computed by themselves, and their days over all pairs; nil without any pair to tell by.
    private static func ownDays(
        _ rows: [SeriesSpan], _ columns: [SeriesSpan]?, minOverlap: Int
    ) -> (share: Double, daysPerPair: Double)? {
        var (pairs, own, days) = (0, 0, 0.0)
        for (i, a) in rows.enumerated() {
            for b in columns ?? Array(rows[(i + 1)...]) {
                pairs += 1
                let common = min(a.last, b.last) - max(a.first, b.first) + 1
                guard common > 0, a.hasGaps || b.hasGaps else { continue }
                let present = Double(common) * a.density * b.density
                // Too few for a correlation need no closer look.
                guard present >= Double(minOverlap) else { continue }
                own += 1
                days += present
            }
        }
        return pairs > 0 ? (Double(own) / Double(pairs), days / Double(pairs)) : nil
    }
}

extension SeriesSpan {
    fileprivate var density: Double { Double(count) / Double(dayCount) }
}
