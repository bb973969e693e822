import ClusterModel
import Testing

@testable import Store

@Suite struct AccessTests {
    private func digest(_ byte: UInt8) -> [UInt8] { (0..<32).map { $0 == 0 ? byte : $0 } }

    @Test("A token is kept as name, role and digest, and is valid until it ends or is revoked")
    func life() throws {
        let store = try TestDatabase().store
        let added = try store.addToken(try TokenName("research"), role: .viewer, digest: digest(0xF0), life: .unlimited)
        #expect(added.state == "valid" && added.expiresAt == nil && added.createdAt.hasSuffix("Z") && !added.createdBy.isEmpty)
        let brief = try store.addToken(try TokenName("brief"), role: .admin, digest: digest(1), life: .seconds(86_400))
        #expect(brief.expiresAt != nil)
        let valid = try store.validTokens()
        #expect(valid.map(\.name) == ["research", "brief"] && valid.map(\.role) == [.viewer, .admin])
        #expect(valid.map(\.digest) == [digest(0xF0), digest(1)])
        #expect(valid[0].expiresAt == nil && valid[1].expiresAt != nil)

        #expect(try store.revokeToken(try TokenName("research")).state == "revoked")
        #expect(try store.validTokens().map(\.name) == ["brief"])
        #expect(gridError { _ = try store.revokeToken(try TokenName("research")) }?.kind == .notFound)
        #expect(try store.tokens().map(\.state) == ["revoked", "valid"])
    }

    @Test("A token that is over is not valid, and is listed as expired")
    func expired() throws {
        let database = try TestDatabase()
        _ = try database.store.addToken(try TokenName("over"), role: .viewer, digest: digest(1), life: .seconds(60))
        try database.sql("UPDATE access_tokens SET expires_at = clock_timestamp() - interval '1 second'")
        #expect(try database.store.validTokens().isEmpty)
        #expect(try database.store.tokens().map(\.state) == ["expired"])
    }

    @Test("A name is free again once its token is revoked, and not before")
    func names() throws {
        let store = try TestDatabase().store
        let name = try TokenName("nightly")
        _ = try store.addToken(name, role: .viewer, digest: digest(1), life: .unlimited)
        let error = try #require(gridError { _ = try store.addToken(name, role: .admin, digest: digest(2), life: .unlimited) })
        #expect(error.kind == .conflict && error.message.contains("'nightly'"))
        _ = try store.revokeToken(name)
        _ = try store.addToken(name, role: .operator, digest: digest(2), life: .unlimited)
        #expect(try store.validTokens().map(\.role) == [.operator])
    }

