import ClusterModel
import HTTPTypes
import Testing

@testable import API

@Suite struct CheckTests {
    private static let path = "/v1/regions/USA/check"

    @Test("A check as JSON arrives with all that was asked, and null is a missing day")
    func json() async throws {
        let grid = FakeGrid()
        let body = """
            {"candidates":[{"alpha_id":"X","dates":["2024-01-02","2024-01-03"],"pnl":[1.5,null],"sharpe":2},
             {"alpha_id":"Y","dates":["2024-01-02"],"pnl":[-3e2]}],
             "pool":"core","convention":"common-dates","window":"400d","min_overlap":20,"top":3,"absolute":true}
            """
        let answer = try await send(Call(.post, Self.path, body), to: grid)
        #expect(answer.status == 200)
        var expected = CheckRequest(candidates: [
            .init(alphaID: "X", dates: ["2024-01-02", "2024-01-03"], pnl: [1.5, nil], sharpe: 2),
            .init(alphaID: "Y", dates: ["2024-01-02"], pnl: [-300]),
        ])
        expected.pool = "core"
        expected.convention = "common-dates"
        expected.window = "400d"
        expected.minOverlap = 20
        expected.top = 3
        expected.absolute = true
        #expect(await grid.calls == [.check(expected, try Region("USA"))])
        #expect(answer.json["region"] as? String == "USA")
        #expect((answer.json["candidates"] as? [[String: Any]])?.map { $0["alpha_id"] as? String } == ["X", "Y"])
        #expect(answer.text.contains("\"candidate_correlations\":[[1,null],[null,1]]"))
    }

    @Test("A check as CSV is handed on as it came, with what the query asks")
    func csv() async throws {
        let grid = FakeGrid()
        let text = "date,X\n2024-01-02,1\n"
        let path = Self.path + "?pool=my+pool&convention=alphadatabank&window=all&min_overlap=9&top=2&absolute=true"
        let answer = try await send(Call(.post, path, text), to: grid, contentType: "text/csv; charset=utf-8")
        #expect(answer.status == 200)
        var expected = CheckRequest(candidates: [], csv: Array(text.utf8))
        expected.pool = "my pool"
        expected.convention = "alphadatabank"
        expected.window = "all"
        expected.minOverlap = 9
        expected.top = 2
        expected.absolute = true
        #expect(await grid.calls == [.check(expected, try Region("USA"))])
        let plain = try await send(Call(.post, Self.path, text), to: grid, contentType: "text/plain")
        expectProblem(plain, 415, "Unsupported Media Type")
        #expect(plain.detail.contains("application/json or text/csv"))
    }

    @Test(
        "Each mistake in a check gets a sentence that names the field and what was expected",
        arguments: [
            BadBody("", "not valid JSON"), BadBody("{", "not valid JSON"), BadBody("[]", "not valid JSON", "object"),
            BadBody("{}", "'candidates'", "missing"),
            BadBody(#"{"candidates":7}"#, "'candidates'", "a list"),
            BadBody(#"{"candidates":[{}]}"#, "'alpha_id'", "missing", "candidates[0]"),
            BadBody(#"{"candidates":[{"alpha_id":1,"dates":[],"pnl":[]}]}"#, "'candidates[0].alpha_id'", "a text"),
            BadBody(#"{"candidates":[{"alpha_id":"X","dates":["2024-01-02"],"pnl":["1"]}]}"#, "pnl[0]", "numbers"),
            BadBody(#"{"candidates":[{"alpha_id":"X","dates":[20240102],"pnl":[1]}]}"#, "dates[0]", "2024-02-29"),
            BadBody(#"{"candidates":[{"alpha_id":"X","dates":[],"pnl":[],"pnI":[]}]}"#, "'pnI'", "unknown", "sharpe"),
            BadBody(#"{"candidates":[],"min_overlap":"60"}"#, "'min_overlap'", "whole number"),
            BadBody(#"{"candidates":[],"absolute":1}"#, "'absolute'", "true or false"),
            BadBody(#"{"candidates":[],"k\u0007":1}"#, "'k?'", "unknown"),
        ])
    func mistakes(bad: BadBody) async throws {
        let grid = FakeGrid()
        let answer = try await send(Call(.post, Self.path, bad.body), to: grid)
        expectProblem(answer, 400, "Bad Request")
        for name in bad.names { #expect(answer.detail.contains(name), "\(answer.detail)") }
        #expect(await grid.calls.isEmpty)
    }

    @Test(
        "Regions, queries and methods that make no sense are refused before the grid is asked",
        arguments: [
            (Call(.post, "/v1/regions/usa/check", #"{"candidates":[]}"#), 400), (Call(.post, path + "?top=3", "{}"), 400),
            (Call(.get, path), 405), (Call(.post, "/v1/regions/USA/pairs"), 405),
            (Call(.get, "/v1/regions/USA/pairs"), 400), (Call(.get, "/v1/regions/USA/pairs?a=X"), 400),
            (Call(.get, "/v1/regions/USA/pairs?a=X&b=Y&c=Z"), 400),
            (Call(.get, "/v1/regions/U%53/pairs?a=X&b=Y&min_overlap=1"), 400),
            (Call(.get, "/v1/regions/USA/pair?a=X&b=Y"), 404),
        ])
    func refusals(call: Call, status: Int) async throws {
        let grid = FakeGrid()
        #expect(try await send(call, to: grid).status == status)
        #expect(await grid.calls.isEmpty)
    }

    @Test("A check may be larger than other bodies, but not without a bound")
    func size() async throws {
        let grid = FakeGrid()
        let blanks = String(repeating: " ", count: Limits.httpBodyBytesMax)
        #expect(try await send(Call(.post, Self.path, #"{"candidates":[]}"# + blanks), to: grid).status == 200)
        let more = String(repeating: " ", count: Limits.checkBodyBytesMax)
        let answer = try await send(Call(.post, Self.path, #"{"candidates":[]}"# + more), to: grid)
        expectProblem(answer, 413, "Content Too Large")
        #expect(answer.detail.contains("\(Limits.checkBodyBytesMax)"))
    }

    @Test("A pair is asked for by the query, whatever characters its ids have")
    func pair() async throws {
        let grid = FakeGrid()
        let answer = try await send(
            Call(.get, "/v1/regions/USA/pairs?a=X%26%2F1&b=%C3%A4&pool=core&window=all&min_overlap=5"), to: grid)
        #expect(answer.status == 200)
        var expected = PairRequest("X&/1", "ä")
        expected.pool = "core"
        expected.window = "all"
        expected.minOverlap = 5
        #expect(await grid.calls == [.pair(expected, try Region("USA"))])
        #expect((answer.json["alphas"] as? [[String: Any]])?.first?["alpha_id"] as? String == "X&/1")
    }
}
