import ClusterModel
import Testing

@testable import Clustering

/// A random graph with random weights: alphas in a few crowded groups and conflicts here and there between them.
private func randomGraph(_ count: Int, density: Double, seed: UInt64) throws -> (ConflictGraph, [Double]) {
    var random = SeededGenerator(seed: seed)
    var edges: [ConflictEdge] = []
    for i in 0..<count {
        for j in 0..<i {
            let chance = i % 4 == j % 4 ? min(1, 2 * density) : density / 2
            let r = random.uniform() < chance ? 0.7 + 0.3 * random.uniform() : 0.69
            edges.append(random.below(2) == 0 ? .init(a: i, b: j, correlation: r) : .init(a: j, b: i, correlation: r))
        }
    }
    let weights = (0..<count).map { _ in random.below(8) == 0 ? -random.uniform() : Double(random.below(20)) / 4 }
    return (try ConflictGraph(count: count, threshold: 0.7, edges: edges), weights)
}

/// The heaviest set, by looking at all of them.
private func heaviest(_ graph: ConflictGraph, _ weights: [Double], limit: Int) -> Double {
    var best = 0.0
    for set in 0..<1 << graph.count where set.nonzeroBitCount <= limit {
        let chosen = (0..<graph.count).filter { set >> $0 & 1 == 1 }
        let weight = chosen.reduce(0) { $0 + weights[$1] }
        guard weight > best, chosen.allSatisfy({ a in chosen.allSatisfy { $0 <= a || !graph.conflicts(a, $0) } }) else {
            continue
        }
        best = weight
    }
    return best
}

struct KeepSetTests {
    @Test("Small inputs are solved exactly: no set without conflicts is heavier", arguments: 1...12)
    func exact(_ seed: UInt64) throws {
        for (density, limit) in [(0.1, nil), (0.3, nil), (0.3, 3), (0.6, 2)] as [(Double, Int?)] {
            let (graph, weights) = try randomGraph(11, density: density, seed: seed)
            let best = heaviest(graph, weights, limit: limit ?? 11)
            let exact = try KeepSet(graph, weights: weights, limit: limit)
            #expect(exact.isExact && (exact.weight - best).magnitude < 1e-9)
            // Greedy and exchanges alone stay within a fifth of it.
            let quick = try KeepSet(graph, weights: weights, limit: limit, exactMax: 0)
            #expect(!quick.isExact && quick.weight <= best + 1e-9 && quick.weight >= 0.8 * best)
            try check(exact, graph, weights, limit)
            try check(quick, graph, weights, limit)
        }
    }

    @Test("Exchanges come within one percent of the best set on average")
    func nearBest() throws {
        var (found, best) = (0.0, 0.0)
        for seed in 100..<130 {
            let (graph, weights) = try randomGraph(34, density: 0.15, seed: UInt64(seed))
            let exact = try KeepSet(graph, weights: weights)
            #expect(exact.isExact)
            best += exact.weight
            found += try KeepSet(graph, weights: weights, exactMax: 0).weight
        }
        #expect(found >= 0.99 * best && found <= best + 1e-9)
    }

    @Test("Groups that no conflict connects are solved on their own, so many small ones are solved exactly")
    func separateGroups() throws {
        var (edges, weights, best): ([ConflictEdge], [Double], Double) = ([], [], 0)
        for seed in 1..<13 {
            let (graph, own) = try randomGraph(9, density: 0.3, seed: UInt64(seed))
            for a in 0..<9 {
                for b in 0..<a where graph.conflicts(a, b) {
                    edges.append(.init(a: a * 12 + seed - 1, b: b * 12 + seed - 1, correlation: 0.8))
                }
            }
            weights += own
            best += heaviest(graph, own, limit: 9)
        }
        // Alpha a of group g stands at 12 a + g.
        let spread = (0..<108).map { (place: Int) -> Double in weights[place % 12 * 9 + place / 12] }
        let graph = try ConflictGraph(count: 108, threshold: 0.7, edges: edges)
        let set = try KeepSet(graph, weights: spread)
        #expect(set.isExact && (set.weight - best).magnitude < 1e-9)
        try check(set, graph, spread, nil)
        let five = try KeepSet(graph, weights: spread, limit: 5)
        #expect(five.chosen.count == 5 && !five.isExact)
        try check(five, graph, spread, 5)
        #expect(try KeepSet(graph, weights: spread, limit: 108) == set)
    }

