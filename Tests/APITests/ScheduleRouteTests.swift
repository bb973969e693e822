import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

@Suite struct ScheduleRouteTests {
    private static let job = #"{"kind":"correlation","region":"USA"}"#

    @Test("A schedule is added with everything that was asked, listed, shown, paused, resumed and removed")
    func schedules() async throws {
        let grid = FakeGrid()
        let body = #"{"name":"nightly","cron":"30 22 * * 1-5","time_zone":"Asia/Tokyo","job":\#(Self.job)}"#
        let made = try await send(Call(.post, "/v1/schedules", body), to: grid)
        #expect(made.status == 201 && made.headers[.location] == "/v1/schedules/5" && made.json["last_job_id"] as? Int == 3)
        let change = #"{"name":"fresh","on_change":true,"min_pause_seconds":60,"job":\#(Self.job)}"#
        #expect(try await send(Call(.post, "/v1/schedules", change), to: grid).status == 201)
        let list = try await send(Call(.get, "/v1/schedules"), to: grid)
        #expect((list.json["schedules"] as? [[String: Any]])?.first?["schedule_id"] as? Int == 1)
        _ = try await send(Call(.get, "/v1/schedules/7"), to: grid)
        for what in ["pause", "resume"] { _ = try await send(Call(.post, "/v1/schedules/7/\(what)"), to: grid) }
        #expect(try await send(Call(.delete, "/v1/schedules/7"), to: grid).status == 200)
        var nightly = ScheduleRequest(name: "nightly", job: JobRequest(kind: "correlation", region: "USA"))
        (nightly.cron, nightly.timeZone) = ("30 22 * * 1-5", "Asia/Tokyo")
        var fresh = ScheduleRequest(name: "fresh", job: JobRequest(kind: "correlation", region: "USA"))
        (fresh.onChange, fresh.minPauseSeconds) = (true, 60)
        #expect(
            await grid.calls == [
                .addSchedule(nightly), .addSchedule(fresh), .schedule(7, "show"), .schedule(7, "pause"), .schedule(7, "resume"),
                .schedule(7, "remove"),
            ])
    }

    @Test("A webhook is added, its secret shown once, and tested; alerts are listed by region")
    func webhooks() async throws {
        let grid = FakeGrid()
        let body = """
            {"url":"https://h.example.com","events":["job.failed","alert.correlation","job.failed"],
             "region":"USA","threshold":0.9}
            """
        let made = try await send(Call(.post, "/v1/webhooks", body), to: grid)
        #expect(made.status == 201 && made.json["secret"] as? String == "made up")
        let list = try await send(Call(.get, "/v1/webhooks"), to: grid)
        #expect((list.json["webhooks"] as? [[String: Any]])?.first?["secret"] == nil)
        _ = try await send(Call(.post, "/v1/webhooks/2/test"), to: grid)
        _ = try await send(Call(.delete, "/v1/webhooks/2"), to: grid)
        let alerts = try await send(Call(.get, "/v1/alerts?region=USA&limit=7"), to: grid)
        #expect((alerts.json["alerts"] as? [[String: Any]])?.first?["alpha_a"] as? String == "A")
        var request = WebhookRequest(url: "https://h.example.com", events: [.jobFailed, .alertCorrelation])
        (request.region, request.threshold) = ("USA", 0.9)
        #expect(
            await grid.calls == [
                .addWebhook(request), .webhook(2, "test"), .webhook(2, "remove"), .alerts(7, try Region("USA")),
            ])
    }

    @Test(
        "What is not as it should be is refused with the field's name",
        arguments: [
            ("/v1/schedules", #"{"name":"n","job":{"kind":"correlation","region":"USA"}}"#, "cron"),
            ("/v1/schedules", #"{"name":"n","cron":"* * * * *","on_change":true,"job":{"kind":"x","region":"USA"}}"#, "cron"),
            ("/v1/schedules", #"{"name":"n","cron":"* * * * *"}"#, "job"),
            ("/v1/schedules", #"{"name":"n","cron":"* * * * *","job":7}"#, "job"),
            ("/v1/schedules", #"{"name":"n","cron":"* * * * *","job":{"kind":"correlation","region":"usa"}}"#, "region"),
            ("/v1/schedules", #"{"name":"n n","cron":"* * * * *","job":{"kind":"correlation","region":"USA"}}"#, "name"),
            ("/v1/schedules", #"{"name":"n","on_change":true,"time_zone":"UTC","job":{"kind":"x","region":"USA"}}"#, "time_zone"),
            ("/v1/schedules", #"{"name":"n","on_change":true,"min_pause_seconds":-1,"job":{}}"#, "min_pause_seconds"),
            ("/v1/webhooks", #"{"url":"https://h"}"#, "events"), ("/v1/webhooks", #"{"url":"https://h","events":[]}"#, "events"),
            ("/v1/webhooks", #"{"url":"https://h","events":["test"]}"#, "events"),
            ("/v1/webhooks", #"{"url":"https://h","events":[7]}"#, "events"),
            ("/v1/webhooks", #"{"url":"https://h","events":["job.done"],"threshold":0.9}"#, "threshold"),
            ("/v1/webhooks", #"{"url":"https://h","events":["alert.correlation"],"threshold":0.1}"#, "threshold"),
            ("/v1/webhooks", #"{"url":"https://h","events":["job.done"],"secret":"short"}"#, "secret"),
            ("/v1/webhooks", #"{"events":["job.done"]}"#, "url"),
        ])
    func refused(path: String, body: String, names: String) async throws {
        let grid = FakeGrid()
        let answer = try await send(Call(.post, path, body), to: grid)
        expectProblem(answer, 400, "Bad Request")
        #expect(answer.detail.contains(names), "\(answer.detail)")
        #expect(try await send(Call(.get, "/v1/schedules/x"), to: grid).status == 400)
        #expect(try await send(Call(.get, "/v1/alerts?region=usa"), to: grid).status == 400)
        #expect(await grid.calls.isEmpty)
    }
}
