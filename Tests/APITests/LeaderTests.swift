import ClusterModel
import HTTPTypes
import Testing

@testable import API

@Suite("A coordinator that does not lead")
struct LeaderTests {
    private let leader = LeaderView(holder: "host-a process 7", epoch: 3, since: "2025-01-02T03:04:05Z", url: "https://a:8710")

    @Test("It lives, is not ready, and answers who leads to whoever has a token, whatever the question")
    func standby() async throws {
        let grid = FakeGrid(leader: leader)
        #expect(try await send(Call(.get, "/livez"), to: grid, authorization: nil).status == 200)
        let ready = try await send(Call(.get, "/readyz"), to: grid, authorization: nil)
        expectProblem(ready, 503, "Service Unavailable")
        #expect(ready.detail.contains("does not lead") && !ready.text.contains("host-a"), "no stranger's business")
        let calls = [
            Call(.get, "/v1/status"), Call(.get, "/v1/jobs"), Call(.post, "/v1/jobs", #"{"kind":"x"}"#),
            Call(.post, "/v1/jobs/1/cancel"), Call(.get, "/v1/nowhere"),
        ]
        for call in calls {
            let answer = try await send(call, to: grid)
            expectProblem(answer, 503, "Service Unavailable")
            #expect(answer.detail.contains("'host-a process 7'") && answer.detail.contains("at https://a:8710"))
            let named = answer.json["leader"] as? [String: Any]
            #expect(named?["url"] as? String == "https://a:8710" && named?["epoch"] as? Int == 3)
            #expect(try await send(call, to: grid, authorization: nil).status == 401)
        }
        #expect(await grid.calls.isEmpty)
        let metrics = try await send(Call(.get, "/metrics"), to: grid)
        #expect(metrics.status == 200, "how the process does is its own to say")
    }

    @Test("One that knows of no leader yet says so, and one that leads names nobody")
    func unknown() async throws {
        let waiting = try await send(Call(.get, "/v1/status"), to: FakeGrid(leader: LeaderView(holder: "", epoch: 0)))
        #expect(waiting.status == 503 && waiting.detail.contains("not known yet"))
        let broken = FakeGrid(failure: GridError(.unreachable, "the database does not answer"))
        let answer = try await send(Call(.get, "/v1/status"), to: broken)
        #expect(answer.status == 503 && answer.json["leader"] == nil)
    }
}
