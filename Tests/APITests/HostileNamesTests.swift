import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

/// Names that try to be a path, a statement or the end of a text, in every place where a name enters over HTTP.
@Suite struct HostileNamesTests {
    /// As they stand in a path or a query.
    private static let encoded = [
        "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%2f..%2fetc%2fpasswd", "%252e%252e%252f", "..%5c..%5c", "USA%00", "%00",
        "%c0%ae%c0%ae%c0%af", "%e0%80%ae", "%ff%fe", "%ED%A0%80", "%27%3B%20DROP%20TABLE%20alphas%3B%20--",
        "%22%3B%20DROP%20TABLE%20alphas%3B%20--", "%5C%27", "1%20OR%201%3D1", "%0d%0aX-Injected%3A%201", "USA%0a", "%u0027",
        "%EF%BC%87", "correlation_usa", "USA%3BSELECT", "%25s%25n", "%", "%4", "%zz",
    ]

    @Test("No such name is a region, a job or a result, and the grid is not even asked", arguments: encoded)
    func strict(name: String) async throws {
        let grid = FakeGrid()
        let check = #"{"candidates":[]}"#
        for call in [
            Call(.get, "/v1/jobs/\(name)"), Call(.post, "/v1/jobs/\(name)/cancel"), Call(.get, "/v1/jobs?before=\(name)"),
            Call(.get, "/v1/jobs?limit=\(name)"), Call(.get, "/v1/jobs?\(name)=1"),
            Call(.post, "/v1/regions/\(name)/check", check), Call(.get, "/v1/regions/\(name)/pairs?a=X&b=Y"),
            Call(.get, "/v1/regions/\(name)/results/clusters"), Call(.get, "/v1/regions/USA/results/\(name)"),
            Call(.get, "/v1/regions/\(name)/alphas/A"), Call(.get, "/v1/regions/\(name)/matrix"),
            Call(.get, "/v1/regions/\(name)/usage"), Call(.get, "/v1/jobs/\(name)/tiles"), Call(.get, "/v1/jobs/\(name)/events"),
            Call(.get, "/v1/events?seconds=\(name)"), Call(.get, "/v1/jobs?sort=\(name)"), Call(.get, "/v1/jobs?state=\(name)"),
            Call(.get, "/v1/workers?sort=\(name)"), Call(.get, "/v1/regions/USA/matrix?rows=\(name)"),
            Call(.get, "/v1/regions/USA/results/clusters?filter=label:\(name):1"),
            Call(.get, "/v1/regions/USA/results/clusters?delay=\(name)"),
            Call(.get, "/v1/regions/USA/results/clusters?job=\(name)"),
            Call(.get, "/v1/regions/USA/results/clusters?limit=\(name)"),
            Call(.get, "/v1/regions/USA/pairs?a=X&b=Y&min_overlap=\(name)"),
        ] {
            // The last part of a path may be what makes it another route; then it must be none.
            let answer = try await send(call, to: grid)
            #expect([400, 404, 405].contains(answer.status), "\(call): \(answer.status) \(answer.text)")
            #expect(answer.headers[.init("X-Injected")!] == nil)
            #expect(!answer.text.contains("\n") && !answer.text.contains("\u{0}"))
        }
        #expect(await grid.calls.isEmpty)
    }

    @Test("An alpha, a pool, a method or a worker is taken for exactly the text that was sent, or refused", arguments: encoded)
    func verbatim(name: String) async throws {
        let decoded = name.removingPercentEncoding
        let grid = FakeGrid()
        for call in [
            Call(.get, "/v1/regions/USA/pairs?a=\(name)&b=Y"), Call(.get, "/v1/regions/USA/pairs?a=X&b=Y&pool=\(name)"),
            Call(.get, "/v1/regions/USA/results/clusters?alpha_id=\(name)"),
            Call(.get, "/v1/regions/USA/results/clusters?method=\(name)"), Call(.post, "/v1/workers/\(name)/drain"),
        ] {
            let answer = try await send(call, to: grid)
            #expect([200, 400, 404].contains(answer.status), "\(call): \(answer.status) \(answer.text)")
            if decoded == nil { #expect(answer.status == 400, "\(call)") }
        }
        for call in await grid.calls {
            let texts: [String?] =
                switch call {
                case .pair(let request, _): [request.a == "X" ? request.pool : request.a]
                case .results(let request, _): [request.alphaID ?? request.method]
                case .drain(let worker, _): [worker.rawValue]
                default: []
                }
            #expect(texts == [decoded], "\(call)")
        }
    }

    @Test(
        "In a body such names are refused as a region, a kind or a pool, each with its field",
        arguments: [
            "../../etc/passwd", "'; DROP TABLE jobs; --", "\\\"; DROP TABLE jobs; --", "USA\\u0000", "USA\\n", "\\ud800", "＇",
        ])
    func bodies(name: String) async throws {
        let grid = FakeGrid()
        for body in [
            #"{"kind":"correlation","region":"\#(name)"}"#, #"{"kind":"\#(name)","region":"USA"}"#,
            #"{"kind":"correlation","region":"USA","\#(name)":1}"#, #"{"kind":"correlation","region":"USA","window":"\#(name)"}"#,
            #"{"kind":"correlation","region":"USA","convention":"\#(name)"}"#,
        ] {
            let answer = try await send(Call(.post, "/v1/jobs", body), to: grid)
            expectProblem(answer, 400, "Bad Request")
            #expect(!answer.text.contains("\u{0}") && !answer.text.contains("\n"))
        }
        #expect(await grid.calls.isEmpty)
    }
}
