import ClusterModel
import Kernels
import Panel
import Store
import Testing

@testable import Service

/// Windows of the matrix, compared with pairs that are computed one by one.
@Suite struct MatrixWindowTests {
    private static let alphaCount = 41
    private static let panel = Result { () throws(GridError) in try makePanel() }
    private let panel: Panel
    private let settings = RegionSettings(convention: .ffillShift, window: .all, minOverlap: 20)

    init() throws { panel = try Self.panel.get() }

    private static func makePanel() throws(GridError) -> Panel {
        var generator = SeededGenerator(seed: 7)
        let dates = (0..<70).map { Day(rawValue: Int32(19_000 + $0)) }
        let builder = try PanelBuilder(alphaIDs: (0..<alphaCount).map { "A\($0)" }, dates: dates, blockEdge: 8)
        for alpha in 0..<alphaCount {
            var level = 0.0
            for day in 0..<70 where day >= alpha % 5 * 9 {
                level += Double(generator.next() % 2_001) - 1_000 + (alpha % 2 == 0 ? Double(day % 7) * 300 : 0)
                // The last one has too few returns for any pair.
                if alpha < alphaCount - 1 || day > 65 { builder.set(alpha: alpha, day: day, value: level) }
            }
        }
        return try builder.finish()
    }

    private func r(_ a: String, _ b: String) throws -> Double? {
        let (x, y) = (try #require(panel.alpha(withID: a)), try #require(panel.alpha(withID: b)))
        let common = CommonReturns(panel.series(x), panel.series(y), settings.convention, firstDay: 0)
        return common.correlation(minOverlap: settings.minOverlap)
    }

    private func view(
        _ clusters: Store.ClusterOrder? = nil, _ change: (inout MatrixRequest) -> Void
    ) throws(GridError) -> MatrixView {
        var request = MatrixRequest()
        change(&request)
        return try MatrixWindow(panel: panel, settings: settings, clusters: clusters).view(request)
    }

    private func isClose(_ a: Double?, _ b: Double?) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        return (a - b).magnitude <= 1e-10
    }

    @Test("Every value of the whole matrix and of a rectangle is the pair's r, null where that is undefined")
    func values() throws {
        for (rows, columns) in [(0..<41, 0..<41), (3..<20, 10..<41), (0..<41, 5..<6)] {
            let view = try view { ($0.rows, $0.columns) = (rows, columns) }
            #expect(view.count == 41 && view.rows.step == 1 && view.rowIds.count == rows.count)
            for (i, a) in view.rowIds.enumerated() {
                for (j, b) in view.columnIds.enumerated() {
                    let expected = try a == b ? 1 : r(a, b)
                    #expect(isClose(view.values[i][j], expected), "\(a) \(b)")
                }
            }
        }
        #expect(try view { _ in }.rowIds == (0..<41).map { "A\($0)" }.sorted())
    }

    @Test("A cell of several pairs has the r of the largest |r|, and says nothing of an alpha with itself")
    func cells() throws {
        let coarse = try view { $0.size = 6 }
        #expect(coarse.rows == MatrixView.Span(from: 0, to: 41, step: 7) && coarse.rowIds.count == 6)
        let fine = try view { _ in }
        for i in 0..<6 {
            for j in 0..<6 {
                var expected: Double?
                for a in (i * 7)..<min(41, i * 7 + 7) {
                    for b in (j * 7)..<min(41, j * 7 + 7) where a != b {
                        guard let r = fine.values[a][b] else { continue }
                        if expected.map({ r.magnitude > $0.magnitude }) ?? true { expected = r }
                    }
                }
                #expect(isClose(coarse.values[i][j], expected), "\(i) \(j)")
            }
        }
    }

    @Test("Alphas stand in the order of the clusters, those without one at the end, or as they are named")
    func orders() throws {
        let labels: ByAlphaID = ["A7": 0, "A3": -1]
        let clusters = Store.ClusterOrder(method: "hdbscan", alphaIDs: ["A7", "GONE", "A3"], labels: labels)
        let ordered = try view(clusters) { $0.order = .cluster }
        #expect(ordered.rowIds.prefix(4) == ["A7", "A3", "A0", "A1"] && ordered.rowIds.count == 41)
        #expect(ordered.labels?.prefix(3) == [0, -1, nil] && ordered.method == "hdbscan")
        let named = try view { ($0.order, $0.alphas) = (.named, ["A9", "A2"]) }
        #expect(named.count == 2 && named.rowIds == ["A9", "A2"] && named.labels == nil)
        #expect(isClose(named.values[0][1], try r("A2", "A9")))
    }

    @Test("What lies outside, is not there, is named twice or is too much is refused")
    func refused() {
        for rows in [0..<42, 41..<42] {
            let error = #expect(throws: GridError.self) { try view { $0.rows = rows } }
            #expect(error?.kind == .usage)
        }
        let missing = #expect(throws: GridError.self) { try view { ($0.order, $0.alphas) = (.named, ["A1", "X"]) } }
        #expect(missing?.kind == .notFound)
        #expect(throws: GridError.self) { try view { ($0.order, $0.alphas) = (.named, ["A1", "A1"]) } }
    }

    @Test("A window of very many pairs is refused before any work, in a sentence that says what is possible")
    func bounded() throws {
        let count = 6_000
        let builder = try PanelBuilder(
            alphaIDs: (0..<count).map { "B\($0)" }, dates: [Day(rawValue: 19_000), Day(rawValue: 19_001)], blockEdge: 512)
        let window = MatrixWindow(panel: try builder.finish(), settings: settings, clusters: nil)
        let error = #expect(throws: GridError.self) { try window.view(MatrixRequest()) }
        #expect(error?.message.contains("6000 x 6000") == true)
        #expect(error?.message.contains("rows=0:5792") == true)
    }
}
