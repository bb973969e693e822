import APITestServer
import ClusterModel
import HTTPTypes
import Testing

@testable import API

@Suite struct AuditTests {
    private let submit = Call(.post, "/v1/jobs", #"{"kind":"correlation","region":"USA"}"#)
    private func bearer(_ name: String) -> String { "Bearer \(FakeRecords.secret(name))" }

    @Test("A change has one row: who, as what, which request, about what, from where and how it ended")
    func change() async throws {
        let records = FakeRecords()
        let door = try Door(access: access(records))
        #expect(try await door.send(submit, authorization: bearer("operator")).status == 201)
        #expect(try await door.send(Call(.post, "/v1/jobs/2/cancel?x=1", "{}")).status == 400)
        #expect(try await door.send(Call(.post, "/v1/workers/gone/drain"), authorization: bearer("admin")).status == 404)
        #expect(try await door.send(Call(.post, "/v1/jobs", "{"), authorization: bearer("operator")).status == 400)
        let rows = await records.rows
        #expect(rows.map(\.entry.actor) == ["operator", "file:token", "admin", "operator"])
        #expect(rows.map(\.entry.role) == [.operator, .admin, .admin, .operator])
        #expect(rows.map(\.entry.action) == ["submit job", "cancel job", "drain worker", "submit job"])
        #expect(rows.map(\.entry.method) == ["POST", "POST", "POST", "POST"])
        #expect(rows.map(\.entry.path) == ["/v1/jobs", "/v1/jobs/2/cancel", "/v1/workers/gone/drain", "/v1/jobs"])
        #expect(rows.map(\.entry.subject) == [nil, "2", "gone", nil])
        #expect(rows.map(\.status) == [201, 400, 404, 400])
        #expect(rows.map(\.subject) == ["4", nil, nil, nil])
        #expect(rows.allSatisfy { !$0.entry.peer.isEmpty && $0.entry.status == nil })
    }

    @Test("What cannot be recorded is not done")
    func unrecorded() async throws {
        let grid = FakeGrid()
        let records = FakeRecords(failure: GridError(.unreachable, "the database does not answer"))
        for call in [submit, Call(.post, "/v1/jobs/1/cancel", "{}"), Call(.post, "/v1/workers/host-17/drain")] {
            expectProblem(try await send(call, to: grid, records: records), 503, "Service Unavailable")
        }
        #expect(await grid.calls.isEmpty)
        #expect(try await send(Call(.get, "/v1/jobs"), to: grid, records: records).status == 200)
    }

    @Test("The log is read by pages, the newest first, by who did what, and by admins only")
    func reading() async throws {
        let records = FakeRecords()
        let door = try Door(access: access(records))
        let first = try await door.send(Call(.get, "/v1/audit?limit=2&actor=otto&action=pause+job"))
        let entries = try #require(first.json["entries"] as? [[String: Any]])
        #expect(entries.map { $0["audit_id"] as? Int } == [3, 2] && first.json["next_before"] as? Int == 2)
        #expect(entries[0]["happened_at"] as? String == "2025-01-02T03:04:05Z" && entries[0]["subject"] as? String == "7")
        #expect((entries[0]["detail"] as? [String: Any])?["unrecorded"] as? Int == 2)
        let rest = try await door.send(Call(.get, "/v1/audit?limit=2&before=2&actor=(nobody)"))
        #expect((rest.json["entries"] as? [[String: Any]])?.count == 1 && rest.json["next_before"] == nil)
        #expect(
            await records.questions == [AuditFilter(actor: "otto", action: "pause job"), AuditFilter(actor: "", before: 2)])
        expectProblem(try await door.send(Call(.get, "/v1/audit"), authorization: bearer("operator")), 403, "Forbidden")
        for query in ["limit=0", "limit=100000", "before=0", "before=x", "who=otto"] {
            expectProblem(try await door.send(Call(.get, "/v1/audit?\(query)")), 400, "Bad Request")
        }
        #expect(await records.rows.isEmpty)
    }

