import ClusterModel
import HTTPTypes
import GridMetrics
import Testing

@testable import API

@Suite struct MetricsRouteTests {
    @Test("What the registry holds is answered in the format of Prometheus, to a viewer too")
    func answer() async throws {
        let answer = try await send(Call(.get, "/metrics"), authorization: "Bearer \(FakeRecords.secret("viewer"))")
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.text.contains("\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes "))
    }

    @Test("Requests are counted by the route's template, never by what stands in the path")
    func requests() async throws {
        let door = try Door(access: access())
        _ = try await door.send(Call(.get, "/v1/jobs/1"))
        _ = try await door.send(Call(.get, "/v1/jobs/2"))
        _ = try await door.send(Call(.get, "/v1/jobs/x"))
        _ = try await door.send(Call(.get, "/no/such/path"))
        _ = try await door.send(Call(.delete, "/v1/workers"))
        _ = try await door.send(Call(.get, "/v1/status"), authorization: nil)
        let text = try await door.send(Call(.get, "/metrics")).text
        let counted = { (route: String, method: String, code: Int, count: Int) in
            text.contains(
                "alphagrid_http_requests_total{route=\"\(route)\",method=\"\(method)\",code=\"\(code)\"} \(count)\n")
        }
        #expect(counted("/v1/jobs/{id}", "GET", 200, 2), "\(text)")
        #expect(counted("/v1/jobs/{id}", "GET", 400, 1))
        #expect(counted("other", "GET", 404, 1))
        #expect(counted("/v1/workers", "DELETE", 405, 1))
        #expect(counted("/v1/status", "GET", 401, 1))
        #expect(text.contains("alphagrid_http_refusals_total{code=\"401\"} 1\n"))
        #expect(text.contains("alphagrid_http_request_duration_seconds_count{route=\"/v1/jobs/{id}\"} 3\n"))
        #expect(!text.contains("such"))
    }

    @Test("A hundred thousand paths and methods of strangers are one series each")
    func bounded() {
        let counts = RequestMetrics()
        for number in 0..<100_000 {
            counts.answered(HTTPRequest.Method("M\(number % 1_000)") ?? .get, route: nil, status: 404, seconds: 0)
        }
        #expect(counts.families.map(\.samples.count) == [1, 16, 0])
    }
}
