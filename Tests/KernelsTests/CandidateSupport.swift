import ClusterModel
import Kernels
import Panel
import Testing

/// Dates and series by name, from which a panel and what is expected of it are made.
struct Table {
    var dates: [Day]
    var series: [(id: String, values: [Double])]

    init(_ series: [[Double]], dates: [Day]? = nil) {
        self.dates = dates ?? (0..<series[0].count).map { Day(rawValue: 18_000 + 2 * Int32($0)) }
        self.series = series.enumerated().map { ("A\($0.offset)", $0.element) }
    }

    func panel(blockEdge: Int = 8) throws -> Panel {
        let builder = try PanelBuilder(alphaIDs: series.map(\.id), dates: dates, blockEdge: blockEdge)
        for (alpha, one) in series.enumerated() { one.values.withUnsafeBufferPointer { builder.set(alpha: alpha, values: $0) } }
        return try builder.finish()
    }

    /// What the slow twin says of a candidate, as one more column of the table, and one of the series.
    func expected(
        _ candidate: CandidateSeries, _ alpha: Int, _ convention: Convention, firstDay: Int, minOverlap: Int
    ) -> (r: Double?, days: Int) {
        let values = Dictionary(uniqueKeysWithValues: zip(candidate.dates, candidate.values))
        let twin = ReferenceCorrelation(convention: convention, firstDay: firstDay, minOverlap: minOverlap)
        return twin(series[alpha].values, dates.map { values[$0] ?? .nan })
    }
}

/// Checks every answer about a candidate against the slow twin, with the whole pool asked for; and the bound of the pass
/// over rounded returns, which would hide behind that.
func expectExact(
    _ table: Table, _ candidate: CandidateSeries, _ convention: Convention, firstDay: Int = 0, minOverlap: Int = 2,
    tolerance: Double = 1e-10, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let panel = try table.panel()
    let pool = CandidatePool(panel: panel, convention: convention, firstDay: firstDay)
    let question = CandidateQuestion(top: table.series.count, minOverlap: minOverlap)
    let column = try candidate.column(of: panel).values
    let outcome = pool.check(column, id: candidate.id, question)
    let screened = pool.screen(column, minOverlap: minOverlap)
    var defined = 0
    var reaching: [String] = []
    for (alpha, one) in table.series.enumerated() where one.id != candidate.id {
        let (r, days) = table.expected(candidate, alpha, convention, firstDay: firstDay, minOverlap: minOverlap)
        let found = outcome.most.first { panel.alphaIDs[$0.alpha] == one.id }
        let what: Comment = "\(convention.rawValue), \(one.id), from day \(firstDay)"
        #expect((r == nil) == (found == nil), what, sourceLocation: sourceLocation)
        let rounded = screened[try #require(panel.alpha(withID: one.id))]
        #expect(
            rounded.error == .infinity || r.map { abs($0 - rounded.r) <= rounded.error } ?? rounded.r.isNaN, what,
            sourceLocation: sourceLocation)
        guard let r, let found else { continue }
        defined += 1
        if r >= question.threshold { reaching.append(one.id) }
        #expect(abs(found.r - r) <= tolerance, what, sourceLocation: sourceLocation)
        #expect(found.days == days, what, sourceLocation: sourceLocation)
    }
    #expect(outcome.pairCount == defined, sourceLocation: sourceLocation)
    #expect(outcome.most.count == defined && outcome.least.count == defined, sourceLocation: sourceLocation)
    #expect(outcome.most.map(\.r) == outcome.most.map(\.r).sorted(by: >), sourceLocation: sourceLocation)
    #expect(outcome.least.map(\.r) == outcome.least.map(\.r).sorted(by: <), sourceLocation: sourceLocation)
    #expect(outcome.maximum == outcome.most.first && outcome.minimum == outcome.least.first, sourceLocation: sourceLocation)
    #expect(outcome.reaching.map { panel.alphaIDs[$0] }.sorted() == reaching.sorted(), sourceLocation: sourceLocation)
}

/// A candidate that follows some series, with gaps, late start and, when `foreign`, days of its own before, between and
/// behind the table's.
func followingCandidate(_ table: Table, of source: Int, noise: Double, foreign: Bool, seed: UInt64) throws -> CandidateSeries {
    var random = Generator(seed: seed)
    var rows: [(Day, Double)] = []
    var level = 0.0
    var total = 0.0
    var offDay = Day(rawValue: table.dates[0].rawValue - 5)
    for (day, value) in zip(table.dates, table.series[source].values) {
        if foreign && random.uniform() < 0.2 {
            total += 900 * random.normal()
            offDay = Day(rawValue: day.rawValue - 1)
            rows.append((offDay, level + total))
        }
        if !value.isNaN { level = value }
        total += noise * random.normal()
        if random.uniform() < 0.9 { rows.append((day, level + total)) }
    }
    if foreign {
        for extra in 1...3 {
            rows.append((Day(rawValue: table.dates.last!.rawValue + Int32(extra)), level + total + Double(extra * extra)))
        }
    }
    return try CandidateSeries(id: "candidate", dates: rows.map(\.0), values: rows.map(\.1))
}
