import API
import ClusterModel
import Expressions
import Foundation
import Store
import Testing

@testable import alphagrid

/// What `alphagrid expressions` says of a region.
@Suite struct ExpressionsReportTests {
    private func json(_ value: some Encodable) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: GridJSON.encodeForReading(value)) as? [String: Any])
    }

    private func counts(_ codes: [String?], superAlphas: Int = 0) -> (FormulaCounts, [(String, Program?)]) {
        var counts = FormulaCounts()
        var seen: [(String, Program?)] = []
        for (index, code) in codes.enumerated() {
            counts.add(AlphaCode(alphaID: "A\(index)", code: code)) { seen.append(($0, try? $1.get())) }
        }
        for index in 0..<superAlphas {
            counts.add(AlphaCode(alphaID: "S\(index)", isSuper: true, code: nil)) { id, _ in Issue.record("\(id)") }
        }
        return (counts, seen)
    }

    @Test("Formulas are counted by what became of them; SUPER alphas need none")
    func counting() throws {
        let (counts, seen) = counts(["rank(close)", "rank(", nil, "open"], superAlphas: 2)
        #expect(seen.map(\.0) == ["A0", "A1", "A3"] && seen.map { $0.1 != nil } == [true, false, true])
        #expect(
            counts.sentence
                == "6 alphas: 2 formulas read, 1 that cannot be read, 1 without a formula, 2 SUPER alphas without one")
        let expected = ["total": 6, "parsed": 2, "not_parsed": 1, "without_code": 1, "super_without_code": 2]
        #expect(try json(counts) as? [String: Int] == expected)
    }

    @Test("Of a region's alphas with problems the first are shown, each with its first problem, and the others counted")
    func region() throws {
        let problem = try #require(ExpressionReport("rank(close)) + x", catalogue: .standard, fields: nil).view.problems.first)
        var view = RegionExpressionsView(region: "USA", pool: "submitted")
        view.add([], of: "fine")
        #expect(view.lines == ["0 alphas: 0 formulas read; nothing wrong"])
        view.add([problem, problem, problem], of: "A0")
        for index in 1..<23 { view.add([problem], of: "A\(index)") }
        let lines = view.lines
        #expect(lines.count == 23 && lines[1] == "A0     \(problem.position): \(problem.message) (and 2 more)")
        #expect(lines[21] == "... 3 more alphas with problems" && lines[22].hasSuffix("; 23 alphas wrong"))
        let object = try json(view)
        #expect(object["alphas_wrong"] as? Int == 23 && (object["problems"] as? [Any])?.count == 20)
        let first = try #require((object["problems"] as? [[String: Any]])?.first)
        #expect(first["alpha_id"] as? String == "A0" && first["problem_count"] as? Int == 3)
    }

    private func usage() throws -> CombinedUsage {
        var usage = CombinedUsage()
        let fields = FieldList([DataField(name: "close", category: "pv"), DataField(name: "cap")])
        for text in ["rank(close) + rank(a)", "rank(close)", "foo(close)"] {
            usage.add(ExpressionUsage(try Program.parse(text), catalogue: .standard, fields: fields))
        }
        return usage
    }

    @Test("Usage has every word with its alphas and counts, and totals by category, as table, CSV and JSON")
    func usageViews() throws {
        let view = UsageView(region: "USA", pool: "submitted", alphas: FormulaCounts(total: 3, parsed: 3), try usage())
        #expect(
            view.csv == """
                kind,name,category,known,alphas,count
                operator,rank,Cross Sectional,true,2,3
                operator,add,Arithmetic,true,1,1
                operator,foo,,false,1,1
                field,close,pv,true,3,3
                field,a,,false,1,1

                """)
        #expect(
            view.lines(terminal: plain) == [
                "3 alphas: 3 formulas read", "", "OPERATOR       CATEGORY         ALPHAS  COUNT",
                "rank           Cross Sectional       2      3", "add            Arithmetic            1      1",
                "foo (unknown)                        1      1", "3 operators, written 5 times",
                "by category: without category 1 (1), Arithmetic 1 (1), Cross Sectional 1 (3)", "",
                "FIELD        CATEGORY  ALPHAS  COUNT", "close        pv             3      3",
                "a (unknown)                 1      1", "2 fields, written 4 times",
                "by category: without category 1 (1), pv 1 (3)",
            ])
        let operators = try #require(try json(view)["operators"] as? [String: Any])
        #expect(operators["distinct"] as? Int == 3 && operators["total"] as? Int == 5)
        #expect((operators["categories"] as? [[String: Any]])?.last?["total"] as? Int == 3)
        #expect((operators["words"] as? [[String: Any]])?.first?["alphas"] as? Int == 2)
    }

    @Test("Expansion lists what the lists have and no formula uses")
    func expansion() throws {
        let catalogue = OperatorCatalogue([
            Operator(name: "rank"), Operator(name: "zscore", category: "C"), Operator(name: "abs"), Operator(name: "add"),
        ])
        let fields = FieldList(["close", "cap", "low"].map { DataField(name: $0, category: "pv") })
        let counts = FormulaCounts(total: 3, parsed: 3)
        let view = ExpansionView(region: "USA", pool: "p", alphas: counts, try usage(), catalogue, fields)
        #expect(
            view.lines == [
                "3 alphas: 3 formulas read", "", "OPERATOR  CATEGORY", "abs", "zscore    C", "2 of 4 operators are not used", "",
                "FIELD  CATEGORY", "cap    pv", "low    pv", "2 of 3 fields are not used",
            ])
        let without = ExpansionView(region: "USA", pool: "p", alphas: counts, try usage(), catalogue, nil)
        #expect(without.lines.last == "2 of 4 operators are not used")
        let object = try #require(try json(view)["fields"] as? [String: Any])
        #expect(object["listed"] as? Int == 3 && (object["unused"] as? [[String: String]])?.map { $0["name"] } == ["cap", "low"])
    }

    // MARK: Duplicates

    private func pair(_ a: String, _ b: String, _ r: Double) -> ClosePairs.Pair {
        ClosePairs.Pair(alphaID: a, neighbourID: b, correlation: r)
    }

    @Test("Alphas that earn the same are joined through others, whatever the order of their pairs")
    func components() throws {
        let pairs = [
            pair("z", "b", 0.999), pair("m", "n", -0.992), pair("c", "a", 0.995), pair("B", "z", 0.993), pair("a", "b", 0.991),
            pair("b", "z", 0.999),
        ]
        let expected = [
            (["B", "a", "b", "c", "z"], 0.991), (["m", "n"], 0.992),
        ]
        for order in [pairs, pairs.reversed(), Array(pairs[3...] + pairs[..<3])] {
            let view = SamePnLView(ClosePairs(jobID: JobID(4), pairs: order))
            #expect(view.groups.map(\.alphaIDs) == expected.map(\.0))
            #expect(view.groups.map(\.weakestAbsCorrelation) == expected.map(\.1))
            #expect(view.note == .null && view.jobID == .whole(4))
        }
        let some = SamePnLView(
            ClosePairs(jobID: JobID(4), pairs: pairs, alphasCutShort: ["m", "z"]), among: ["a", "c", "z", "B"])
        #expect(some.groups.map(\.alphaIDs) == [["B", "z"], ["a", "c"]])
        #expect(some.alphasCutShort == 1 && some.note != .null)
    }

    @Test("Duplicates are shown by formula and by PnL, and what is not known is said")
    func duplicates() throws {
        let forms = try ["A": "a + b", "B": "b + a", "C": "a"].mapValues { try Program.parse($0) }
        var same = ExpressionDuplicates()
        for id in forms.keys.sorted() { same.add(alphaID: id, program: try #require(forms[id])) }
        let counts = FormulaCounts(total: 3, parsed: 3)
        func view(_ pnl: SamePnLView) -> DuplicatesView {
            DuplicatesView(
                region: "USA", pool: "submitted", threshold: 0.99, alphas: counts, sameForm: same.groups, samePnL: pnl)
        }
        let hash = same.groups[0].hash
        let known = view(SamePnLView(ClosePairs(jobID: JobID(7), pairs: [pair("A", "C", -0.9951)])))
        #expect(
            known.lines == [
                "3 alphas: 3 formulas read", "", "same formula: 1 group of 2 alphas", "HASH          ALPHAS  IDS",
                "\(hash.prefix(12))       2  A B", "", "same PnL, |r| > 0.99, by the neighbours of job 7: 1 group of 2 alphas",
                "WEAKEST  ALPHAS  IDS", "0.9951        2  A C",
            ])
        let object = try json(known)
        #expect(Set(object.keys) == ["region", "pool", "threshold", "alphas", "same_form", "same_pnl"])
        let pnl = try #require(object["same_pnl"] as? [String: Any])
        #expect(Set(pnl.keys) == ["job_id", "groups", "alphas_cut_short", "note"] && pnl["job_id"] as? Int == 7)
        let group = try #require((pnl["groups"] as? [[String: Any]])?.first)
        #expect(group["alpha_ids"] as? [String] == ["A", "C"] && group["weakest_abs_correlation"] as? Double == 0.9951)
        #expect((object["same_form"] as? [[String: Any]])?.first?["alpha_ids"] as? [String] == ["A", "B"])
        let unknown = view(SamePnLView(note: "no neighbours"))
        #expect(unknown.lines.last == "same PnL: no neighbours")
        let empty = try #require(try json(unknown)["same_pnl"] as? [String: Any])
        #expect(empty["job_id"] is NSNull && empty["note"] as? String == "no neighbours")
    }
}
