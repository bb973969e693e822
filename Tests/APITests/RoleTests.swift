import APITestServer
import ClusterModel
import HTTPTypes
import Testing

@testable import API

/// A route with a request that suits it, and one way to show who asks.
struct Attempt: Sendable, CustomTestStringConvertible {
    var route: String
    var call: Call
    /// nil for a route that is open.
    var needs: AccessRole?
    var changes: Bool
    var showing: String
    var testDescription: String { "\(route) showing \(showing)" }
}

@Suite struct RoleTests {
    private static let table = APIRoutes(control: FakeGrid(), logger: silent).table

    /// A request for each route that succeeds when it is let in.
    static let examples: [String: Call] = [
        "GET livez": Call(.get, "/livez"), "GET v1/support": Call(.get, "/v1/support"), "GET metrics": Call(.get, "/metrics"),
        "GET readyz": Call(.get, "/readyz"),
        "GET v1/status": Call(.get, "/v1/status"),
        "GET v1/jobs": Call(.get, "/v1/jobs"),
        "POST v1/jobs": Call(.post, "/v1/jobs", #"{"kind":"correlation","region":"USA"}"#),
        "GET v1/jobs/:id": Call(.get, "/v1/jobs/1"), "POST v1/jobs/:id/cancel": Call(.post, "/v1/jobs/1/cancel", "{}"),
        "GET v1/workers": Call(.get, "/v1/workers"),
        "POST v1/workers/:id/drain": Call(.post, "/v1/workers/host-17/drain"),
        "POST v1/regions/:region/check": Call(.post, "/v1/regions/USA/check", #"{"candidates":[]}"#),
        "GET openapi.json": Call(.get, "/openapi.json"), "GET v1/regions": Call(.get, "/v1/regions"),
        "GET v1/events": Call(.get, "/v1/events?seconds=0"),
        "GET v1/jobs/:id/events": Call(.get, "/v1/jobs/1/events?seconds=0"),
        "GET v1/jobs/:id/tiles": Call(.get, "/v1/jobs/1/tiles"),
        "GET v1/regions/:region/alphas/:id": Call(.get, "/v1/regions/USA/alphas/A"),
        "GET v1/regions/:region/alphas/:id/pnl": Call(.get, "/v1/regions/USA/alphas/A/pnl"),
        "GET v1/regions/:region/matrix": Call(.get, "/v1/regions/USA/matrix"),
        "GET v1/regions/:region/usage": Call(.get, "/v1/regions/USA/usage"),
        "GET v1/regions/:region/pairs": Call(.get, "/v1/regions/USA/pairs?a=X&b=Y"),
        "GET v1/regions/:region/results/:result": Call(.get, "/v1/regions/USA/results/clusters"),
        "GET v1/jobs/:id/explain": Call(.get, "/v1/jobs/1/explain"),
        "POST v1/plan": Call(.post, "/v1/plan", #"{"kind":"correlation","region":"USA"}"#),
        "POST v1/jobs/:id/pause": Call(.post, "/v1/jobs/1/pause", #"{"reason":"busy"}"#),
        "POST v1/jobs/:id/resume": Call(.post, "/v1/jobs/1/resume"),
        "POST v1/jobs/:id/retry": Call(.post, "/v1/jobs/1/retry"),
        "POST v1/jobs/:id/priority": Call(.post, "/v1/jobs/1/priority", #"{"priority":5}"#),
        "DELETE v1/jobs/:id": Call(.delete, "/v1/jobs/1"),
        "GET v1/schedules": Call(.get, "/v1/schedules"), "GET v1/schedules/:id": Call(.get, "/v1/schedules/1"),
        "POST v1/schedules": Call(
            .post, "/v1/schedules", #"{"name":"n","cron":"0 0 * * *","job":{"kind":"correlation","region":"USA"}}"#),
        "DELETE v1/schedules/:id": Call(.delete, "/v1/schedules/1"),
        "POST v1/schedules/:id/pause": Call(.post, "/v1/schedules/1/pause"),
        "POST v1/schedules/:id/resume": Call(.post, "/v1/schedules/1/resume"),
        "GET v1/webhooks": Call(.get, "/v1/webhooks"), "GET v1/webhooks/:id": Call(.get, "/v1/webhooks/1"),
        "POST v1/webhooks": Call(.post, "/v1/webhooks", #"{"url":"https://h.example.com","events":["job.done"]}"#),
        "DELETE v1/webhooks/:id": Call(.delete, "/v1/webhooks/1"),
        "POST v1/webhooks/:id/test": Call(.post, "/v1/webhooks/1/test"),
        "GET v1/alerts": Call(.get, "/v1/alerts"), "GET v1/audit": Call(.get, "/v1/audit"),
        "POST v1/workers/:id/undrain": Call(.post, "/v1/workers/host-17/undrain"),
        "GET /": Call(.get, "/"), "GET assets/:file": Call(.get, "/assets/app.js"),
        "POST v1/session": Call(.post, "/v1/session", #"{"token":"\#(goodToken)"}"#),
        "GET v1/session": Call(.get, "/v1/session"), "DELETE v1/session": Call(.delete, "/v1/session"),
        "POST v1/session/codes": Call(.post, "/v1/session/codes"),
    ]

    private static func header(_ showing: String) -> String? {
        switch showing {
        case "nothing": nil
        case "wrong": "Bearer \(FakeRecords.secret("wrong"))"
        case "expired": "Bearer \(FakeRecords.secret("over"))"
        case "revoked": "Bearer \(FakeRecords.secret("revoked"))"
        case "the file's token": "Bearer \(goodToken)"
        default: "Bearer \(FakeRecords.secret(showing))"
        }
    }

    private static let credentials: [(showing: String, role: AccessRole?)] = [
        ("nothing", nil), ("wrong", nil), ("expired", nil), ("revoked", nil), ("viewer", .viewer), ("operator", .operator),
        ("admin", .admin), ("soon", .viewer), ("the file's token", .admin),
    ]

    private static let attempts: [Attempt] = table.flatMap { route in
        let name = "\(route.method.rawValue) \(route.path)"
        return credentials.compactMap { credential -> Attempt? in
            guard let call = examples[name] else { return nil }
            var needs: AccessRole?
            if case .needs(let role) = route.access { needs = role }
            return Attempt(
                route: name, call: call, needs: needs, changes: route.change != nil, showing: credential.showing)
        }
    }

    @Test("Every route has a request to try it with, and only health, the page and signing in are open")
    func complete() {
        let names = Self.table.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(names) == Set(Self.examples.keys) && names.count == Set(names).count)
        #expect(Self.table.filter { $0.access == .open }.map(\.path) == ["livez", "readyz", "/", "assets/:file", "v1/session"])
        #expect(Self.attempts.count == names.count * Self.credentials.count)
    }

    @Test("What changes something needs an operator, has a name for the audit log and a bound for its body")
    func changes() {
        for route in Self.table where route.change != nil {
            // Whom to let in, and where to send what happens, is for admins to say.
            let adminsOnly = route.path == "v1/session/codes" || route.path.hasPrefix("v1/webhooks")
            let role: AccessRole = adminsOnly ? .admin : .operator
            #expect(route.access == .needs(role) && (route.method == .post || route.method == .delete))
        }
        let asking = Self.table.filter { $0.method == .post && $0.change == nil }.map(\.path)
        #expect(asking.sorted() == ["v1/plan", "v1/regions/:region/check", "v1/session"])
        for route in Self.table {
            #expect(route.method == .post ? route.bodyBytesMax > 0 : route.bodyBytesMax == 0)
            #expect(route.bodyBytesMax <= Limits.checkBodyBytesMax)
        }
    }

    @Test("A parameter in the query of a change, where nobody would read it, is refused before anything is done")
    func queries() async throws {
        for route in Self.table where route.method != .get && route.access != .open && route.path != "v1/session" {
            var call = try #require(Self.examples["\(route.method.rawValue) \(route.path)"])
            call.path += "?deadline_seconds=600"
            let grid = FakeGrid()
            let answer = try await send(call, to: grid)
            expectProblem(answer, 400, "Bad Request")
            #expect(answer.detail.contains("'deadline_seconds' is unknown"), "\(call): \(answer.detail)")
            #expect(await grid.calls.isEmpty)
        }
    }

    @Test("Every route answers to the roles it is for and to nobody else", arguments: attempts)
    func everyRoute(attempt: Attempt) async throws {
        let grid = FakeGrid()
        let records = FakeRecords()
        let answer = try await send(attempt.call, to: grid, records: records, authorization: Self.header(attempt.showing))
        let role = Self.credentials.first { $0.showing == attempt.showing }?.role
        guard let needs = attempt.needs else {
            #expect((200...204).contains(answer.status), "\(answer.text)")
            return
        }
        if let role, role >= needs {
            #expect((200...204).contains(answer.status), "\(answer.text)")
            #expect(await records.rows.count == (attempt.changes ? 1 : 0))
            return
        }
        if role == nil {
            expectProblem(answer, 401, "Unauthorized")
        } else {
            expectProblem(answer, 403, "Forbidden")
            #expect(answer.detail.contains("the role") && answer.detail.hasSuffix("it takes \(needs.rawValue)"))
        }
        #expect(await grid.calls.isEmpty)
        #expect(await records.rows.isEmpty)
        let refusal = try #require(try await records.refusals(1).first)
        #expect(refusal.action == "refused" && refusal.status == answer.status)
        #expect(!"\(refusal)".contains(AccessToken.prefix), "a refusal names no token")
    }

    @Test("A refusal says the same of a path that exists and of one that does not")
    func silence() async throws {
        for authorization in [nil, "Bearer \(FakeRecords.secret("wrong"))"] {
            let real = try await send(Call(.post, "/v1/jobs", "{}"), authorization: authorization)
            let made = try await send(Call(.post, "/v1/nothing", "{}"), authorization: authorization)
            #expect(real.text == made.text && real.headers == made.headers)
        }
    }
}
