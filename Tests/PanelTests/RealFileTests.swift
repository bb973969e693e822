import ClusterModel
import Panel
import Testing

/// Constants computed with pandas and hashlib from the same file.
@Suite(.enabled(if: RealData.isThere, "shared/data/us-equities-pnl.csv.gz does not lie beside the project"))
struct RealFileTests {
    private let table: PnLTable
    private let panel: Panel

    init() throws {
        table = try PnLReader.read(path: RealData.pnlPath)
        panel = try Panel.build(from: table, blockEdge: 256)
    }

    @Test("The real file has the alphas, dates and gaps that pandas finds in it")
    func shape() throws {
        #expect(table.dayCount == 1_259 && table.alphaIDs.count == 505)
        #expect(table.alphaIDs.prefix(3) == ["A", "AAL", "AAP"] && table.alphaIDs.last == "ZTS")
        #expect(table.dates.first?.description == "2013-02-08" && table.dates.last?.description == "2018-02-07")
        #expect(panel.inputOrder.map { panel.alphaIDs[$0] } == table.alphaIDs)
        let missing = panel.inputOrder.reduce(0) { count, alpha in count + panel.series(alpha).count { $0.isNaN } }
        #expect(missing == 16_755)
        #expect(try panel.firstDay(of: .years(4)) == 252)
    }

    @Test("Every value is the double that Python reads: ids, dates and values have the hash of an independent program")
    func contentHash() {
        #expect(panel.contentHash.description == "a8cb7b8ce2d243ae67a7b2f8fa0d5cd58dc2cdd0632ea2f1a1b7693fe329d677")
    }

    @Test("Returns of real series correlate as in pandas, also for a late starter")
    func correlations() throws {
        // (pnl - pnl.ffill().shift(1)).corr() and pnl.ffill().diff().corr() of two pairs.
        let cases: [(String, String, Double)] = [("AAL", "XYL", 0.2548968036242884), ("AAPL", "BHF", 0.058242410900237726)]
        for convention in [Convention.ffillShift, .ffillDiff] {
            for (x, y, expected) in cases {
                let r = correlation(try returns(x, convention), try returns(y, convention))
                #expect(abs(r - expected) < 1e-12, "\(convention) \(x) \(y): \(r)")
            }
        }
    }

    @Test("The real file looks cumulative, and one short alpha is named")
    func warnings() throws {
        #expect(panel.looksCumulative())
        let parameters = try CorrelationParameters(window: .all)
        #expect(
            try panel.warnings(for: parameters)
                == ["1 alpha has fewer than 60 returns in the window, so no correlation is defined: APTV"])
    }

    private func returns(_ id: String, _ convention: Convention) throws -> [Double] {
        let alpha = try #require(panel.alpha(withID: id))
        var output = [Double](repeating: 0, count: panel.dayCount)
        output.withUnsafeMutableBufferPointer { convention.returns(of: panel.series(alpha), into: $0) }
        return output
    }

    private func correlation(_ x: [Double], _ y: [Double]) -> Double {
        let pairs = zip(x, y).filter { !$0.isNaN && !$1.isNaN }
        let count = Double(pairs.count)
        let (mx, my) = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
        let xy = pairs.reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) }
        let xx = pairs.reduce(0) { $0 + ($1.0 - mx) * ($1.0 - mx) }
        let yy = pairs.reduce(0) { $0 + ($1.1 - my) * ($1.1 - my) }
        return xy / (xx * yy).squareRoot()
    }
}
