import ClusterModel
import Clustering

/// All distances at once, for methods that cannot do with less.
final class MatrixPhase: JobPhase {
    private let plan: CorrelationPlan
    private let distance: CorrelationDistance
    /// Of all points, NaN where undefined; whole when there is no further stage.
    let distances: CondensedDistances
    /// Writes to the same memory, before anybody else reads it.
    private let memory: UnsafeMutablePointer<Double>
    private var pairStage: PairStage?

    /// - Throws: `GridError(.usage)` with the figure when there are too many alphas.
    init(plan: CorrelationPlan, distance: CorrelationDistance) throws {
        self.plan = plan
        self.distance = distance
        distances = try CondensedDistances(count: plan.layout.alphaCount) { _ in }
        memory = UnsafeMutablePointer(mutating: distances.values.baseAddress!)
    }

    func next() -> JobStage? {
        guard pairStage == nil else { return nil }
        let stage = Self.stage(of: plan)
        pairStage = stage
        return stage.stage
    }

    /// A tile of 512 alphas has 2 MiB of values, a task of 16 of them 32 MiB.
    static func stage(of plan: CorrelationPlan) -> PairStage {
        plan.pairStage(name: "distances", groupMax: 4) { _ in .values }
    }

    func merge(task index: Int, partial payload: Payload) throws(GridError) {
        guard let task = pairStage?.task(index) else { return }
        guard case .values(let tiles) = try PairPartial(decoding: payload, of: task) else {
            throw GridError(.usage, "the partial of task \(index) is of another kind")
        }
        guard tiles.allSatisfy(\.areCorrelations) else {
            throw GridError(.usage, "the partial of task \(index) has correlations beyond -1 to 1")
        }
        for (tile, values) in zip(task.tiles.tiles, tiles) {
            let (row, column) = (task.tiles.blocks[Int(tile.row)], task.tiles.blocks[Int(tile.column)])
            for i in 0..<row.alphaCount {
                let (point, line) = (Int(row.ranks[i]), i * column.alphaCount)
                for j in (tile.row == tile.column ? i + 1 : 0)..<max(column.alphaCount, i + 1) where j < column.alphaCount {
                    let place = CondensedDistances.index(point, Int(column.ranks[j]), of: distances.count)
                    memory[place] = distance(values[line + j])
                }
            }
        }
    }
}

extension CorrelationValues {
    /// Whether all are from -1 to 1, or undefined.
    fileprivate var areCorrelations: Bool {
        switch self {
        case .float64(let values): values.allSatisfy { !($0.magnitude > 1) }
        case .float32(let values): values.allSatisfy { !($0.magnitude > 1) }
        }
    }
}
