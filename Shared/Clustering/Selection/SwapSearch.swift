/// A set without conflicts that no small exchange makes heavier.
enum SwapSearch {
    /// The heaviest of what several greedy orders lead to; of equally heavy ones, the first.
    ///
    /// - Parameter weights: all above 0.
    static func best(_ graph: ConflictGraph, _ weights: [Double], _ room: Int) -> [Int] {
        // By weight alone, and with conflicts counted against it: neither order is always the better start.
        let values: [(Int) -> Double] = [
            { weights[$0] },
            { weights[$0] / Double(graph.degree($0) + 1) },
            { weights[$0] / Double(graph.degree($0) + 1).squareRoot() },
        ]
        var best: (chosen: [Int], weight: Double) = ([], -1)
        for value in values {
            let worth = weights.indices.map(value)
            let order = weights.indices.sorted { (-worth[$0], $0) < (-worth[$1], $1) }
            var state = SwapState(graph, weights, room)
            state.fill(order)
            state.improve()
            let chosen = weights.indices.filter { state.isChosen[$0] }
            let weight = chosen.reduce(0) { $0 + weights[$1] }
            if weight > best.weight { best = (chosen, weight) }
        }
        return best.chosen
    }
}

private struct SwapState {
    private let graph: ConflictGraph
    private let weights: [Double]
    private let room: Int
    private(set) var isChosen: [Bool]
    private var count = 0
    /// How many chosen ones an alpha conflicts with.
    private var blockers: [Int32]
    /// The lightest chosen one, while it is known.
    private var lightest: Int?

    init(_ graph: ConflictGraph, _ weights: [Double], _ room: Int) {
        self.graph = graph
        self.weights = weights
        self.room = room
        isChosen = [Bool](repeating: false, count: graph.count)
        blockers = [Int32](repeating: 0, count: graph.count)
    }

    mutating func fill(_ order: [Int]) {
        for alpha in order where count < room && !isChosen[alpha] && blockers[alpha] == 0 { add(alpha) }
    }

    private mutating func add(_ alpha: Int) {
        isChosen[alpha] = true
        count += 1
        lightest = nil
        for partner in graph.partners(of: alpha) { blockers[Int(partner)] += 1 }
    }

    private mutating func remove(_ alpha: Int) {
        isChosen[alpha] = false
        count -= 1
        lightest = nil
        for partner in graph.partners(of: alpha) { blockers[Int(partner)] -= 1 }
    }

    /// Exchanges until none helps. Each makes the set heavier, by more than roundings, so this ends.
    mutating func improve() {
        var isImproving = true
        while isImproving {
            isImproving = false
            for alpha in weights.indices where !isChosen[alpha] && exchange(alpha) { isImproving = true }
        }
    }

    /// One in, out what it conflicts with, and in again what that makes room for, the heaviest first; taken back unless the set
    /// gets heavier. When the set is full and nothing conflicts, the lightest goes.
    private mutating func exchange(_ alpha: Int) -> Bool {
        var leaving: [Int] = []
        if blockers[alpha] > 0 {
            leaving = graph.partners(of: alpha).map(Int.init).filter { isChosen[$0] }
        } else if count >= room {
            lightest = lightest ?? weights.indices.filter { isChosen[$0] }.min { (weights[$0], $0) < (weights[$1], $1) }
            leaving = [lightest].compactMap { $0 }
        }
        let lost = leaving.reduce(0) { $0 + weights[$1] }
        // Where there is room for this one alone, trying tells no more than the weights do.
        if count - leaving.count + 1 >= room, weights[alpha] <= lost { return false }
        for other in leaving { remove(other) }
        add(alpha)
        var entering = [alpha]
        for other in freed(by: leaving) where count < room && blockers[other] == 0 {
            add(other)
            entering.append(other)
        }
        let gained = entering.reduce(0) { $0 + weights[$1] }
        if gained - lost > 1e-12 * gained { return true }
        for other in entering { remove(other) }
        for other in leaving { add(other) }
        return false
    }

    /// What nothing chosen conflicts with any more, the heaviest first.
    private func freed(by leaving: [Int]) -> [Int] {
        var free: [Int] = []
        for other in leaving {
            for partner in graph.partners(of: other) where blockers[Int(partner)] == 0 && !isChosen[Int(partner)] {
                free.append(Int(partner))
            }
        }
        free.sort { (-weights[$0], $0) < (-weights[$1], $1) }
        // One that several have blocked is here more than once.
        return free.enumerated().filter { $0.offset == 0 || free[$0.offset - 1] != $0.element }.map(\.element)
    }
}
