import ClusterModel
import Foundation
import Panel
import Testing

@testable import Service
@testable import Store

struct PreparedJobTests {
    private func loaded(_ ids: [String]) throws -> LoadedPanel {
        let dates = (0..<100).map { Day(rawValue: 15_000 + $0) }
        let builder = try PanelBuilder(alphaIDs: ids, dates: dates, blockEdge: 4)
        for alpha in ids.indices {
            let values = (0..<100).map { day in sin(Double(day * (alpha + 1))) }
            values.withUnsafeBufferPointer { builder.set(alpha: alpha, values: $0) }
        }
        return LoadedPanel(panel: try builder.finish(), alphasWithoutPnL: [])
    }

    @Test("Candidates stand beside submitted alphas whose ids Unicode takes for equal, each with figures of its own")
    func equivalentIDs() throws {
        let ids = ["\u{E9}", "e\u{301}"]
        let pools = ["submitted": try loaded(ids), "unsubmitted": try loaded(["A", ids[0], ids[1]])]
        let view = JobView(
            jobID: JobID(1), kind: "selection", region: "USA", pool: "unsubmitted", state: .planning, priority: 0,
            convention: "ffill-shift", window: "all", minOverlap: 60, precision: "float64", blockEdge: 4, submittedAt: "")
        let means = JobMeans(
            load: { pool in pools[pool]! }, metrics: { _ in [ids[0]: AlphaMetrics(sharpe: 2)] }, profiles: [],
            log: { _ in })
        let prepared = try JobKind.selection.prepare(view, with: means)
        #expect(prepared.alphaCount == 3)
        #expect(prepared.warnings == ["2 alphas have no is_sharpe, so it is computed from the PnL"])
    }
}