    @Test("There are so many tokens at most, and revoked ones are forgotten beyond a bound")
    func bounds() throws {
        let database = try TestDatabase()
        try database.sql(
            """
            INSERT INTO access_tokens (name, role, sha256, revoked_at)
            SELECT 'old' || n, 'viewer', sha256(n::text::bytea), clock_timestamp()
            FROM generate_series(1, \(Limits.tokensRevokedKeptMax + 50)) n;
            INSERT INTO access_tokens (name, role, sha256)
            SELECT 'new' || n, 'viewer', sha256(('new' || n)::bytea) FROM generate_series(1, \(Limits.tokensMax - 1)) n
            """)
        _ = try database.store.addToken(try TokenName("last"), role: .viewer, digest: digest(1), life: .unlimited)
        #expect(
            try database.value("SELECT count(*) FROM access_tokens WHERE revoked_at IS NOT NULL")
                == "\(Limits.tokensRevokedKeptMax)")
        #expect(try database.value("SELECT count(*) FROM access_tokens WHERE name = 'old1'") == "0")
        #expect(try database.store.validTokens().count == Limits.tokensMax)
        let error = gridError {
            _ = try database.store.addToken(try TokenName("more"), role: .viewer, digest: digest(2), life: .unlimited)
        }
        #expect(error?.kind == .conflict)
    }

    @Test("Adding and revoking leave rows in the audit log, without the token or its digest")
    func audited() throws {
        let database = try TestDatabase()
        _ = try database.store.addToken(try TokenName("a"), role: .admin, digest: digest(7), life: .unlimited)
        _ = try database.store.revokeToken(try TokenName("a"))
        let rows = try database.store.auditRows(limit: 10)
        #expect(rows.map(\.action) == ["token revoked", "token added"] && rows.map(\.subject) == ["a", "a"])
        #expect(rows[1].detail == .object(["role": .text("admin")]))
    }

    @Test("A change is recorded before it is made, and its end after it")
    func changes() throws {
        let database = try TestDatabase()
        let store = database.store
        let epoch = try store.takeEpoch(holder: "test")
        let entry = AuditEntry(
            actor: "jwt:alice", role: .operator, action: "submit job", method: "POST", path: "/v1/jobs", peer: "192.0.2.7")
        let row = try store.beginAudit(entry, epoch: epoch)
        #expect(try store.auditRows(limit: 1).first?.status == nil)
        try store.finishAudit(row, status: 201, subject: "17")
        let view = try #require(try store.auditRows(limit: 1).first)
        #expect(view.auditID == row && view.actor == "jwt:alice" && view.role == "operator" && view.action == "submit job")
        #expect(view.method == "POST" && view.path == "/v1/jobs" && view.peer == "192.0.2.7")
        #expect(view.status == 201 && view.subject == "17" && view.detail == nil)
        try store.finishAudit(row, status: 500, subject: nil)
        #expect(try store.auditRows(limit: 1).first?.subject == "17")
    }

    @Test("A coordinator that was replaced records no change, and so makes none; refusals it may")
    func epochs() throws {
        let store = try TestDatabase().store
        let old = try store.takeEpoch(holder: "old")
        _ = try store.takeEpoch(holder: "new")
        let entry = AuditEntry(actor: "a", role: .admin, action: "drain worker", method: "POST", path: "/", peer: "")
        #expect(gridError { _ = try store.beginAudit(entry, epoch: old) }?.kind == .conflict)
        #expect(try store.auditRows(limit: 10).map(\.action) == ["coordinator took over", "coordinator took over"])
        var refusal = AuditEntry(actor: nil, role: nil, action: "refused", method: "GET", path: "/", status: 401, peer: "::1")
        refusal.unrecorded = 12
        try store.recordRefusals([refusal, refusal])
        let rows = try store.auditRows(limit: 10, AuditFilter(action: "refused"))
        #expect(rows.count == 2 && rows[0].actor == "" && rows[0].status == 401)
        #expect(rows[0].detail == .object(["unrecorded": .whole(12)]))
    }

    @Test("The audit log answers who did what since when")
    func filters() throws {
        let database = try TestDatabase()
        for (actor, action) in [("otto", "cancel job"), ("otto", "submit job"), ("eve", "refused")] {
            try database.store.recordRefusals([
                AuditEntry(actor: actor, role: nil, action: action, method: "GET", path: "/", peer: "")
            ])
        }
        try database.sql("UPDATE audit_log SET happened_at = to_timestamp(1000) WHERE action = 'cancel job'")
        func subjects(_ filter: AuditFilter) throws -> [String] {
            try database.store.auditRows(limit: 10, filter).map { "\($0.actor) \($0.action)" }
        }
        #expect(try subjects(AuditFilter(actor: "otto")) == ["otto submit job", "otto cancel job"])
        #expect(try subjects(AuditFilter(actor: "otto", since: 1_001)) == ["otto submit job"])
        #expect(try subjects(AuditFilter(action: "refused", since: 1_000)) == ["eve refused"])
        #expect(try subjects(AuditFilter(since: 1_000)).count == 3)
        #expect(try subjects(AuditFilter(actor: "ot'to")).isEmpty)
        let newest = try #require(try database.store.auditRows(limit: 1).first?.auditID)
        #expect(try subjects(AuditFilter(actor: "otto", before: newest)) == ["otto submit job", "otto cancel job"])
        #expect(try subjects(AuditFilter(before: newest)).count == 2)
    }

    @Test(
        "The audit log keeps the newest rows and those of a month, whoever writes how many, and never more than it has room for")
    func pruned() throws {
        let database = try TestDatabase()
        let refusal = AuditEntry(actor: nil, role: nil, action: "refused", method: "GET", path: "/", status: 401, peer: "")
        func write() throws { try database.store.recordRefusals([refusal]) }
        func expectRows(_ count: Int, from first: Int, _ place: SourceLocation = #_sourceLocation) throws {
            let found = try database.value("SELECT count(*) || ' from ' || min(audit_id) FROM audit_log")
            #expect(found == "\(count) from \(first)", sourceLocation: place)
        }
        let (kept, atOnce) = (Limits.auditRowsKept, Limits.auditRowsForgottenAtOnce)
        try database.sql(
            """
            INSERT INTO audit_log (action, happened_at)
            SELECT 'old', clock_timestamp() - interval '\(Limits.auditDaysKept - 1) days' FROM generate_series(1, \(kept + 29))
            """)
        try write()
        try expectRows(kept + 30, from: 1)
        #expect(try database.store.auditRows(limit: .max).count == Limits.auditRowsListedMax)

        // Rows that are too old go, a few with each new one, but not those among the newest.
        try database.sql(
            "UPDATE audit_log SET happened_at = happened_at - interval '2 days' WHERE audit_id <= 50")
        try write()
        try expectRows(kept + 31 - atOnce, from: atOnce + 1)
        try write()
        try expectRows(kept, from: 33)

        // Numbers that are this far apart do not come of a month's changes: then the clock is not asked.
        try database.sql("UPDATE audit_log SET happened_at = clock_timestamp()")
        try database.sql("SELECT setval('audit_log_audit_id_seq', \(Limits.auditRowsMax + 50))")
        try write()
        try expectRows(kept + 1 - 19, from: 52)
    }

    @Test("Whatever stands in a row stays text", arguments: ["'; DROP TABLE audit_log; --", "\"", "\\", "$1", "%00", "{}"])
    func text(_ nasty: String) throws {
        let store = try TestDatabase().store
        try store.recordRefusals([
            AuditEntry(
                actor: nasty, role: nil, action: "refused", method: nasty.prefix(10).description, path: nasty, subject: nasty,
                status: 401, peer: nasty)
        ])
        let row = try #require(try store.auditRows(limit: 1).first)
        #expect(row.actor == nasty && row.path == nasty && row.subject == nasty && row.peer == nasty)
    }

    @Test(
        "A token's name is small letters, digits, dots and dashes",
        arguments: [
            "", "A", "a b", "a'b", "a\"b", "a;--", "../a", "a/b", "a:b", "-a", ".a", "ä", "a\u{0}", "a\n",
            String(repeating: "a", count: Limits.tokenNameBytesMax + 1),
        ])
    func tokenNames(_ text: String) throws {
        #expect(gridError { _ = try TokenName(text) }?.kind == .usage)
        #expect(try TokenName("a-b_c.9").rawValue == "a-b_c.9")
    }
}