    /// What has to hold of any set.
    private func check(_ set: KeepSet, _ graph: ConflictGraph, _ weights: [Double], _ limit: Int?) throws {
        #expect(set.chosen == set.chosen.sorted() && set.chosen.count <= limit ?? graph.count)
        for (place, a) in set.chosen.enumerated() {
            #expect(weights[a] > 0)
            for b in set.chosen[(place + 1)...] { #expect(!graph.conflicts(a, b)) }
        }
        for alpha in 0..<graph.count {
            switch set.rejections[alpha] {
            case nil: #expect(set.chosen.contains(alpha))
            case .blocked(let by, let r)?:
                #expect(set.chosen.contains(by) && graph.conflicts(alpha, by) && r >= 0.7)
            case .limit?: #expect(set.chosen.count == limit && weights[alpha] > 0)
            case .weight?: #expect(weights[alpha] <= 0)
            }
        }
    }

    @Test("One alpha makes room for two that together weigh more, and one for what it outweighs")
    func swaps() throws {
        // 0 conflicts with 1 and 2; 3 with 4, 5 and 6.
        let pairs = [(0, 1), (0, 2), (3, 4), (3, 5), (3, 6)]
        let graph = try ConflictGraph(
            count: 7, threshold: 0.7, edges: pairs.map { .init(a: $0.0, b: $0.1, correlation: 0.8) })
        let set = try KeepSet(graph, weights: [3, 2, 2, 5, 1, 2, 1], exactMax: 0)
        #expect(set.chosen == [1, 2, 3] && set.weight == 9)
        #expect(set.rejections[4] == .blocked(by: 3, correlation: 0.8))
        // With room for two, the heaviest two.
        let two = try KeepSet(graph, weights: [3, 2, 2, 5, 1, 2, 1], limit: 2, exactMax: 0)
        #expect(two.chosen == [0, 3])
    }

    @Test("The certificate names the worst pair inside and, for each one left out, the most correlated one that blocks it")
    func certificate() throws {
        let r: [[Double?]] = [
            [nil, 0.9, 0.6, nil], [0.9, nil, 0.75, 0.2], [0.6, 0.75, nil, 0.65], [nil, 0.2, 0.65, nil],
        ]
        var edges: [ConflictEdge] = []
        for i in 0..<4 {
            for j in 0..<i { if let value = r[i][j] { edges.append(.init(a: i, b: j, correlation: value)) } }
        }
        let graph = try ConflictGraph(count: 4, threshold: 0.7, edges: edges)
        let set = try KeepSet(graph, weights: [2, 1, 2, 2])
        #expect(set.chosen == [0, 2, 3])
        #expect(set.rejections == [nil, .blocked(by: 0, correlation: 0.9), nil, nil])
        #expect(set.worstPair { r[$0][$1] } == ConflictEdge(a: 2, b: 3, correlation: 0.65))
        #expect(try KeepSet(graph, weights: [1, 0, -1, 0]).worstPair { r[$0][$1] } == nil)
    }

    @Test("The order of the pairs does not matter, and thousands of alphas in groups give the heaviest of each")
    func groups() throws {
        var random = SeededGenerator(seed: 3)
        let count = 2_000
        let weights = (0..<count).map { _ in random.uniform() }
        var edges: [ConflictEdge] = []
        for i in 0..<count {
            for j in stride(from: i % 100, to: i, by: 100) { edges.append(.init(a: i, b: j, correlation: 0.9)) }
        }
        let graph = try ConflictGraph(count: count, threshold: 0.7, edges: edges)
        let set = try KeepSet(graph, weights: weights)
        let best = (0..<100).map { group in
            stride(from: group, to: count, by: 100).max { weights[$0] < weights[$1] } ?? -1
        }
        #expect(set.chosen == best.sorted())
        let shuffled = edges.shuffled(using: &random).map { ConflictEdge(a: $0.b, b: $0.a, correlation: $0.correlation) }
        #expect(try KeepSet(ConflictGraph(count: count, threshold: 0.7, edges: shuffled), weights: weights) == set)
        let ten = try KeepSet(graph, weights: weights, limit: 10)
        #expect(ten.chosen.count == 10)
        #expect((ten.weight - best.map { weights[$0] }.sorted().suffix(10).reduce(0, +)).magnitude < 1e-9)
    }

    @Test("Weights that are no numbers, pairs of nobody and a limit of nothing are refused")
    func refused() throws {
        #expect(throws: GridError.self) {
            try ConflictGraph(count: 2, threshold: 0.7, edges: [.init(a: 0, b: 2, correlation: 0.8)])
        }
        let twice = [ConflictEdge(a: 0, b: 1, correlation: 0.8), ConflictEdge(a: 1, b: 0, correlation: 0.8)]
        #expect(throws: GridError.self) { try ConflictGraph(count: 2, threshold: 0.7, edges: twice) }
        let graph = try ConflictGraph(count: 2, threshold: 0.7, edges: [])
        #expect(throws: GridError.self) { try KeepSet(graph, weights: [1]) }
        #expect(throws: GridError.self) { try KeepSet(graph, weights: [1, .nan]) }
        #expect(throws: GridError.self) { try KeepSet(graph, weights: [1, 1], limit: 0) }
    }

