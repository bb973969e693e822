import ClusterModel
import Foundation
import Kernels
import Panel
import Testing

/// Questions about single series, against the slow twin on a table that has the candidate as one more column.
struct CandidateTests {
    @Test("Every correlation of a candidate is the slow twin's, with gaps and windows", arguments: Convention.allCases)
    func againstTwin(_ convention: Convention) throws {
        let table = Table(syntheticPanel(alphas: 29, days: 150, seed: 11))
        let candidate = try followingCandidate(table, of: 0, noise: 300, foreign: false, seed: 5)
        for firstDay in [0, 1, 70] { try expectExact(table, candidate, convention, firstDay: firstDay, minOverlap: 5) }
    }

    @Test("A candidate's days that the panel lacks are left out and counted", arguments: Convention.allCases)
    func foreignDays(_ convention: Convention) throws {
        let table = Table(syntheticPanel(alphas: 23, days: 120, seed: 12))
        for seed in 1...3 as ClosedRange<UInt64> {
            let candidate = try followingCandidate(table, of: 3, noise: 200, foreign: true, seed: seed)
            for firstDay in [0, 60] { try expectExact(table, candidate, convention, firstDay: firstDay, minOverlap: 4) }
            let foreign = candidate.dates.filter { !table.dates.contains($0) }
            #expect(foreign.count > 10)
            #expect(try candidate.column(of: table.panel()).leftOut == foreign.count)
        }
    }

    @Test("Complete series on both sides agree with the slow twin", arguments: Convention.allCases)
    func complete(_ convention: Convention) throws {
        let all = syntheticPanel(alphas: 20, days: 90, seed: 13, gaps: -1).filter { !$0.contains(where: \.isNaN) }
        #expect(all.count >= 5)
        let table = Table(Array(all.dropLast()))
        let candidate = try CandidateSeries(id: "candidate", dates: table.dates, values: all[all.count - 1])
        try expectExact(table, candidate, convention)
    }

    @Test("The few that are asked for are the same, in the same order, as the best of all", arguments: [false, true])
    func topFew(_ isAbsolute: Bool) throws {
        var series = syntheticPanel(alphas: 300, days: 80, seed: 14)
        // Doubles and opposites, so that ties and nearly equal ones stand at both ends.
        for alpha in 0..<10 { series.append(series[alpha].map { alpha % 2 == 0 ? $0 : -$0 }) }
        let table = Table(series)
        let panel = try table.panel(blockEdge: 64)
        let candidate = try followingCandidate(table, of: 0, noise: 100, foreign: false, seed: 2)
        let pool = CandidatePool(panel: panel, convention: .ffillShift, firstDay: 0)
        let column = try candidate.column(of: panel).values
        var question = CandidateQuestion(top: series.count, isAbsolute: isAbsolute, minOverlap: 10)
        let all = pool.check(column, id: candidate.id, question)
        for top in [1, 7, 40] {
            question.top = top
            let some = pool.check(column, id: candidate.id, question)
            #expect(some.most == Array(all.most.prefix(top)))
            #expect(some.least == Array(all.least.prefix(top)))
            #expect(some.pairCount == all.pairCount && some.reaching == all.reaching)
            #expect(some.maximum == all.maximum && some.minimum == all.minimum)
            #expect(some.exactPairs < all.exactPairs)
        }
        let keys = all.most.map { isAbsolute ? $0.r.magnitude : $0.r }
        #expect(keys == keys.sorted(by: >))
        for (a, b) in zip(all.most, all.most.dropFirst()) where isAbsolute ? a.r.magnitude == b.r.magnitude : a.r == b.r {
            #expect(panel.ranks[a.alpha] < panel.ranks[b.alpha])
        }
        #expect(all.maximum?.r == all.most.map(\.r).max() && all.minimum?.r == all.most.map(\.r).min())
    }

    @Test("A correlation of exactly the threshold reaches it, the next smaller number does not")
    func threshold() throws {
        let table = Table(syntheticPanel(alphas: 12, days: 60, seed: 15, gaps: 0))
        let candidate = try followingCandidate(table, of: 0, noise: 2_000, foreign: false, seed: 3)
        let pool = CandidatePool(panel: try table.panel(), convention: .ffillShift, firstDay: 0)
        let column = try candidate.column(of: pool.panel).values
        let exact = pool.check(column, id: candidate.id, CandidateQuestion(top: 12, minOverlap: 5))
        for match in exact.most {
            let at = CandidateQuestion(top: 1, minOverlap: 5, threshold: match.r)
            let above = CandidateQuestion(top: 1, minOverlap: 5, threshold: match.r.nextUp)
            #expect(pool.check(column, id: candidate.id, at).reaching.contains(match.alpha))
            #expect(!pool.check(column, id: candidate.id, above).reaching.contains(match.alpha))
        }
    }

