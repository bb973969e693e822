import ClusterModel
import HTTPTypes
import Testing

@testable import API

/// A body and what the sentence about it must name.
struct BadBody: Sendable, CustomTestStringConvertible {
    var body: String
    var names: [String]
    var testDescription: String { body }
    init(_ body: String, _ names: String...) {
        self.body = body
        self.names = names
    }
}

@Suite struct BadInputTests {
    @Test(
        "Each mistake in a job gets a sentence that names the field and what was expected",
        arguments: [
            BadBody("", "not valid JSON"),
            BadBody("{", "not valid JSON"),
            BadBody("[]", "a list", "object"),
            BadBody("\"USA\"", "'USA'", "object"),
            BadBody("null", "null", "object"),
            BadBody("{}", "'kind'", "missing"),
            BadBody(#"{"kind":"correlation"}"#, "'region'", "missing"),
            BadBody(#"{"kind":null,"region":"USA"}"#, "'kind'", "missing"),
            BadBody(#"{"kind":7,"region":"USA"}"#, "'kind'", "7", "text"),
            BadBody(#"{"kind":"","region":"USA"}"#, "'kind'"),
            BadBody(#"{"kind":"Correlation; drop","region":"USA"}"#, "'kind'"),
            BadBody(#"{"kind":"correlation","region":"usa"}"#, "region 'usa'", "capital letters"),
            BadBody(#"{"kind":"correlation","region":"USA\"; DROP TABLE jobs"}"#, "region", "capital letters"),
            BadBody(#"{"kind":"correlation","region":["USA"]}"#, "'region'", "a list", "text"),
            BadBody(#"{"kind":"correlation","region":"USA","convention":"diff"}"#, "convention 'diff'", "ffill-shift"),
            BadBody(#"{"kind":"correlation","region":"USA","window":"4 years"}"#, "window '4 years'", "400d"),
            BadBody(#"{"kind":"correlation","region":"USA","precision":"half"}"#, "precision 'half'", "float32"),
            BadBody(#"{"kind":"correlation","region":"USA","min_overlap":1}"#, "'min_overlap'", "1", "from 2"),
            BadBody(#"{"kind":"correlation","region":"USA","min_overlap":"60"}"#, "'min_overlap'", "'60'", "whole number"),
            BadBody(#"{"kind":"correlation","region":"USA","min_overlap":60.5}"#, "'min_overlap'", "60.5"),
            BadBody(#"{"kind":"correlation","region":"USA","min_overlap":true}"#, "'min_overlap'", "true"),
            BadBody(#"{"kind":"correlation","region":"USA","min_overlap":-5}"#, "'min_overlap'", "-5"),
            BadBody(
                #"{"kind":"correlation","region":"USA","block_edge":99999999999999999999}"#, "'block_edge'", "whole number"),
            BadBody(#"{"kind":"correlation","region":"USA","block_edge":0}"#, "'block_edge'", "2048"),
            BadBody(#"{"kind":"correlation","region":"USA","priority":1001}"#, "'priority'", "-1000 to 1000"),
            BadBody(#"{"kind":"correlation","region":"USA","pool":""}"#, "pool"),
            BadBody(#"{"kind":"correlation","region":"USA","minOverlap":60}"#, "'minOverlap'", "unknown", "min_overlap"),
            BadBody(#"{"kind":"correlation","region":"USA","a\u0007b":1,"zz":2}"#, "'a?b'", "unknown"),
        ])
    func jobs(bad: BadBody) async throws {
        let grid = FakeGrid()
        let answer = try await send(Call(.post, "/v1/jobs", bad.body), to: grid)
        expectProblem(answer, 400, "Bad Request")
        for name in bad.names { #expect(answer.detail.contains(name), "\(answer.detail)") }
        #expect(await grid.calls.isEmpty)
    }

    @Test(
        "Ids and queries that make no sense are refused before the grid is asked",
        arguments: [
            Call(.get, "/v1/jobs/0"), Call(.get, "/v1/jobs/-1"), Call(.get, "/v1/jobs/abc"), Call(.get, "/v1/jobs/1.5"),
            Call(.get, "/v1/jobs/+1"), Call(.get, "/v1/jobs/9223372036854775808"), Call(.get, "/v1/jobs/%31%20"),
            Call(.get, "/v1/jobs/%ZZ"), Call(.post, "/v1/jobs/0/cancel"), Call(.get, "/v1/jobs?limit=0"),
            Call(.get, "/v1/jobs?limit=-1"), Call(.get, "/v1/jobs?limit=1001"), Call(.get, "/v1/jobs?limit=ten"),
            Call(.get, "/v1/jobs?limit="), Call(.get, "/v1/jobs?before=x"), Call(.get, "/v1/jobs?before=0"),
            Call(.get, "/v1/jobs?page=2"), Call(.get, "/v1/jobs?limit=2&limit=3"), Call(.get, "/v1/jobs?limit=%F"),
            Call(.get, "/v1/status?verbose=1"), Call(.post, "/v1/jobs/1/cancel", #"{"why":"x"}"#),
            Call(.post, "/v1/jobs/1/cancel", #"{"reason":5}"#), Call(.post, "/v1/workers/a%20b/drain"),
            Call(.post, "/v1/workers/host-17/drain", #"{"force":true}"#),
        ])
    func requests(call: Call) async throws {
        let grid = FakeGrid()
        expectProblem(try await send(call, to: grid), 400, "Bad Request")
        #expect(await grid.calls.isEmpty)
    }

    @Test("A reason longer than its bound is refused")
    func longReason() async throws {
        let reason = String(repeating: "é", count: Limits.reasonBytesMax / 2 + 1)
        let answer = try await send(Call(.post, "/v1/jobs/1/cancel", #"{"reason":"\#(reason)"}"#))
        expectProblem(answer, 400, "Bad Request")
        #expect(answer.detail.contains("'reason'") && answer.detail.contains("\(Limits.reasonBytesMax)"))
    }

    @Test("JSON nested beyond reason is refused and not recursed into")
    func nesting() async throws {
        let body = String(repeating: "[", count: 100_000)
        expectProblem(try await send(Call(.post, "/v1/jobs", body)), 400, "Bad Request")
    }

    @Test("What is not there is 404, for jobs, workers and paths")
    func notThere() async throws {
        for call in [
            Call(.get, "/v1/jobs/99"), Call(.post, "/v1/jobs/99/cancel"), Call(.post, "/v1/workers/gone/drain"),
            Call(.get, "/v2/jobs"), Call(.get, "/assets/none.js"),
        ] {
            expectProblem(try await send(call), 404, "Not Found")
        }
    }

    @Test("A method that a path does not have is 405 and says which it has")
    func methods() async throws {
        for (call, allowed) in [
            (Call(.delete, "/v1/jobs"), "GET, HEAD, POST"), (Call(.put, "/v1/jobs/1", "{}"), "GET, HEAD, DELETE"),
            (Call(.get, "/v1/jobs/1/cancel"), "POST"), (Call(.patch, "/v1/status"), "GET, HEAD"),
        ] {
            let answer = try await send(call)
            expectProblem(answer, 405, "Method Not Allowed")
            #expect(answer.headers[.allow] == allowed)
        }
        expectProblem(try await send(Call(.post, "/livez"), authorization: nil), 405, "Method Not Allowed")
    }

    @Test("A body that is not declared as JSON is 415", arguments: [nil, "text/plain", "application/x-www-form-urlencoded"])
    func mediaType(type: String?) async throws {
        let call = Call(.post, "/v1/jobs", #"{"kind":"correlation","region":"USA"}"#)
        let answer = try await send(call, contentType: type)
        expectProblem(answer, 415, "Unsupported Media Type")
        #expect(answer.detail.contains("application/json"))
        #expect(try await send(call, contentType: "Application/JSON; charset=utf-8").status == 201)
    }

    @Test("A body beyond the limit is 413, one byte below it is read")
    func bodySize() async throws {
        let start = #"{"kind":"correlation","region":"USA""#
        let fill = String(repeating: " ", count: Limits.httpBodyBytesMax - start.utf8.count - 1)
        let fits = try await send(Call(.post, "/v1/jobs", "\(start)\(fill)}"))
        #expect(fits.status == 201)
        let tooLarge = try await send(Call(.post, "/v1/jobs", "\(start)\(fill) }"))
        expectProblem(tooLarge, 413, "Content Too Large")
    }

    @Test("The kind of a failure decides the status")
    func failures() async throws {
        let cases: [(GridError.Kind, Int, String)] = [
            (.usage, 400, "Bad Request"), (.notFound, 404, "Not Found"), (.conflict, 409, "Conflict"),
            (.unreachable, 503, "Service Unavailable"), (.failed, 500, "Internal Server Error"),
            (.partlyDone, 500, "Internal Server Error"),
        ]
        for (kind, status, title) in cases {
            let grid = FakeGrid(failure: GridError(kind, "region XXX has no PnL"))
            let answer = try await send(Call(.get, "/v1/status"), to: grid)
            expectProblem(answer, status, title)
            #expect(answer.detail == "region XXX has no PnL")
        }
    }

    @Test("A failure that nobody worded for people stays in the log")
    func internalFailure() async throws {
        struct Inner: Error { var secret = "SELECT * FROM /etc/alphagrid" }
        for call in [Call(.get, "/v1/status"), Call(.get, "/v1/workers"), Call(.get, "/v1/jobs")] {
            let answer = try await send(call, to: FakeGrid(failure: Inner()))
            expectProblem(answer, 500, "Internal Server Error")
            #expect(!answer.text.contains("SELECT") && !answer.text.contains("Inner"))
        }
    }
}