    @Test("Isolated alphas are those without a conflict of which something is known")
    func isolated() throws {
        let edges = [ConflictEdge(a: 0, b: 2, correlation: 0.8), ConflictEdge(a: 1, b: 3, correlation: 0.69)]
        let graph = try ConflictGraph(count: 5, threshold: 0.7, edges: edges)
        #expect(graph.isolated() == [1, 3, 4])
        #expect(graph.isolated(pairCounts: [4, 4, 4, 4, 0]) == [1, 3])
    }
}

struct SubmissionOrderTests {
    @Test("A Sharpe passes beside one that is a tenth below it, also when that is negative, and never when it is unknown")
    func rule() {
        #expect(SubmissionRule.surpasses(1.375, 1.25))
        #expect(SubmissionRule.surpasses(1.1, 1))
        #expect(!SubmissionRule.surpasses(1.0999, 1))
        #expect(SubmissionRule.surpasses(-0.9, -1))
        #expect(!SubmissionRule.surpasses(-0.95, -1))
        #expect(!SubmissionRule.surpasses(.nan, 1) && !SubmissionRule.surpasses(3, .nan))
    }

    /// The order by its definition: at every step ask for each candidate whom it would block.
    private func naive(_ graph: ConflictGraph, _ sharpes: [Double], blocked: Set<Int>) -> [SubmissionOrder.Step] {
        var open = (0..<graph.count).filter { !blocked.contains($0) }
        var steps: [SubmissionOrder.Step] = []
        while !open.isEmpty {
            let options = open.map { candidate in
                (
                    candidate,
                    open.filter {
                        $0 != candidate && graph.conflicts($0, candidate)
                            && !SubmissionRule.surpasses(sharpes[$0], sharpes[candidate])
                    }
                )
            }
            let next = options.min { ($0.1.count, -sharpes[$0.0], $0.0) < ($1.1.count, -sharpes[$1.0], $1.0) }!
            steps.append(.init(alpha: next.0, blocks: next.1))
            open.removeAll { $0 == next.0 || next.1.contains($0) }
        }
        return steps
    }

    @Test("Each step is the candidate that blocks the fewest others then, as the definition finds it", arguments: 1...10)
    func definition(_ seed: UInt64) throws {
        for density in [0.05, 0.2, 0.5] {
            let (graph, sharpes) = try randomGraph(40, density: density, seed: seed)
            let submitted = (0..<40).filter { $0 % 6 == 0 }.map { ConflictEdge(a: $0, b: $0 % 3, correlation: 0.7) }
            let blocked = submitted.filter { sharpes[$0.a] < 1.1 * [1, 2, 3][$0.b] }.map(\.a)
            let order = try SubmissionOrder(
                candidates: graph, sharpes: sharpes, submitted: submitted, submittedSharpes: [1, 2, 3])
            #expect(order.steps == naive(graph, sharpes, blocked: Set(blocked)))
            for candidate in 0..<40 {
                let place = order.steps.firstIndex { $0.alpha == candidate }
                switch order.obstacles[candidate] {
                case nil: #expect(place != nil)
                case .submitted(let by)?: #expect(place == nil && by == candidate % 3 && blocked.contains(candidate))
                case .step(let by)?:
                    #expect(place == nil && order.steps.contains { $0.alpha == by && $0.blocks.contains(candidate) })
                }
            }
        }
    }

