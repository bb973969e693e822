import ClusterModel
import Jobs
import Panel
import WorkerRuntime

/// A panel of alphas that belong to known groups: a common factor of the group and noise of their own, late starters and
/// missing days. Everything follows from the seed.
struct GroupedPanel {
    let panel: Panel
    /// By the bytewise rank of the ids.
    let groups: [Int]
    let returns: [[Double]]
    /// By rank, whether the series is of the even ones in the order in which they were made.
    let kinds: [Int]

    /// - Parameters:
    ///   - share: of the factor in a return's standard deviation, 0 ... 1.
    ///   - strays: alphas of no group, numbered behind the groups.
    ///   - idlers: alphas behind the strays that earn the same every day, but for what rounding makes of it.
    ///   - later: the last so many alphas come to a panel that has the others, and so have blocks of their own.
    ///   - scale: of the returns of each alpha, by the order in which they are made.
    init(
        groups groupCount: Int = 4, perGroup: Int = 20, strays: Int = 0, days: Int = 300, share: Double = 0.9,
        gaps: Double = 0.01,
        blockEdge: Int = 16, seed: UInt64 = 5,
        hermits: Int = 0, idlers: Int = 0, later: Int = 0, scale: (Int) -> Double = { _ in 1 }
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let factors = (0..<groupCount).map { _ in (0..<days).map { _ in generator.normal() } }
        let count = groupCount * perGroup + strays + idlers
        var ids: [String] = []
        var values: [Double] = []
        var labels: [String: Int] = [:]
        var kindOf: [String: Int] = [:]
        for alpha in 0..<count {
            let isStray = alpha >= groupCount * perGroup
            let group = isStray ? groupCount + alpha : alpha % groupCount
            let id = "A\((alpha * 7_919) % 10_007)"
            ids.append(id)
            labels[id] = group
            kindOf[id] = alpha % 2
            // A hermit has too few days to be compared with anybody.
            let start = alpha < hermits ? days - 10 : alpha % 7 == 3 ? days / 5 : 0
            var total = 0.0
            for day in 0..<days {
                if alpha >= count - idlers {
                    values.append(1e6 + 0.1 * Double(1 + count - alpha) * Double(day))
                    continue
                }
                let common = isStray ? 0 : factors[group][day] * share
                total += scale(alpha) * (common + generator.normal() * (1 - share * share).squareRoot())
                values.append(day < start || generator.uniform() < gaps ? .nan : total)
            }
        }
        let dates = (0..<days).map { Day(rawValue: Int32(19_000 + $0)) }
        func filled(_ builder: PanelBuilder, _ alphas: Range<Int>) throws -> Panel {
            for alpha in alphas {
                for day in 0..<days where !values[alpha * days + day].isNaN {
                    builder.set(alpha: alpha, day: day, value: values[alpha * days + day])
                }
            }
            return try builder.finish()
        }
        let first = count - later
        let old = try filled(PanelBuilder(alphaIDs: Array(ids[..<first]), dates: dates, blockEdge: blockEdge), 0..<first)
        panel =
            later == 0
            ? old : try filled(PanelBuilder(refreshing: old, alphaIDs: ids, dates: dates, stale: []), first..<count)
        let positions = panel.idOrder.map { Int($0) }
        groups = positions.map { [panel] in labels[panel.alphaIDs[$0]] ?? -1 }
        kinds = positions.map { [panel] in kindOf[panel.alphaIDs[$0]] ?? -1 }
        returns = positions.map { [panel] position in
            var returns = [Double](repeating: .nan, count: days)
            returns.withUnsafeMutableBufferPointer { Convention.ffillShift.returns(of: panel.series(position), into: $0) }
            return returns
        }
    }

    func plan(minOverlap: Int = 20) throws -> CorrelationPlan {
        let parameters = try CorrelationParameters(
            convention: .ffillShift, window: .all, minOverlap: minOverlap, precision: .float64, blockEdge: panel.blockEdge)
        return CorrelationPlan(layout: PanelLayout(panel), parameters: parameters, firstDay: 0)
    }

    /// Pearson's r over the common days by its definition; NaN below `minOverlap`.
    func r(_ a: Int, _ b: Int, minOverlap: Int = 20) -> Double {
        let common = returns[a].indices.filter { !returns[a][$0].isNaN && !returns[b][$0].isNaN }
        guard common.count >= minOverlap else { return .nan }
        let n = Double(common.count)
        let (x, y) = (common.map { returns[a][$0] }, common.map { returns[b][$0] })
        let (mx, my) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
        let xy = zip(x, y).reduce(0.0) { $0 + ($1.0 - mx) * ($1.1 - my) }
        let xx = x.reduce(0.0) { $0 + ($1 - mx) * ($1 - mx) }
        let yy = y.reduce(0.0) { $0 + ($1 - my) * ($1 - my) }
        return xy / (xx * yy).squareRoot()
    }

    /// Runs a job with the real kernels, on this thread, the tasks of each stage in an order that the seed decides.
    ///
    /// - Parameters:
    ///   - other: a panel that the job reads too.
    ///   - saw: told of each stage with its number of tasks, and of what the job does by itself with nil.
    func run(
        _ job: any GridJob, shuffle: UInt64 = 1, beside other: Panel? = nil,
        saw: @escaping (_ name: String, _ tasks: Int?) -> Void = { _, _ in }
    ) throws -> JobOutcome {
        let executor = TaskExecutor(source: PanelBlocks([panel] + (other.map { [$0] } ?? [])), cache: BlockCache(bytesMax: .max))
        let slot = executor.makeSlot()
        var generator = SeededGenerator(seed: shuffle)
        while true {
            switch try job.next(telling: { saw($0, nil) }) {
            case .publish(let outcome): return outcome
            case .stage(let stage):
                saw(stage.name, stage.taskCount)
                for task in (0..<stage.taskCount).shuffled(using: &generator) {
                    try job.merge(task: task, partial: try slot.run(kind: stage.kind, payload: stage.payload(task)).payload)
                }
            }
        }
    }
}
