import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct RefreshPlanTests {
    /// 10 alphas x 20 days, A9 only from the 11th day on.
    private func panel() throws -> Panel {
        let builder = try PanelBuilder(
            alphaIDs: (0..<10).map { "A\($0)" }, dates: (0..<20).map { day($0) }, blockEdge: 4)
        for alpha in 0..<10 {
            for day in (alpha == 9 ? 10 : 0)..<20 { builder.set(alpha: alpha, day: day, value: 1) }
        }
        return try builder.finish()
    }

    private func day(_ index: Int) -> Day { Day(rawValue: 19_000 + Int32(index)) }

    private func plan(
        _ changes: [(id: String, firstDay: Day)], members: [String]? = nil, withoutPnL: [String] = []
    ) throws -> RefreshPlan {
        RefreshPlan(
            panel: try panel(), withoutPnL: withoutPnL, members: members ?? (0..<10).map { "A\($0)" }, changes: changes)
    }

    @Test("Without changes of its alphas there is nothing to do")
    func nothing() throws {
        #expect(try plan([]).isEmpty)
        #expect(try plan([("B1", day(3))]).isEmpty)
        #expect(try plan([], members: (0..<10).map { "A\($0)" } + ["B1"], withoutPnL: ["B1"]).isEmpty)
    }

    @Test("A new day for all is read by date, a few changed alphas whole, and both together both ways")
    func cheapest() throws {
        let all = (0..<10).map { (id: "A\($0)", firstDay: day(20)) }
        let newDay = try plan(all)
        #expect(newDay.tailFrom == day(20) && newDay.whole == [] && newDay.rowEstimate == 10)
        let few = try plan([("A3", day(5))])
        #expect(few.tailFrom == nil && few.whole == ["A3"] && few.rowEstimate == 21)
        var mixed = all
        mixed[3].firstDay = day(2)
        let both = try plan(mixed)
        #expect(both.tailFrom == day(20) && both.whole == ["A3"] && both.rowEstimate == 31)
        // Revisions of the last days are part of the tail: reading 5 days of all costs less than 3 whole alphas.
        for alpha in [1, 2, 4] { mixed[alpha].firstDay = day(16) }
        let recent = try plan(mixed)
        #expect(recent.tailFrom == day(16) && recent.whole == ["A3"] && recent.rowEstimate == 21 + 50)
    }

    @Test("Alphas that are new, or whose first value may have gone, are read whole; leavers are noticed")
    func members() throws {
        let joined = try plan([], members: ["A0", "B1"])
        #expect(joined.whole == ["B1"] && joined.hasLeavers && !joined.isEmpty)
        #expect(try plan([("A9", day(10))]).whole == ["A9"])
        #expect(try plan((0..<10).map { ("A\($0)", day(10)) }).whole == ["A9"])
        let idle = try plan([("B1", day(3))], members: (0..<10).map { "A\($0)" } + ["B1"], withoutPnL: ["B1"])
        #expect(idle.whole == ["B1"] && !idle.hasLeavers)
        // A date no panel can have is a change all the same.
        #expect(try plan([("A1", .latest)]).tailFrom == .latest)
    }
}
