import ClusterModel
import Jobs
import Panel
import Testing

struct SelectionJobTests {
    private func select(
        _ data: GroupedPanel, threshold: Double, params: [String: String] = [:], weights: [Double], absolute: Bool = false,
        shuffle: UInt64 = 1
    ) throws -> SelectionOutcome {
        let parameters = try SelectionParameters(params, threshold: threshold, absolute: absolute)
        let job = SelectionJob(
            plan: try data.plan(), crossPlan: nil, parameters: parameters,
            facts: SelectionJob.Facts(weights: weights, sharpes: weights), panel: data.panel)
        guard case .selection(let outcome) = try data.run(job, shuffle: shuffle) else {
            throw GridError(.failed, "a selection job ends with a selection")
        }
        return outcome
    }

    private func ids(_ data: GroupedPanel) -> [String] { data.panel.idOrder.map { data.panel.alphaIDs[Int($0)] } }

    @Test("One alpha of each group is kept, the best, and the certificate names the most alike of those kept")
    func oneOfEach() throws {
        let data = try GroupedPanel(groups: 5, perGroup: 8, strays: 3)
        let weights = data.groups.indices.map { 1 + Double(($0 * 37) % 101) / 100 }
        let outcome = try select(data, threshold: 0.5, weights: weights)
        let chosen = outcome.chosen
        #expect(Set(chosen.map { data.groups[$0] }).count == chosen.count && chosen.count == 8 && outcome.isExact)
        for point in chosen {
            let own = data.groups.indices.filter { data.groups[$0] == data.groups[point] }
            #expect(weights[point] == own.map { weights[$0] }.max())
        }
        var worst = -2.0
        for (place, a) in chosen.enumerated() { for b in chosen[(place + 1)...] { worst = max(worst, data.r(a, b)) } }
        let pair = try #require(outcome.worstPair)
        #expect(abs(pair.correlation - worst) < 1e-9 && abs(data.r(pair.a, pair.b) - worst) < 1e-9 && worst < 0.5)
        let rows = outcome.rows(alphaIDs: ids(data), submittedIDs: [])
        for row in rows where !row.isChosen {
            #expect(row.reason == "conflict" && (row.blockedCorrelation ?? 0) >= 0.5 && row.nearestChosen == nil)
        }
        #expect(rows.count { $0.isUnique } == 3 && rows.count { $0.isChosen } == 8)
        #expect(abs(rows.compactMap(\.riskParityWeight).reduce(0, +) - 1) < 1e-12)
    }

