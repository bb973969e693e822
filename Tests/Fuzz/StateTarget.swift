import ClusterModel
import Jobs
import Panel

/// The state of a job that lies on the disk beside its panel, and the job that goes on from it.
///
/// Input: a byte of choices (1: the checksum is made right), then the file.
package enum StateTarget: FuzzTarget {
    package static let name = "state"

    package static func seeds() throws -> [[UInt8]] {
        let plan = try ToyPanel.plan()
        return try [2, 3].map { blocks in [1] + (try state(of: part(plan, blocks: blocks)).dropLast(32)) + zeros }
    }

    private static let zeros = [UInt8](repeating: 0, count: 32)

    package static func check(_ input: [UInt8]) throws -> Bool {
        let plan = try ToyPanel.plan()
        let ids = ToyPanel.panel.alphaIDs
        let payload = file(input)
        guard
            let read = try accepted(
                as: [.usage, .failed], { try CorrelationState(decoding: payload, for: plan, alphaIDs: ids) }),
            let state = read
        else { return false }
        let job = CorrelationJob(plan: plan, resuming: state)
        for _ in 0..<20 {
            guard let step = try accepted(as: [.usage, .failed], { try job.next() }) else { return false }
            switch step {
            case .publish(.correlation(let outcome)):
                _ = try ToyJob.check(.correlation(outcome), afterLies: true)
                _ = job.state(alphaIDs: ids, profile: ToyPanel.profile).encoded()
                return true
            case .publish: throw Violation(description: "a correlation job ends with something else")
            case .stage(let stage):
                for task in 0..<stage.taskCount {
                    let answer = try HonestWorker.answer(stage.kind, stage.payload(task))
                    // What was read may contradict the truth.
                    guard try accepted({ try job.merge(task: task, partial: answer) }) != nil else { return false }
                }
            }
        }
        throw Violation(description: "the job does not end")
    }

    private static func file(_ input: [UInt8]) -> Payload {
        var input = FuzzInput(input)
        guard input.byte() & 1 != 0, input.rest.count > 32 else { return .tight(input.rest) }
        let body = input.rest.dropLast(32)
        return .tight(body + PanelHashing.hash(Array(body)).bytes)
    }

    /// The plan as it was when the panel had its first blocks only.
    private static func part(_ plan: CorrelationPlan, blocks: Int) throws -> (plan: CorrelationPlan, ids: [String]) {
        let layout = plan.layout
        let counts = (0..<blocks).map { layout.shape.alphas(inBlock: $0).count }
        let shape = try PanelShape(
            blockCounts: counts, dayCount: layout.shape.dayCount, blockEdge: layout.shape.blockEdge, name: "part")
        let ranks = layout.ranks.prefix(shape.alphaCount)
        let own = PanelLayout(
            shape: shape, blockNames: Array(layout.blockNames.prefix(blocks)),
            ranks: ranks.map { rank in UInt32(ranks.count { $0 < rank }) }, contentHash: layout.contentHash)
        let ids = Array(ToyPanel.panel.alphaIDs.prefix(shape.alphaCount))
        return (CorrelationPlan(layout: own, parameters: plan.parameters, firstDay: plan.firstDay), ids)
    }

    private static func state(of part: (plan: CorrelationPlan, ids: [String])) throws -> [UInt8] {
        let job = CorrelationJob(plan: part.plan)
        while case .stage(let stage) = try job.next() {
            for task in 0..<stage.taskCount {
                try job.merge(task: task, partial: HonestWorker.answer(stage.kind, stage.payload(task)))
            }
        }
        return job.state(alphaIDs: part.ids, profile: ToyPanel.profile).encoded()
    }
}
