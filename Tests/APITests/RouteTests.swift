import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

@Suite struct RouteTests {
    @Test("Health answers without a token, and everything is marked as not to be stored or sniffed")
    func health() async throws {
        for path in ["/livez", "/readyz"] {
            let answer = try await send(Call(.get, path), authorization: nil)
            #expect(answer.status == 200)
            #expect(answer.text == "ok\n")
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            #expect(answer.headers[.cacheControl] == "no-store")
        }
    }

    @Test("A coordinator that is not ready says so, but not why, to someone without a token")
    func notReady() async throws {
        let grid = FakeGrid(failure: GridError(.unreachable, "database db.internal:5432 refuses the password"))
        let answer = try await send(Call(.get, "/readyz"), to: grid, authorization: nil)
        expectProblem(answer, 503, "Service Unavailable")
        #expect(!answer.text.contains("internal"))
        #expect(try await send(Call(.get, "/livez"), to: grid, authorization: nil).status == 200)
    }

    @Test("Status is JSON with snake_case keys, and absent values are left out")
    func status() async throws {
        let answer = try await send(Call(.get, "/v1/status"))
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(answer.json["workers_connected"] as? Int == 1)
        #expect(answer.json["epoch"] as? Int == 7)
        #expect(answer.json["last_error"] == nil)
    }

    @Test("A job is created with everything that was asked, and its address is given")
    func submit() async throws {
        let grid = FakeGrid()
        let body = """
            {"kind":"correlation","region":"USA","pool":"core","convention":"common-dates","window":"400d",
             "min_overlap":20,"precision":"float32","block_edge":128,"priority":-1000}
            """
        let answer = try await send(Call(.post, "/v1/jobs", body), to: grid)
        #expect(answer.status == 201)
        #expect(answer.headers[.location] == "/v1/jobs/4")
        #expect(answer.json["job_id"] as? Int == 4)
        #expect(answer.json["submitted_at"] as? String == "2025-01-02T03:04:05Z")
        var expected = JobRequest(kind: "correlation", region: "USA")
        expected.pool = "core"
        expected.convention = "common-dates"
        expected.window = "400d"
        expected.minOverlap = 20
        expected.precision = "float32"
        expected.blockEdge = 128
        expected.priority = -1000
        #expect(await grid.calls == [.submit(expected)])
    }

    @Test("A job needs only kind and region, and null means absent")
    func submitLeast() async throws {
        let grid = FakeGrid()
        let body = #"{"kind":"correlation","region":"CHN","window":null}"#
        #expect(try await send(Call(.post, "/v1/jobs", body), to: grid).status == 201)
        #expect(await grid.calls == [.submit(JobRequest(kind: "correlation", region: "CHN"))])
    }

    @Test("The list of jobs is paged, newest first, and says where the next page begins")
    func list() async throws {
        let grid = FakeGrid()
        let first = try await send(Call(.get, "/v1/jobs?limit=2"), to: grid)
        #expect((first.json["jobs"] as? [[String: Any]])?.compactMap { $0["job_id"] as? Int } == [3, 2])
        #expect(first.json["next_before"] as? Int == 2)
        let second = try await send(Call(.get, "/v1/jobs?limit=2&before=2"), to: grid)
        #expect((second.json["jobs"] as? [[String: Any]])?.compactMap { $0["job_id"] as? Int } == [1])
        #expect(second.json["next_before"] == nil)
        // A page that the list just fills is the last one.
        let whole = try await send(Call(.get, "/v1/jobs?limit=3"), to: grid)
        #expect((whole.json["jobs"] as? [Any])?.count == 3 && whole.json["next_before"] == nil)
        let sorted = try await send(Call(.get, "/v1/jobs?limit=3&sort=kind"), to: grid)
        #expect(sorted.json["next_offset"] == nil)
        _ = try await send(Call(.get, "/v1/jobs"), to: grid)
        var sortedRequest = JobsRequest(limit: 4)
        sortedRequest.sort = SortKey("kind")
        #expect(
            await grid.calls == [
                .jobs(JobsRequest(limit: 3)), .jobs(JobsRequest(limit: 3, before: JobID(2))), .jobs(JobsRequest(limit: 4)),
                .jobs(sortedRequest), .jobs(JobsRequest(limit: 51)),
            ])
    }

    @Test("A job is shown with its stages")
    func show() async throws {
        let answer = try await send(Call(.get, "/v1/jobs/2"))
        #expect(answer.json["job_id"] as? Int == 2)
        #expect(answer.json["state"] as? String == "running")
        let stages = answer.json["stages"] as? [[String: Any]]
        #expect(stages?.first?["tasks_total"] as? Int == 10)
    }

    @Test("A job is cancelled with a reason or without one")
    func cancel() async throws {
        let grid = FakeGrid()
        let answer = try await send(Call(.post, "/v1/jobs/2/cancel", #"{"reason":"wrong pool"}"#), to: grid)
        #expect(answer.status == 200)
        #expect(answer.json["state"] as? String == "cancelled")
        #expect(try await send(Call(.post, "/v1/jobs/1/cancel"), to: grid).status == 200)
        let cancelled = await grid.calls.filter { if case .cancel = $0 { true } else { false } }
        #expect(cancelled == [.cancel(JobID(2), "wrong pool"), .cancel(JobID(1), "")])
    }

    @Test("Workers are listed, and one is drained by its name, percent encoded or not")
    func workers() async throws {
        let list = try await send(Call(.get, "/v1/workers"))
        let first = (list.json["workers"] as? [[String: Any]])?.first
        #expect(first?["process_id"] as? Int == 17)
        #expect(first?["gigaflops_per_second"] as? Double == 91.5)
        let grid = FakeGrid()
        for path in ["/v1/workers/host-17/drain", "/v1/workers/host%2D17/drain"] {
            let answer = try await send(Call(.post, path), to: grid)
            #expect(answer.json["state"] as? String == "draining")
        }
        let order = DrainOrder(reason: "by file:token")
        #expect(await grid.calls == [.drain(WorkerID("host-17"), order), .drain(WorkerID("host-17"), order)])
    }

    @Test("A worker that reports nonsense rates does not spoil the list")
    func nonsenseRates() async throws {
        let list = try await send(Call(.get, "/v1/workers"), to: FakeGrid(gigaflops: .nan))
        #expect(list.status == 200)
        let first = (list.json["workers"] as? [[String: Any]])?.first
        #expect(first?["gigaflops_per_second"] as? Double == 0)
    }

    @Test("HEAD answers as GET does, without a body")
    func head() async throws {
        let answer = try await send(Call(.head, "/v1/status"))
        #expect(answer.status == 200)
        #expect(answer.text.isEmpty)
        #expect(try await send(Call(.head, "/v1/status"), authorization: nil).status == 401)
    }
}