    @Test("The number to keep is kept to, and the result does not depend on the order of the tasks")
    func count() throws {
        let data = try GroupedPanel(groups: 5, perGroup: 6)
        let weights = data.groups.indices.map { Double($0 % 11) }
        let first = try select(data, threshold: 0.5, params: ["count": "3"], weights: weights)
        let points = data.groups.indices
        var best = 0.0
        for a in points {
            for b in points where b > a && data.r(a, b) < 0.5 {
                for c in points where c > b && data.r(a, c) < 0.5 && data.r(b, c) < 0.5 {
                    best = max(best, weights[a] + weights[b] + weights[c])
                }
            }
        }
        #expect(first.chosen.count == 3 && first.totalWeight == best)
        let again = try select(data, threshold: 0.5, params: ["count": "3"], weights: weights, shuffle: 9)
        let names = ids(data)
        #expect(
            SelectionOutcome.digest(first.rows(alphaIDs: names, submittedIDs: []))
                == SelectionOutcome.digest(again.rows(alphaIDs: names, submittedIDs: [])))
        let rows = first.rows(alphaIDs: names, submittedIDs: [])
        #expect(rows.contains { $0.reason == "count" } && rows.contains { $0.reason == "weight" })
    }

    @Test("An alpha without any defined pair is not kept, whatever its weight, and is told apart")
    func undefinedPairs() throws {
        let data = try GroupedPanel(groups: 2, perGroup: 6, days: 100, hermits: 1)
        let lonely = try #require(data.returns.firstIndex { $0.count { !$0.isNaN } < 20 })
        let weights = data.groups.indices.map { $0 == lonely ? 100.0 : 1 }
        let rows = try select(data, threshold: 0.5, weights: weights).rows(alphaIDs: ids(data), submittedIDs: [])
        #expect(!rows[lonely].isChosen && rows[lonely].reason == "undefined" && !rows[lonely].isUnique)
        #expect(rows.count { $0.isChosen } == 2)
    }

    @Test("Submitting in the order given never meets one it is too alike without being 10 % better")
    func submissionOrder() throws {
        let data = try GroupedPanel(groups: 3, perGroup: 7)
        let weights = data.groups.indices.map { 1 + Double(($0 * 53) % 97) / 50 }
        let names = ids(data)
        let rows = try select(data, threshold: 0.5, weights: weights).rows(alphaIDs: names, submittedIDs: [])
        let order = rows.indices.filter { rows[$0].submissionPlace != nil }.sorted {
            rows[$0].submissionPlace! < rows[$1].submissionPlace!
        }
        #expect(order.map { rows[$0].submissionPlace! } == Array(1...order.count))
        for (place, later) in order.enumerated() {
            for earlier in order[..<place] where data.r(earlier, later) >= 0.5 {
                #expect(weights[later] >= 1.1 * weights[earlier] - 1e-9)
            }
        }
        for point in rows.indices where rows[point].submissionPlace == nil {
            let blocker = try #require(rows.firstIndex { $0.alphaID == rows[point].submissionBlockedBy })
            #expect(data.r(point, blocker) >= 0.5 && weights[point] < 1.1 * weights[blocker])
        }
    }

    @Test("A candidate that is too like a submitted alpha without being 10 % better is not kept, and told by whom")
    func besideSubmitted() throws {
        let (own, others) = (try GroupedPanel(groups: 4, perGroup: 3, seed: 5), try GroupedPanel(groups: 2, perGroup: 2, seed: 5))
        // The same seed gives both the same first factors, so the candidates of groups 0 and 1 have likes among the others.
        let layout = try PanelLayout(joining: PanelLayout(own.panel), PanelLayout(others.panel))
        let joined = CorrelationPlan(layout: layout, parameters: try own.plan().parameters, firstDay: 0)
        let blocks = own.panel.blockCount
        let sharpes = own.groups.map { $0 == 1 ? 3.0 : 1 }
        let job = SelectionJob(
            plan: try own.plan(), crossPlan: (joined, 0..<blocks, blocks..<layout.blockCount),
            parameters: try SelectionParameters([:], threshold: 0.5, absolute: false),
            facts: SelectionJob.Facts(
                weights: sharpes, sharpes: sharpes, submittedSharpes: others.groups.map { _ in 1.5 }), panel: own.panel)
        guard case .selection(let outcome) = try own.run(job, beside: others.panel) else { return }
        let names = others.panel.idOrder.map { others.panel.alphaIDs[Int($0)] }
        let rows = outcome.rows(alphaIDs: ids(own), submittedIDs: names)
        for (point, row) in rows.enumerated() where own.groups[point] == 0 {
            #expect(row.reason == "submitted" && !row.isChosen && row.submissionPlace == nil)
            let blocker = try #require(names.firstIndex { $0 == row.blockedBy })
            #expect(others.groups[blocker] == 0)
        }
        // Twice as good is good enough.
        #expect(Set(outcome.chosen.map { own.groups[$0] }) == [1, 2, 3])
    }

    @Test("An unknown parameter and a weight that is none are refused by name")
    func refusals() {
        for (params, named) in [(["counts": "3"], "counts"), (["weight": "luck"], "luck"), (["count": "0"], "count")] {
            let error = #expect(throws: GridError.self) {
                _ = try SelectionParameters(params, threshold: nil, absolute: false)
            }
            #expect(error?.message.contains(named) == true)
        }
    }
}
