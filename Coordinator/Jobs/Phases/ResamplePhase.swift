import ClusterModel
import Clustering

/// The same clustering on panels made of the days of a panel, a task each.
final class ResamplePhase: JobPhase {
    private let tasks: [ResampleTask]
    private let pointCount: Int
    /// Of a bootstrap, per task and point its cluster, or `Consensus.absent`.
    private(set) var labels: [[Int]] = []
    /// Of references, per task the dispersion of 1, 2, ... clusters.
    private(set) var dispersions: [[Double]] = []
    private var isBegun = false

    /// - Throws: `GridError(.usage)` when there are more blocks than one task may have.
    init(
        plan: CorrelationPlan, method: Linkage.Method, purpose: ResampleTask.Purpose, count: Int, seed: UInt64
    ) throws(GridError) {
        guard plan.layout.blockCount <= Limits.blocksPerTaskMax else {
            throw GridError(
                .usage,
                "drawing days again is for at most \(Limits.blocksPerTaskMax) blocks of alphas, and there are "
                    + "\(plan.layout.blockCount): choose a larger block_edge")
        }
        let tiles = plan.wholeTask()
        var generator = SeededGenerator(seed: seed)
        tasks = (0..<count).map { _ in
            ResampleTask(tiles: tiles, seed: generator.next(), method: method, purpose: purpose)
        }
        pointCount = plan.layout.alphaCount
        labels = Array(repeating: [], count: count)
        dispersions = labels.map { _ in [] }
    }

    func next() -> JobStage? {
        guard !isBegun, let first = tasks.first else { return nil }
        isBegun = true
        let name =
            switch first.purpose {
            case .bootstrap: "resample \(first.method.rawValue)"
            case .reference: "references of \(first.method.rawValue)"
            }
        var seeds = ByteWriter()
        for task in tasks { seeds.write(task.seed) }
        let basis = Payload(copying: first.encoded() + seeds.bytes)
        return JobStage(
            name: name, plan: PlanHash(stage: name, of: [basis]), kind: "resample", taskCount: tasks.count, grid: nil,
            tileCount: 0
        ) { [tasks] in Payload(copying: tasks[$0].encoded()) }
    }

    func merge(task index: Int, partial: Payload) throws(GridError) {
        var reader = ByteReader(partial, what: "resample partial")
        switch tasks[index].purpose {
        case .bootstrap:
            let found: [Int32] = try reader.readArray(count: pointCount)
            guard found.allSatisfy({ ($0 >= 0 && $0 < Limits.clustersMax) || $0 == Consensus.absent }) else {
                throw reader.malformed("a label is out of range")
            }
            labels[index] = found.map { Int($0) }
        case .reference(let clusters):
            dispersions[index] = try reader.readArray(count: clusters)
        }
        try reader.expectEnd()
        withExtendedLifetime(partial) {}
    }
}
