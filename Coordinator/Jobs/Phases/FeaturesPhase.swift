import ClusterModel
import Embedding

/// The features of every alpha as rows on a common scale: each feature standardised over the alphas, 0 where one is undefined.
final class FeaturesPhase: JobPhase {
    private let job: FeaturesJob
    private let plan: CorrelationPlan
    /// By point, one row of features each.
    private(set) var rows: [Double] = []

    init(_ job: FeaturesJob, _ plan: CorrelationPlan) {
        self.job = job
        self.plan = plan
    }

    func next() throws -> JobStage? {
        switch try job.next() {
        case .stage(let stage): return stage
        case .publish(.features(let outcome)):
            rows = standardised(outcome)
            return nil
        case .publish: return nil
        }
    }

    func merge(task index: Int, partial: Payload) throws(GridError) { try job.merge(task: index, partial: partial) }

    private func standardised(_ outcome: FeaturesOutcome) -> [Double] {
        let used = AlphaFeature.allCases.indices.filter { AlphaFeature.allCases[$0].form != .date }
        let count = plan.layout.alphaCount
        // Feature after feature, since it is each feature that is brought to a scale.
        var columns = [Double](repeating: .nan, count: used.count * count)
        for (position, rank) in plan.layout.ranks.enumerated() {
            for (place, feature) in used.enumerated() {
                columns[place * count + Int(rank)] = outcome.values[position * AlphaFeature.count + feature]
            }
        }
        columns.withUnsafeMutableBufferPointer {
            StandardisedRows.standardise($0.baseAddress!, count: used.count, width: count)
        }
        return (0..<count).flatMap { point in used.indices.map { columns[$0 * count + point] } }
    }
}