    @Test("The alpha of the candidate's own id is left out, and alone it leaves an empty pool")
    func ownID() throws {
        let series = syntheticPanel(alphas: 6, days: 60, seed: 16)
        let table = Table(series)
        let pool = CandidatePool(panel: try table.panel(), convention: .ffillShift, firstDay: 0)
        let outcome = pool.check(series[3], id: "A3", CandidateQuestion(minOverlap: 2))
        #expect(outcome.poolSize == 5)
        #expect(!outcome.most.contains { pool.panel.alphaIDs[$0.alpha] == "A3" })
        let alone = CandidatePool(panel: try Table([series[3]]).panel(), convention: .ffillShift, firstDay: 0)
        let nobody = alone.check(series[3], id: "A0", CandidateQuestion(minOverlap: 2))
        #expect(nobody.poolSize == 0 && nobody.pairCount == 0 && nobody.most.isEmpty && nobody.maximum == nil)
    }

    @Test(
        "Large pools are screened and decided by several threads, with the answers of one",
        arguments: [Convention.ffillShift, .commonDates])
    func manyParts(_ convention: Convention) throws {
        let series = syntheticPanel(alphas: 6_000, days: 520, seed: 17, gaps: 0.001)
        let table = Table(series)
        let panel = try table.panel(blockEdge: 256)
        let pool = CandidatePool(panel: panel, convention: convention, firstDay: 0)
        let candidate = try followingCandidate(table, of: 0, noise: 400, foreign: false, seed: 4)
        let column = try candidate.column(of: panel).values
        let outcome = pool.check(column, id: candidate.id, CandidateQuestion(top: 5, minOverlap: 60))
        #expect(outcome.most.count == 5 && outcome.least.count == 5)
        for match in outcome.most + outcome.least {
            let common = CommonReturns(Array(panel.series(match.alpha)), column, convention, firstDay: 0)
            #expect(common.correlation(minOverlap: 60) == match.r && common.count == match.days)
        }
        let all = pool.matches(Array(0..<panel.alphaCount), column, minOverlap: 60).compactMap(\.self)
        #expect(all.count == outcome.pairCount)
        #expect(all.map(\.r).max() == outcome.maximum?.r && all.map(\.r).min() == outcome.minimum?.r)
        #expect(all.filter { $0.r >= 0.7 }.map(\.alpha) == outcome.reaching)
    }

    @Test("Without dates values belong together by position, and sides that do not fit are refused")
    func withoutDates() throws {
        let series = syntheticPanel(alphas: 5, days: 50, seed: 19)
        let dated = Table(series)
        let path = FileManager.default.temporaryDirectory.appending(path: "candidate-\(UUID()).npy").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var file = Data("\u{93}NUMPY\u{1}\0\u{76}\0".unicodeScalars.map { UInt8($0.value) })
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (50, 5), }"
        file.append(Data((header + String(repeating: " ", count: 0x75 - header.count) + "\n").utf8))
        for day in 0..<50 {
            for one in series { withUnsafeBytes(of: one[day].bitPattern.littleEndian) { file.append(contentsOf: $0) } }
        }
        try file.write(to: URL(fileURLWithPath: path))
        let bare = try Panel.build(from: try PnLReader.read(path: path), blockEdge: 4)

        let candidate = try CandidateSeries(id: "X", dates: [], values: series[0])
        let column = try candidate.column(of: bare)
        #expect(column.leftOut == 0)
        let most = CandidatePool(panel: bare, convention: .ffillShift, firstDay: 0)
            .check(column.values, id: "X", CandidateQuestion(top: 1, minOverlap: 2)).most
        #expect(most.map(\.r) == [1] && bare.alphaIDs[most[0].alpha] == "A000001")

        let short = try CandidateSeries(id: "X", dates: [], values: [1, 2])
        let other = try CandidateSeries(id: "X", dates: dated.dates, values: series[0])
        #expect(throws: GridError.self) { try candidate.column(of: dated.panel()) }
        #expect(throws: GridError.self) { try short.column(of: bare) }
        #expect(throws: GridError.self) { try other.column(of: bare) }
    }

    @Test("A candidate that is not a series is refused")
    func malformed() throws {
        let days = [Day(rawValue: 1), Day(rawValue: 2)]
        #expect(throws: GridError.self) { try CandidateSeries(id: "X", dates: days, values: [1]) }
        #expect(throws: GridError.self) { try CandidateSeries(id: "X", dates: days.reversed(), values: [1, 2]) }
        #expect(throws: GridError.self) { try CandidateSeries(id: "X", dates: [days[0], days[0]], values: [1, 2]) }
        #expect(throws: GridError.self) { try CandidateSeries(id: "", dates: [], values: [1]) }
        #expect(throws: GridError.self) { try CandidateSeries(id: "X", dates: [], values: [.infinity]) }
    }
}
