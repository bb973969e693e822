import ArgumentParser
import ClusterModel
import Foundation
import Testing

@testable import alphagrid

/// A check that says what was asked.
func someCheck(_ request: CheckRequest, _ region: Region) -> CheckView {
    var view = CheckView(
        pool: request.pool ?? "submitted", convention: request.convention ?? "ffill-shift", window: request.window ?? "4y",
        minOverlap: request.minOverlap ?? 60, absolute: request.absolute ?? false, threshold: 0.7)
    view.region = region.name
    view.poolSize = 3
    view.candidates = request.candidates.map { candidate in
        var one = CandidateView(alphaID: candidate.alphaID)
        one.verdict = .fail
        one.reason = "1 alpha reaches r 0.7, and it is better"
        one.poolSize = 3
        one.pairCount = 2
        one.maxCorrelation = 0.75
        one.minCorrelation = -0.25
        one.sharpe = candidate.sharpe
        one.sharpeSource = candidate.sharpe == nil ? nil : .given
        var match = MatchView(alphaID: "A 1", correlation: 0.75, days: candidate.dates.count)
        match.sharpe = 2
        match.sharpeSource = .stored
        match.surpassed = false
        one.blocking = [match]
        one.blockingCount = 3
        one.most = [match, MatchView(alphaID: "A2", correlation: -0.25, days: 7)]
        return one
    }
    if request.candidates.count > 1 { view.candidateCorrelations = [[1, nil], [nil, 1]] }
    return view
}

/// A pair that says what was asked.
func somePair(_ request: PairRequest, _ region: Region) -> PairView {
    var whole = PairView.Correlation(correlation: 0.5, days: 300, firstDay: "2024-01-02", lastDay: "2025-01-02", reason: nil)
    whole.convention = "ffill-shift"
    var year = PairView.Correlation(correlation: nil, days: 2, firstDay: nil, lastDay: nil, reason: "too few")
    year.year = "2025"
    whole.years = [year]
    var view = PairView(
        pool: request.pool ?? "submitted", window: request.window ?? "4y", minOverlap: request.minOverlap ?? 60,
        alphas: [request.a, request.b].map {
            PairView.Series(alphaID: $0, firstDay: "2024-01-01", lastDay: nil, days: 1, gaps: 0)
        },
        correlations: [whole])
    view.region = region.name
    return view
}

@Suite struct CheckTests {
    private func parse<Command>(_ arguments: String...) throws -> Command {
        try #require(try AlphaGridCommand.parseAsRoot(arguments) as? Command)
    }

    @Test(
        "A check and an explanation need exactly one of region and file, and a pool goes with a region",
        arguments: [
            ["check", "c.csv"], ["check", "c.csv", "--region", "USA", "--against", "p.csv"],
            ["check", "c.csv", "--against", "p.csv", "--pool", "x"], ["explain", "A", "B"],
            ["explain", "A", "--file", "p.csv"], ["explain", "A", "B", "--file", "p.csv", "--pool", "x"],
        ])
    func sources(arguments: [String]) throws {
        #expect(throws: (any Error).self) { _ = try AlphaGridCommand.parseAsRoot(arguments) }
        let check: CheckCommand = try parse("check", "c.csv", "--against", "p.csv", "--strict")
        #expect(check.against == "p.csv" && check.strict && check.top == 10)
        let explain: ExplainCommand = try parse("explain", "A", "B", "--region", "USA", "--pool", "x")
        #expect(explain.pool == "x")
    }