    @Test("The queue gives the candidate that blocks the fewest, also when others have left its middle", arguments: 1...5)
    func queue(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let sharpes = (0..<120).map { $0 % 9 == 0 ? Double.nan : Double(random.below(6)) - 2 }
        var blocks = (0..<120).map { _ in random.below(30) }
        var waiting = Array(0..<120)
        var queue = SubmissionQueue(sharpes)
        for candidate in waiting { queue.insert(candidate, blocks: blocks[candidate]) }
        let precedes = { (a: Int, b: Int) -> Bool in
            let (x, y) = (sharpes[a].isNaN ? -10 : sharpes[a], sharpes[b].isNaN ? -10 : sharpes[b])
            return (blocks[a], -x, a) < (blocks[b], -y, b)
        }
        while !waiting.isEmpty {
            for _ in 0..<3 {
                let some = waiting[random.below(waiting.count)]
                if blocks[some] > 0 {
                    blocks[some] -= 1
                    queue.blocksOneFewer(some)
                }
            }
            let place = random.below(2 * waiting.count)
            if place < waiting.count {
                queue.remove(waiting.remove(at: place))
            } else {
                let first = waiting.min(by: precedes)
                #expect(queue.removeFirst() == first)
                waiting.removeAll { $0 == first }
            }
        }
        #expect(queue.removeFirst() == nil)
    }

    @Test("What fills a gap in the queue's middle may belong further up")
    func gap() {
        // As they are put in they stand: on the left everything blocks many, on the right few.
        let blocks = [0, 50, 1, 60, 61, 2, 3, 70, 71, 72, 73, 4, 5, 6, 7]
        var queue = SubmissionQueue([Double](repeating: 1, count: blocks.count))
        for candidate in blocks.indices { queue.insert(candidate, blocks: blocks[candidate]) }
        queue.remove(3)
        var order: [Int] = []
        while let next = queue.removeFirst() { order.append(blocks[next]) }
        #expect(order == blocks.filter { $0 != 60 }.sorted())
    }

    @Test("The better of two alike goes second and still passes, so nobody is blocked")
    func ladder() throws {
        let edges = [ConflictEdge(a: 0, b: 1, correlation: 0.9), ConflictEdge(a: 1, b: 2, correlation: 0.9)]
        let graph = try ConflictGraph(count: 3, threshold: 0.7, edges: edges)
        let order = try SubmissionOrder(candidates: graph, sharpes: [2, 1.5, 1])
        #expect(order.steps.map(\.alpha) == [2, 1, 0])
        #expect(order.steps.allSatisfy(\.blocks.isEmpty) && order.obstacles == [nil, nil, nil])
    }

    @Test("A submitted alpha blocks only what reaches the threshold with it, and the first of several is named")
    func submitted() throws {
        let graph = try ConflictGraph(count: 3, threshold: 0.7, edges: [])
        let order = try SubmissionOrder(
            candidates: graph, sharpes: [1, 1, .nan],
            submitted: [
                .init(a: 0, b: 1, correlation: 0.8), .init(a: 0, b: 0, correlation: 0.7), .init(a: 1, b: 0, correlation: 0.69),
            ], submittedSharpes: [1, 2])
        #expect(order.steps.map(\.alpha) == [1, 2] && order.obstacles == [.submitted(0), nil, nil])
        #expect(throws: GridError.self) {
            try SubmissionOrder(candidates: graph, sharpes: [1, 1, 1], submitted: [.init(a: 0, b: 0, correlation: 1)])
        }
        #expect(throws: GridError.self) { try SubmissionOrder(candidates: graph, sharpes: [1]) }
    }
}
