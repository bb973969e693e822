import ClusterModel
import Dispatch
import Jobs
import Kernels
import Messaging
import Panel

/// Times whole correlation jobs on made-up data against the bare matrix product, turn by turn in one process.
package struct MachineBench {
    package enum Shape: String, CaseIterable, Sendable {
        /// Every alpha has every day.
        case complete
        /// Three alphas in ten begin late or end early.
        case starts
        /// The same, and one day in a hundred is missing.
        case gaps
    }

    package struct Request: Sendable {
        package var alphas: Int
        package var days: Int
        package var shape: Shape
        package var precision: Precision
        package var blockEdge: Int
        package var slots: Int
        package var runs: Int
        package init(
            alphas: Int, days: Int, shape: Shape, precision: Precision, blockEdge: Int, slots: Int, runs: Int
        ) {
            self.alphas = alphas
            self.days = days
            self.shape = shape
            self.precision = precision
            self.blockEdge = blockEdge
            self.slots = slots
            self.runs = runs
        }
    }

    package struct Result: Codable, Sendable {
        package var alphas: Int
        package var days: Int
        package var shape: String
        package var precision: String
        package var blockEdge: Int
        package var slots: Int
        package var profile: String
        /// Seconds of each whole job: prepare, multiply, reduce, merge, exact medians, nearest 10.
        package var jobSeconds: [Double]
        /// Seconds of each bare product by one thread, in turns with the jobs; empty when it would not fit in memory.
        package var productSeconds: [Double]
        /// Seconds of as many bare products as there are slots, all at once.
        package var productsTogetherSeconds: [Double]
        package var productFlops: Double
        package var digest: String
        package var twinPairs: Int
    }

    private let request: Request
    private let parameters: CorrelationParameters

    package init(_ request: Request) throws(GridError) {
        self.request = request
        parameters = try CorrelationParameters(
            window: .all, precision: request.precision, blockEdge: request.blockEdge)
    }

    /// - Parameter progress: told what is being done.
    package func run(progress: (String) -> Void) throws(GridError) -> Result {
        progress("making data")
        let panel = try Self.panel(
            alphas: request.alphas, days: request.days, shape: request.shape, blockEdge: request.blockEdge)
        let plan = CorrelationPlan(layout: PanelLayout(panel), parameters: parameters, firstDay: 0)
        let product = BareProduct(alphas: request.alphas, days: request.days, precision: request.precision)
        let others = (1..<max(1, request.slots)).compactMap { _ in
            product.flatMap { _ in BareProduct(alphas: request.alphas, days: request.days, precision: request.precision) }
        }
        var result = Result(
            alphas: request.alphas, days: request.days, shape: request.shape.rawValue,
            precision: request.precision.rawValue, blockEdge: request.blockEdge, slots: request.slots,
            profile: BLAS.profile.description, jobSeconds: [], productSeconds: [], productsTogetherSeconds: [],
            productFlops: Double(request.alphas) * Double(request.alphas + 1) * Double(request.days), digest: "",
            twinPairs: 0)
        // Cold pages and clocks are not what is measured.
        product?.syrk()
        for other in others { other.syrk() }
        for run in 0...request.runs {
            progress(run == 0 ? "warming up" : "run \(run) of \(request.runs)")
            if run > 0, let product {
                result.productSeconds.append(Self.seconds { product.syrk() })
                if !others.isEmpty {
                    result.productsTogetherSeconds.append(Self.seconds { BareProduct.runTogether([product] + others) })
                }
            }
            let start = MonotonicTime.now()
            let job = try EmbeddedRun(job: CorrelationJob(plan: plan), panel: panel, slots: request.slots)
            guard case .correlation(let outcome) = try job.outcome(progress: { _ in }) else { continue }
            let seconds = MonotonicTime.now().seconds(since: start)
            if run > 0 { result.jobSeconds.append(seconds) }
            result.digest = outcome.digest(alphaIDs: panel.alphaIDs)
            result.twinPairs = outcome.twinPairs
        }
        return result
    }

    private static func seconds(_ body: () -> Void) -> Double {
        let start = MonotonicTime.now()
        body()
        return MonotonicTime.now().seconds(since: start)
    }

    // MARK: Data

    /// Cumulative PnL of alphas that share a market: correlations around 0.2.
    package static func panel(
        alphas: Int, days: Int, shape: Shape, blockEdge: Int = CorrelationParameters.defaultBlockEdge
    ) throws(GridError) -> Panel {
        let ids = (1...alphas).map { "A\($0)" }
        let first = try Day(parsing: "2020-01-01")
        var dates: [Day] = []
        for day in 0..<days { dates.append(Day(rawValue: first.rawValue + Int32(day))) }
        let builder = try PanelBuilder(alphaIDs: ids, dates: dates, blockEdge: blockEdge)
        var market = Noise(seed: 1)
        let moves = (0..<days).map { _ in market.normal() }
        DispatchQueue.concurrentPerform(iterations: alphas) { alpha in
            var noise = Noise(seed: UInt64(alpha) + 2)
            let missing = Missing(days, shape, &noise)
            var level = 0.0
            let values = (0..<days).map { day in
                level += 500 * moves[day] + 1_000 * noise.normal()
                return missing.isMissing(day, &noise) ? Double.nan : level
            }
            values.withUnsafeBufferPointer { builder.set(alpha: alpha, values: $0) }
        }
        return try builder.finish()
    }

    private struct Missing {
        var days: Range<Int>
        var gapShare: Double

        init(_ count: Int, _ shape: Shape, _ noise: inout Noise) {
            days = 0..<count
            gapShare = shape == .gaps ? 0.01 : 0
            guard shape != .complete, noise.uniform() < 0.3 else { return }
            let cut = Int(noise.uniform() * 0.6 * Double(count))
            days = noise.uniform() < 0.5 ? cut..<count : 0..<(count - cut)
        }

        func isMissing(_ day: Int, _ noise: inout Noise) -> Bool {
            !days.contains(day) || (gapShare > 0 && noise.uniform() < gapShare)
        }
    }

    /// SplitMix64 (Steele, Lea and Flood 2014) and sums of uniforms.
    private struct Noise {
        private var state: UInt64
        init(seed: UInt64) { state = seed &* 0xD134_2543_DE82_EF95 }

        mutating func uniform() -> Double {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
        }

        mutating func normal() -> Double { (uniform() + uniform() + uniform() + uniform() - 2) * 1.732 }
    }
}
