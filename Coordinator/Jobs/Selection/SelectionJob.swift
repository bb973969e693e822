import ClusterModel
import Clustering
import Panel

/// Which alphas to keep, in which order to submit, and how to weigh what is kept.
///
/// Points are alphas by the bytewise rank of their ids.
package final class SelectionJob: GridJob, @unchecked Sendable {
    // Not locked: `GridJob` says that one thread at a time uses a job.
    /// What is known of the alphas before.
    package struct Facts: Sendable {
        /// By point; NaN where unknown.
        package var weights: [Double]
        package var sharpes: [Double]
        /// Of candidates that are not submitted yet: the submitted alphas, behind the others in the plan's layout.
        package var submittedSharpes: [Double]
        /// By point, which of the submitted ones has the same id and so is the same alpha.
        package var twins: [Int?]
        package init(weights: [Double], sharpes: [Double], submittedSharpes: [Double] = [], twins: [Int?] = []) {
            self.weights = weights
            self.sharpes = sharpes
            self.submittedSharpes = submittedSharpes
            self.twins = twins
        }
    }

    private enum Step: CaseIterable { case pairs, crossPairs, choose, worst, parity }

    private let plan: CorrelationPlan
    private let crossPlan: CrossPlan?
    private let parameters: SelectionParameters
    private let facts: Facts
    private let panel: Panel
    private var steps = Step.allCases[...]
    private var phase: EdgePhase?
    private var worst: NearestOutside?
    private var edges: [ConflictEdge] = []
    private var crossEdges: [ConflictEdge] = []
    private var pairCounts: [Int] = []
    private var outcome: SelectionOutcome?

    /// - Parameters:
    ///   - plan: of the alphas to choose from.
    ///   - crossPlan: of these and, behind them, the submitted ones they have to stand beside; nil when they are submitted.
    ///   - panel: the alphas to choose from.
    package init(
        plan: CorrelationPlan, crossPlan: CrossPlan?, parameters: SelectionParameters, facts: Facts, panel: Panel
    ) {
        self.plan = plan
        self.crossPlan = crossPlan
        self.parameters = parameters
        self.facts = facts
        self.panel = panel
    }

    package func next(telling tell: @escaping StageTeller) throws -> JobStep {
        while let step = steps.first {
            switch step {
            case .choose: try tell("choice")
            case .parity: try tell("risk parity")
            case .pairs, .crossPairs, .worst: break
            }
            if let stage = try begin(step) { return .stage(stage) }
            steps.removeFirst()
        }
        guard let outcome else { throw GridError(.failed, "the selection has no outcome") }
        return .publish(.selection(outcome))
    }

    package func merge(task index: Int, partial: Payload) throws(GridError) {
        if worst != nil {
            try worst?.merge(task: index, partial: partial)
        } else {
            try phase?.merge(task: index, partial: partial)
        }
    }

    /// - Returns: the stage whose results the step needs, after which it is asked again; nil when it is over.
    private func begin(_ step: Step) throws -> JobStage? {
        let rule = EdgeRule(from: parameters.threshold, absolute: parameters.absolute)
        switch step {
        case .pairs:
            guard let phase else { return begin(EdgePhase(plan: plan, rule: rule)) }
            edges = try conflicts(phase)
            pairCounts = phase.pairCounts
            self.phase = nil
        case .crossPairs:
            guard let crossPlan else { return nil }
            guard let phase else {
                return begin(
                    EdgePhase(plan: crossPlan.plan, rule: rule, rectangle: (crossPlan.rows, crossPlan.columns)))
            }
            crossEdges = try conflicts(phase).filter { facts.twins.isEmpty || facts.twins[$0.a] != $0.b }
            self.phase = nil
        case .choose: try choose()
        case .worst:
            guard let worst else { return beginWorst() }
            outcome?.take(worst.found)
            self.worst = nil
        case .parity:
            let parity = try RiskParity.weights(of: panel, outcome?.chosen ?? [], plan)
            outcome?.takeParity(parity)
        }
        return nil
    }

    private func begin(_ next: EdgePhase) -> JobStage? {
        phase = next
        return next.next()
    }

    private func conflicts(_ phase: EdgePhase) throws(GridError) -> [ConflictEdge] {
        try phase.edges().map { edge in
            ConflictEdge(
                a: Int(edge.rankA), b: Int(edge.rankB), correlation: parameters.absolute ? abs(edge.r) : edge.r)
        }
    }

    private func choose() throws {
        let graph = try ConflictGraph(count: facts.weights.count, threshold: parameters.threshold, edges: edges)
        let order = try SubmissionOrder(
            candidates: graph, sharpes: facts.sharpes, submitted: crossEdges, submittedSharpes: facts.submittedSharpes)
        // Of an alpha without any pair nobody knows whom it is like, and one that a submitted alpha shuts out is of no use.
        let weights = facts.weights.indices.map { point in
            if case .submitted = order.obstacles[point] { return 0.0 }
            return facts.weights[point].isNaN || pairCounts[point] == 0 ? 0 : facts.weights[point]
        }
        let keep = try KeepSet(graph, weights: weights, limit: parameters.count)
        var conflicts = facts.weights.indices.map(graph.degree)
        for edge in crossEdges { conflicts[edge.a] += 1 }
        let isolated = graph.isolated(pairCounts: pairCounts).filter { conflicts[$0] == 0 }
        outcome = SelectionOutcome(
            keep, order, isolated: isolated, pairCounts: pairCounts, conflicts: conflicts, facts: facts)
    }

    /// The most alike of those that were chosen: the proof that no two of them conflict.
    private func beginWorst() -> JobStage? {
        guard let chosen = outcome?.chosen, chosen.count > 1 else { return nil }
        var cores = Array(repeating: -Double.infinity, count: facts.weights.count)
        for point in chosen { cores[point] = .infinity }
        let pass = NearestOutside(
            plan: plan, name: "certificate", components: facts.weights.indices.map { UInt32($0) }, cores: cores,
            absolute: parameters.absolute)
        worst = pass
        return pass.stage.stage
    }
}
