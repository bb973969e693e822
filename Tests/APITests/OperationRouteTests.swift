import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

@Suite struct OperationRouteTests {
    @Test("A job is paused with a reason and who gave it, resumed, given a priority, retried and removed")
    func jobs() async throws {
        let grid = FakeGrid()
        let paused = try await send(Call(.post, "/v1/jobs/2/pause", #"{"reason":"busy"}"#), to: grid)
        #expect(paused.json["paused"] as? Bool == true && paused.json["reason"] as? String == "busy (by file:token)")
        #expect(try await send(Call(.post, "/v1/jobs/2/pause"), to: grid).json["reason"] as? String == "by file:token")
        #expect(try await send(Call(.post, "/v1/jobs/2/resume"), to: grid).json["paused"] as? Bool == false)
        let raised = try await send(Call(.post, "/v1/jobs/2/priority", #"{"priority":-1000}"#), to: grid)
        #expect(raised.json["priority"] as? Int == -1_000)
        let again = try await send(Call(.post, "/v1/jobs/2/retry"), to: grid)
        #expect(again.status == 201 && again.headers[.location] == "/v1/jobs/4" && again.json["job_id"] as? Int == 4)
        #expect(try await send(Call(.delete, "/v1/jobs/2"), to: grid).status == 200)
        let two = JobID(2)
        #expect(
            await grid.calls.filter { if case .job = $0 { false } else { true } } == [
                .pause(two, "busy (by file:token)"), .pause(two, "by file:token"), .resume(two), .priority(two, -1_000),
                .retry(two),
                .remove(two),
            ])
    }

    @Test("A job is explained in one sentence, with a task where one is asked for")
    func explain() async throws {
        let grid = FakeGrid()
        let answer = try await send(Call(.get, "/v1/jobs/2/explain"), to: grid)
        #expect(answer.json["sentence"] as? String == "job 2 waits for a worker: none is connected")
        #expect(answer.json["task"] == nil)
        _ = try await send(Call(.get, "/v1/jobs/2/explain?task=0"), to: grid)
        #expect(await grid.calls == [.explain(JobID(2), nil), .explain(JobID(2), 0)])
    }

    @Test("A plan takes what a job takes, and begins nothing")
    func plan() async throws {
        let grid = FakeGrid()
        let answer = try await send(Call(.post, "/v1/plan", #"{"kind":"correlation","region":"USA","top":5}"#), to: grid)
        #expect(answer.status == 200 && answer.json["window_days"] as? Int == 900 && answer.json["predicted_seconds"] == nil)
        #expect((answer.json["stages"] as? [[String: Any]])?.first?["tasks"] as? Int == 3)
        var request = JobRequest(kind: "correlation", region: "USA")
        request.top = 5
        #expect(await grid.calls == [.plan(request)])
    }

    @Test("A worker is drained with a reason and a deadline, and taken back")
    func workers() async throws {
        let grid = FakeGrid()
        let body = #"{"reason":"new memory","deadline_seconds":600}"#
        #expect(try await send(Call(.post, "/v1/workers/host-17/drain", body), to: grid).status == 200)
        #expect(try await send(Call(.post, "/v1/workers/host-17/undrain"), to: grid).status == 200)
        let worker = WorkerID("host-17")
        let order = DrainOrder(reason: "new memory (by file:token)", deadlineSeconds: 600)
        #expect(await grid.calls == [.drain(worker, order), .undrain(worker)])
    }

    @Test(
        "What is not as it should be is refused with the field's name",
        arguments: [
            ("/v1/jobs/1/priority", "{}", "priority"), ("/v1/jobs/1/priority", #"{"priority":1001}"#, "priority"),
            ("/v1/jobs/1/priority", #"{"priority":"high"}"#, "priority"), ("/v1/jobs/1/pause", #"{"why":"x"}"#, "why"),
            ("/v1/jobs/1/resume", #"{"reason":"x"}"#, "reason"), ("/v1/jobs/1/retry", #"{"x":1}"#, "x"),
            ("/v1/workers/host-17/drain", #"{"deadline_seconds":-1}"#, "deadline_seconds"),
            ("/v1/workers/host-17/drain", #"{"deadline_seconds":604801}"#, "deadline_seconds"),
            ("/v1/workers/host-17/undrain", #"{"reason":"x"}"#, "reason"), ("/v1/plan", #"{"kind":"correlation"}"#, "region"),
            ("/v1/jobs/0/pause", "{}", "job id"),
        ])
    func refused(path: String, body: String, names: String) async throws {
        let grid = FakeGrid()
        let answer = try await send(Call(.post, path, body), to: grid)
        expectProblem(answer, 400, "Bad Request")
        #expect(answer.detail.contains(names), "\(answer.detail)")
        #expect(await grid.calls.isEmpty)
        #expect(try await send(Call(.get, "/v1/jobs/1/explain?task=x"), to: grid).status == 400)
    }
}