    @Test("Questions leave no row")
    func questions() async throws {
        let records = FakeRecords()
        for call in [
            Call(.get, "/v1/jobs"), Call(.post, "/v1/regions/USA/check", #"{"candidates":[]}"#),
            Call(.get, "/v1/regions/USA/pairs?a=X&b=Y"), Call(.delete, "/v1/jobs"),
        ] {
            _ = try await send(call, records: records)
        }
        #expect(await records.rows.isEmpty)
    }

    @Test("Refusals are recorded at a bounded rate, and the next row counts those without one")
    func refusals() async throws {
        let (records, clock) = (FakeRecords(), TestClock())
        let trail = AuditTrail(records: records, clock: clock.clock, logger: silent)
        let entry = AuditEntry(actor: nil, role: nil, action: "refused", method: "GET", path: "/", status: 401, peer: "192.0.2.1")
        for _ in 0..<1_000 { trail.refused(entry) }
        let burst = Int(Limits.refusalsRecordedBurstMax)
        #expect(try await records.refusals(burst).count == burst)
        clock.advance(1 / Limits.refusalsRecordedPerSecondMax)
        trail.refused(entry)
        let rows = try await records.refusals(burst + 1)
        #expect(rows.count == burst + 1 && rows.last?.unrecorded == 1_000 - burst)
        #expect(rows.dropLast().allSatisfy { $0.unrecorded == 0 })
    }

    @Test("A caller may make many changes in a row, and then so many a second; what is too many leaves no row")
    func changes() throws {
        let clock = TestClock()
        let trail = AuditTrail(records: FakeRecords(), clock: clock.clock, logger: silent)
        func isTaken(_ actor: String) -> Bool { (try? trail.expectRoom(for: actor)) != nil }
        let burst = Int(Limits.changesBurstMax)
        for _ in 0..<burst { try trail.expectRoom(for: "busy") }
        let problem = #expect(throws: Problem.self) { try trail.expectRoom(for: "busy") }
        #expect(problem?.status == .tooManyRequests && problem?.headers[.retryAfter] == "1")
        #expect(isTaken("other") && !isTaken("busy"))
        clock.advance(1 / Limits.changesPerSecondMax)
        #expect(isTaken("busy") && !isTaken("busy"))

        // All together have a bound too, since a month of their rows has to fit into the table.
        var count = 0
        for number in 0..<100 { while isTaken("caller \(number)") { count += 1 } }
        #expect(count <= Int(Limits.changesOfAllBurstMax) && count > burst)
        clock.advance(10)
        #expect((0..<100).count { isTaken("newcomer \($0)") } == Int(10 * Limits.changesOfAllPerSecondMax))
        let month = Double(Limits.auditDaysKept) * 86_400
        let rows = 2 * (month * Limits.changesOfAllPerSecondMax + Limits.changesOfAllBurstMax)
        let refusals = month * Limits.refusalsRecordedPerSecondMax + Limits.refusalsRecordedBurstMax
        #expect(rows + refusals < Double(Limits.auditRowsMax))
    }

    @Test("Changes beyond a caller's rate get 429 and no row, and change nothing; reading goes on")
    func tooManyChanges() async throws {
        let (records, clock, grid) = (FakeRecords(), TestClock(), FakeGrid())
        var access = try access(records, clock: clock.clock)
        access.changesBurst = 50
        let door = try Door(grid: grid, access: access)
        // What fails counts all the same.
        let drain = Call(.post, "/v1/workers/gone/drain")
        for _ in 0..<50 { #expect(try await door.send(drain).status == 404) }
        let last = try await door.send(drain)
        expectProblem(last, 429, "Too Many Requests")
        #expect(last.headers[.retryAfter] == "1" && last.detail.contains("too many changes"))
        let (rows, calls) = (await records.rows.count, await grid.calls.count)
        #expect(try await door.send(drain).status == 429)
        let refusals = await records.refusals
        let after = (await records.rows.count, await grid.calls.count)
        #expect(after == (rows, calls) && refusals.isEmpty)
        #expect(try await door.send(drain, authorization: bearer("admin")).status == 404)
        #expect(try await door.send(Call(.get, "/v1/jobs")).status == 200)
        #expect(await records.rows.count == rows + 1)
    }

    @Test("A refusal waits for no database, and its path is cut and cleaned")
    func silentDatabase() async throws {
        let failing = FakeRecords(failure: GridError(.unreachable, "the database does not answer"))
        #expect(try await send(submit, records: failing, authorization: nil).status == 401)
        let records = FakeRecords()
        let path = "/v1/" + String(repeating: "%00ä", count: 400)
        #expect(try await send(Call(.get, path + "?token=secret"), records: records, authorization: nil).status == 401)
        let row = try #require(try await records.refusals(1).first)
        #expect(row.path.utf8.count <= Limits.auditPathBytesMax && row.path.hasPrefix("/v1/%00"))
        #expect(!row.path.contains("secret"))
    }
}
