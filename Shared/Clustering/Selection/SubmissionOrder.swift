import ClusterModel

/// In which order to submit, so that each submission stands in the way of the fewest others.
///
/// The rule: a submission passes when its Sharpe is at least 10 % above that of every submitted alpha that its correlation
/// reaches the threshold with; where it reaches none, it passes.
package struct SubmissionOrder: Equatable, Sendable {
    package struct Step: Equatable, Sendable {
        package let alpha: Int
        /// Candidates that could have been submitted until now and no longer can, ascending.
        package let blocks: [Int]

        package init(alpha: Int, blocks: [Int]) {
            self.alpha = alpha
            self.blocks = blocks
        }
    }

    package enum Obstacle: Equatable, Sendable {
        /// An alpha submitted before the first step.
        case submitted(Int)
        /// A candidate that was submitted in this order.
        case step(Int)
    }

    /// The candidates that pass, in the order in which to submit them.
    package let steps: [Step]
    /// Per candidate what blocks it, the first that does; nil for those submitted.
    package let obstacles: [Obstacle?]

    /// - Parameters:
    ///   - candidates: conflicts among the candidates.
    ///   - sharpes: of every candidate; NaN where unknown, which passes only where nothing is alike.
    ///   - submitted: pairs of a candidate (`a`) and an alpha already submitted (`b`); those below the candidates' threshold
    ///     are passed over.
    ///   - submittedSharpes: of every alpha already submitted; unknown ones let nothing pass beside them.
    package init(
        candidates: ConflictGraph, sharpes: [Double], submitted: [ConflictEdge] = [], submittedSharpes: [Double] = []
    ) throws(GridError) {
        guard sharpes.count == candidates.count else {
            throw GridError(.failed, "\(sharpes.count) Sharpe ratios were given for \(candidates.count) candidates")
        }
        var state = OrderState(candidates, sharpes)
        for edge in submitted where edge.correlation >= candidates.threshold {
            guard sharpes.indices.contains(edge.a), submittedSharpes.indices.contains(edge.b) else {
                throw GridError(.failed, "the pair of candidate \(edge.a) and submitted alpha \(edge.b) is not there")
            }
            if !SubmissionRule.surpasses(sharpes[edge.a], submittedSharpes[edge.b]) {
                state.block(edge.a, by: .submitted(edge.b))
            }
        }
        steps = state.run()
        obstacles = state.obstacles
    }
}

private struct OrderState {
    private let graph: ConflictGraph
    private let sharpes: [Double]
    private(set) var obstacles: [SubmissionOrder.Obstacle?]
    /// Neither submitted nor blocked.
    private var isOpen: [Bool]

    init(_ graph: ConflictGraph, _ sharpes: [Double]) {
        self.graph = graph
        self.sharpes = sharpes
        obstacles = [SubmissionOrder.Obstacle?](repeating: nil, count: graph.count)
        isOpen = [Bool](repeating: true, count: graph.count)
    }

    mutating func block(_ candidate: Int, by obstacle: SubmissionOrder.Obstacle) {
        isOpen[candidate] = false
        // Of several submitted ones the first is named, in whatever order they were given.
        if case .submitted(let known)? = obstacles[candidate], case .submitted(let other) = obstacle, known < other { return }
        obstacles[candidate] = obstacle
    }

    /// Calls `body` with the open candidates that could not be submitted after this one, ascending.
    private func forEachBlocked(by candidate: Int, _ body: (Int) -> Void) {
        for partner in graph.partners(of: candidate) {
            let other = Int(partner)
            if isOpen[other], !SubmissionRule.surpasses(sharpes[other], sharpes[candidate]) { body(other) }
        }
    }

    mutating func run() -> [SubmissionOrder.Step] {
        var queue = SubmissionQueue(sharpes)
        for candidate in isOpen.indices where isOpen[candidate] {
            var count = 0
            forEachBlocked(by: candidate) { _ in count += 1 }
            queue.insert(candidate, blocks: count)
        }
        var steps: [SubmissionOrder.Step] = []
        while let candidate = queue.removeFirst() {
            var blocked: [Int] = []
            forEachBlocked(by: candidate) { blocked.append($0) }
            isOpen[candidate] = false
            for other in blocked {
                block(other, by: .step(candidate))
                queue.remove(other)
            }
            // Whoever would have blocked one that is gone blocks one fewer.
            for gone in [candidate] + blocked {
                for partner in graph.partners(of: gone) where isOpen[Int(partner)] {
                    if !SubmissionRule.surpasses(sharpes[gone], sharpes[Int(partner)]) {
                        queue.blocksOneFewer(Int(partner))
                    }
                }
            }
            steps.append(.init(alpha: candidate, blocks: blocked))
        }
        return steps
    }
}