    @Test("A request has every candidate of the file, without the days on which it has no value")
    func request() throws {
        let scratch = try Scratch()
        let file = try scratch.write("date,A,B\n2024-01-02,1,\n2024-01-03,,\n2024-01-04,-2.5,\n", to: "c.csv")
        let command: CheckCommand = try parse("check", file, "--region", "USA", "--absolute", "--min-overlap", "5")
        let request = try command.request()
        #expect(
            request.candidates == [
                CheckRequest.Candidate(alphaID: "A", dates: ["2024-01-02", "2024-01-04"], pnl: [1, -2.5]),
                CheckRequest.Candidate(alphaID: "B", dates: ["2024-01-02"], pnl: [nil]),
            ])
        #expect(request.absolute == true && request.minOverlap == 5 && request.window == nil)
        let one: CheckCommand = try parse("check", file, "--region", "USA", "--sharpe", "2")
        let error = #expect(throws: GridError.self) { try one.request() }
        #expect(error?.kind == .usage)
    }

    @Test("The text names the verdict, who blocks it and how many more, and the candidates among each other")
    func checkReport() throws {
        let candidates = ["N\u{1B}1", "N2"].map {
            CheckRequest.Candidate(alphaID: $0, dates: ["2024-01-02"], pnl: [1], sharpe: 1.5)
        }
        let lines = CheckReport(someCheck(CheckRequest(candidates: candidates), try Region("USA")), terminal: plain).lines
        #expect(
            lines.prefix(8) == [
                "region USA, pool submitted: 3 alphas, ffill-shift, window 4y, min-overlap 60, signed correlations", "",
                "N?1: FAIL - 1 alpha reaches r 0.7, and it is better",
                "2 of 3 pairs defined, max 0.750000, min -0.250000, Sharpe 1.500 (given)", "",
                "blocked by         r  days  sharpe  from    verdict", "A 1         0.750000     1   2.000  stored  blocks",
                "... and 2 more",
            ])
        #expect(lines.contains("A2                           -0.250000     7       -"))
        #expect(lines.suffix(2) == ["N?1               1.000000         -", "N2                       -  1.000000"])
    }

    @Test("The text of a pair has a row per convention and a column per convention in the years")
    func pairReport() throws {
        let lines = PairReport(somePair(PairRequest("A", "B"), try Region("USA")), terminal: plain).lines
        #expect(lines[0] == "region USA, pool submitted, window 4y, min-overlap 60")
        #expect(lines[1] == "A: 2024-01-01 to 2024-01-01, 1 day, 0 gaps")
        #expect(lines.contains("ffill-shift  0.500000000   300  2024-01-02  2025-01-02"))
        #expect(lines.suffix(2) == ["year  ffill-shift", "2025        - (2)"])
    }

    @Test("Both programs work without a server: known correlations, verdicts, and exit codes as everywhere")
    func program() throws {
        let scratch = try Scratch()
        let pool = try scratch.write(ProgramTests.pnl, to: "pnl.csv")
        let candidate = try scratch.write(ProgramTests.pnl.replacing("date,A,B", with: "date,A,C"), to: "c.csv")
        let flags = ["--window", "all", "--min-overlap", "2"]
        let run = try Run(["check", candidate, "--against", pool, "--json"] + flags)
        #expect(run.status == 0, "\(run.errors)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let views = try #require(object["candidates"] as? [[String: Any]])
        // A is in the pool: only B is left. C is B under another name.
        #expect(views.map { $0["pool_size"] as? Int } == [1, 2])
        let most = views.compactMap { ($0["most"] as? [[String: Any]])?.first }
        #expect(most.map { $0["alpha_id"] as? String } == ["B", "B"] && most.last?["correlation"] as? Double == 1)
        #expect(abs((most[0]["correlation"] as? Double ?? 9) - 0.840468527213175) < 1e-14)
        #expect(views.map { $0["verdict"] as? String } == ["fail", "fail"])

        let strict = try Run(["check", candidate, "--against", pool, "--strict", "--sharpe", "99"] + flags)
        #expect(strict.status == 2 && strict.output.isEmpty && strict.errors.contains("one candidate"))
        let failing = try Run(["check", candidate, "--against", pool, "--strict"] + flags)
        #expect(failing.status == 1 && failing.output.contains("C: FAIL") && failing.errors.isEmpty)
        // What cannot be compared has not passed.
        let short = try Run(["check", candidate, "--against", pool, "--strict", "--window", "all", "--min-overlap", "20"])
        #expect(short.status == 1 && short.output.contains("C: UNDEFINED"), "\(short.output)")
        #expect(try Run(["check", "/nonexistent.csv", "--against", pool]).status == 3)
        #expect(try Run(["check", candidate, "--region", "USA"]).status == 4)

        let pair = try Run(["explain", "A", "B", "--file", pool] + flags)
        #expect(pair.status == 0 && pair.output.contains("common-dates   0.882367475     7  2020-01-02  2020-01-14"))
        #expect(try Run(["explain", "A", "X", "--file", pool]).status == 3)
        #expect(try Run(["explain", "A", "A", "--file", pool]).status == 2)
    }
}

func someResults(_ request: ResultRequest, _ region: Region) -> ResultPage {
    ResultPage(
        region: region.name, result: request.result, table: "alpha_selection_usa", columns: ["alpha_id", "weight", "is_chosen"],
        rows: [[.text("A,1"), .number(0.25), .bool(true)], [.text("B"), .null, .bool(false)]], nextOffset: nil)
}
