import ClusterModel
import Foundation
import Testing

@testable import Store

@Suite("The coordinator's lease in the database")
struct LeaseTests {
    @Test("A fresh database has no coordinator; one that takes over shows signs of life, and leaves in order")
    func life() throws {
        let store = try TestDatabase().store
        #expect(try store.lease().isFree)
        let epoch = try store.takeEpoch(holder: "host-a")
        let lease = try store.lease()
        #expect(lease.epoch == epoch && lease.holder == "host-a" && lease.renewals == 0 && lease.publicKey == "")
        #expect(try !store.lease().isFree)
        for beat in 1...3 {
            try store.renewLease(epoch)
            #expect(try store.lease().renewals == Int64(beat))
        }
        try store.releaseLease(epoch)
        #expect(try store.lease().isFree)
        try store.renewLease(epoch)
        #expect(try store.lease().renewals == 1, "it is still there after all")
        let next = try store.takeEpoch(holder: "host-b")
        try store.releaseLease(next)
        #expect(try store.lease().isFree, "it has left before it showed a sign of life")
    }

    @Test("Whoever was superseded hears it from its next sign of life, which counts for nobody")
    func superseded() throws {
        let store = try TestDatabase().store
        let old = try store.takeEpoch(holder: "host-a")
        try store.renewLease(old)
        let new = try store.takeEpoch(holder: "host-b")
        let lease = try store.lease()
        #expect(lease.epoch == new && lease.holder == "host-b" && lease.renewals == 0)
        let error = #expect(throws: GridError.self) { try store.renewLease(old) }
        #expect(error?.kind == .conflict)
        #expect(error?.message.contains("'host-b'") == true)
        #expect(try store.lease().renewals == 0)
        try store.renewLease(new)
        let alive = try store.lease()
        #expect(alive.renewals > 0)
        try store.releaseLease(old)
        #expect(try store.lease() == alive, "the old one's goodbye is not the new one's")
    }

    @Test("A takeover from a silent coordinator ends the publication in whose middle it is frozen")
    func evicts() throws {
        let database = try TestDatabase()
        let store = database.store
        let old = try store.takeEpoch(holder: "frozen")
        let frozen = try Connection.open(store.pool.url)
        try frozen.execute("BEGIN")
        try Store.hold(old, frozen)
        let new = try store.takeEpoch(LeaseClaim(holder: "standby"), evicting: true)
        #expect(new.rawValue == old.rawValue + 1)
        #expect(throws: (any Error).self) { try frozen.execute("COMMIT") }
    }

    @Test("Who leads says where it is reached, since when, and by which key workers know it")
    func leader() throws {
        let store = try TestDatabase().store
        var claim = LeaseClaim(holder: "host-a", http: "https://a:8710", publicKey: "key-a")
        let epoch = try store.takeEpoch(claim)
        let lease = try store.lease()
        #expect(lease.publicKey == "key-a" && lease.since.hasSuffix("Z"))
        #expect(lease.leader == LeaderView(holder: "host-a", epoch: epoch.rawValue, since: lease.since, url: "https://a:8710"))
        claim = LeaseClaim(holder: "host-b", publicKey: "key-a")
        _ = try store.takeEpoch(claim)
        #expect(try store.lease().http == nil, "nobody is sent to the one before")
        let rows = try store.auditRows(limit: 10)
        #expect(rows.map(\.actor) == ["coordinator:host-b", "coordinator:host-a"])
        #expect(rows.map(\.subject) == ["epoch 2", "epoch 1"])
        guard case .object(let detail)? = rows[0].detail else { return #expect(Bool(false), "\(rows[0])") }
        #expect(detail["from"] == .text("host-a") && detail["keys_before"] == .text("same"))
    }

    @Test("A coordinator without keys, or with others, does not follow one with keys, whether that lives or has gone")
    func keys() throws {
        let store = try TestDatabase().store
        let keyed = LeaseClaim(holder: "keyed", publicKey: "key-a")
        let held = try store.takeEpoch(keyed)
        for claim in [LeaseClaim(holder: "keyless"), LeaseClaim(holder: "other", publicKey: "key-b")] {
            let error = #expect(throws: GridError.self) { _ = try store.takeEpoch(claim, evicting: true) }
            #expect(error?.kind == .conflict && error?.message.contains("'keyed'") == true)
            #expect(error?.message.contains("--insecure") == true)
        }
        #expect(try store.lease().epoch == held, "nothing has happened")
        try store.renewLease(held)
        try store.releaseLease(held)
        var successor = LeaseClaim(holder: "successor")
        successor.hasWaited = true
        #expect(throws: GridError.self) { _ = try store.takeEpoch(successor) }
        // Whoever finds it free begins anew, as after the keys were rotated.
        let fresh = try store.takeEpoch(LeaseClaim(holder: "rotated", publicKey: "key-b"))
        var insecure = LeaseClaim(holder: "insecure")
        insecure.ignoresKeys = true
        #expect(try store.takeEpoch(insecure).rawValue == fresh.rawValue + 1)
        guard case .object(let detail)? = try store.auditRows(limit: 1).first?.detail else { return #expect(Bool(false)) }
        #expect(detail["insecure"] == .bool(true) && detail["keys_before"] == .text("others"))
        // Keys may come to where there were none, and to what an older program held.
        _ = try store.takeEpoch(keyed)
    }

    @Test("Standbys are known while they show signs of life, and no more than so many")
    func standbys() throws {
        let database = try TestDatabase()
        let store = database.store
        for number in 0..<Limits.standbysMax + 3 {
            try store.showStandby(holder: "host-\(number + 100)", http: "http://\(number)")
        }
        #expect(try store.standbys().count == Limits.standbysMax)
        try store.showStandby(holder: "host-101", http: nil)
        let views = try store.standbys()
        #expect(views.count == Limits.standbysMax && views[1].holder == "host-101" && views[1].url == nil)
        try store.removeStandby(holder: "host-100")
        try database.sql(
            "UPDATE coordinator_standbys SET seen_at = seen_at - interval '1 hour' WHERE holder <> 'host-101'")
        #expect(try store.standbys().map(\.holder) == ["host-101"])
        try store.showStandby(holder: "late", http: nil)
        #expect(try database.value("SELECT count(*) FROM coordinator_standbys") == "2", "the silent ones are forgotten")
    }

    private func revocation(_ key: String, _ revoked: String, added: String = "2026-01-01T00:00:00Z") -> KeyRevocation {
        KeyRevocation(publicKey: key, name: "w", added: added, revoked: revoked)
    }

    @Test("A revoked key has the latest time that any list tells, whoever leads, and whoever knows all is told nothing")
    func revocations() throws {
        let store = try TestDatabase().store
        let none = try #require(try store.exchangeRevocations([], since: nil))
        #expect(none.times.isEmpty)
        #expect(try store.exchangeRevocations([], since: none.mark) == nil)
        let told = [revocation("k1", "2026-02-01T00:00:00Z"), revocation("k2", "2026-02-01T00:00:00.123Z")]
        let first = try #require(try store.exchangeRevocations(told, since: none.mark))
        #expect(first.times == ["k1": "2026-02-01T00:00:00.000Z", "k2": "2026-02-01T00:00:00.123Z"])
        #expect(try store.exchangeRevocations(told, since: first.mark) == nil, "told again it is no news")
        #expect(try store.exchangeRevocations([], since: first.mark) == nil)
        // An older list, and one that is as new; both with a key twice.
        let more = [
            revocation("k1", "2026-01-15T00:00:00Z"), revocation("k1", "2026-01-15T00:00:00.000Z"),
            revocation("k2", "2026-02-01T00:00:00.124Z"),
        ]
        let second = try #require(try store.exchangeRevocations(more, since: first.mark))
        #expect(second.mark != first.mark)
        #expect(second.times == ["k1": "2026-02-01T00:00:00.000Z", "k2": "2026-02-01T00:00:00.124Z"])
        let all = try #require(try store.exchangeRevocations([], since: first.mark))
        #expect(all.times == second.times && all.mark == second.mark)
    }

    @Test("A revocation from a clock that is ahead counts as now, once and for all, and never before what it revokes")
    func revocationsOfTheFuture() throws {
        let database = try TestDatabase()
        let store = database.store
        func sortable(_ when: String) throws -> String {
            let time = "(clock_timestamp() + interval '\(when)') AT TIME ZONE 'UTC'"
            return try #require(try database.value("SELECT to_char(\(time), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"))
        }
        let (before, ahead, copied) = (try sortable("0"), try sortable("1 day"), try sortable("1 hour"))
        let told = [revocation("k1", ahead), revocation("k2", ahead, added: copied)]
        let first = try #require(try store.exchangeRevocations(told, since: nil))
        let (k1, after) = (try #require(first.times["k1"]), try sortable("0"))
        #expect(k1 >= before && k1 <= after)
        #expect(first.times["k2"] == copied, "a copy of the record that was revoked is no newer one")
        // Told again later it is the same revocation: it must not catch up with a key that was admitted again meanwhile.
        _ = try store.exchangeRevocations(told + [revocation("k3", before)], since: nil)
        #expect(try store.exchangeRevocations([], since: nil)?.times["k1"] == k1)
    }

    @Test("Marks grow though the database's clock is set back, and of too many revocations the oldest go")
    func revocationsBounded() throws {
        let database = try TestDatabase()
        let store = database.store
        try database.sql(
            """
            INSERT INTO key_revocations SELECT 'k' || n, t, 'w', t, '2999-01-01'
            FROM generate_series(1, \(Limits.keyRevocationsMax)) n,
                LATERAL (SELECT timestamptz '2025-01-01Z' + n * interval '1 s') AS s (t)
            """)
        let full = try #require(try store.exchangeRevocations([], since: nil))
        let news = try #require(try store.exchangeRevocations([revocation("new", "2026-01-02T00:00:00Z")], since: full.mark))
        #expect(news.times.count == Limits.keyRevocationsMax)
        #expect(news.times["new"] != nil && news.times["k1"] == nil && news.times["k2"] != nil)
        // What is older than all that are kept does not make others go, nor itself be read anew.
        let oldest = revocation("k1", "2025-01-01T00:00:01Z", added: "2024-01-01T00:00:00Z")
        #expect(try store.exchangeRevocations([oldest], since: news.mark) == nil)
    }

    @Test("A role without rights on the revoked keys learns which it needs; one that has nothing to tell need only read them")
    func revocationRights() throws {
        let database = try TestDatabase()
        let role = database.server.uniqueName("keyless")
        try database.sql("CREATE ROLE \(role) LOGIN")
        let limited = try Store(url: database.url(role: role))
        func refusal(_ told: [KeyRevocation]) -> String {
            gridError { _ = try limited.exchangeRevocations(told, since: nil) }?.message ?? ""
        }
        #expect(refusal([]).contains("needs SELECT on key_revocations"))
        try database.sql("GRANT SELECT ON key_revocations TO \(role)")
        #expect(try limited.exchangeRevocations([], since: nil) != nil)
        #expect(
            refusal([revocation("k", "2026-01-02T00:00:00Z")]).contains("needs SELECT, INSERT and DELETE on key_revocations"))
    }

    @Test("Keys that came or went are recorded once, also those of a time without coordinator; a superseded one records none")
    func keyChanges() throws {
        let store = try TestDatabase().store
        let epoch = try store.takeEpoch(holder: "host-a")
        try store.recordKeys(["w1": "a", "w2": "b"], holder: "host-a", epoch: epoch)
        try store.recordKeys(["w1": "a", "w2": "b"], holder: "host-a", epoch: epoch)
        let told = ["a", "b"].map { revocation($0, "2026-02-01T00:00:00Z") }
        _ = try store.exchangeRevocations(told, since: nil)
        try store.recordKeys(["w1": "c", "w3": "d"], holder: "host-a", epoch: epoch)
        let rows = try store.auditRows(limit: 10).filter { $0.action.hasPrefix("key") }.reversed()
        #expect(
            rows.map { "\($0.action) \($0.subject ?? "")" } == [
                "key added w1", "key added w2", "key revoked w1", "key revoked w2", "key added w1", "key added w3",
            ])
        #expect(rows.allSatisfy { $0.actor == "coordinator:host-a" })
        // Another list admits again what was revoked, and is a copy of before: what it lacks nobody has revoked.
        for _ in 0..<2 { try store.recordKeys(["w1": "c", "w2": "b", "w4": "e"], holder: "host-a", epoch: epoch) }
        let again = try store.auditRows(limit: 3).reversed()
        #expect(
            again.map { "\($0.action) \($0.subject ?? "")" } == [
                "key missing w3", "revoked key added again w2", "key added w4",
            ])
        // What a list admits although it was revoked.
        let kept = KeyRevocation(publicKey: "d", name: "w3", added: "", revoked: "2026-01-02T00:00:00.000Z")
        try store.recordKeys(["w1": "c", "w2": "b", "w4": "e"], keptOut: [kept], holder: "host-a", epoch: epoch)
        let keptOut = try #require(try store.auditRows(limit: 1).first)
        #expect(keptOut.action == "revoked key kept out" && keptOut.subject == "w3")
        #expect(keptOut.detail == .object(["public_key": .text("d"), "revoked_at": .text("2026-01-02T00:00:00.000Z")]))
        _ = try store.takeEpoch(holder: "host-b")
        #expect(throws: GridError.self) { try store.recordKeys([:], holder: "host-a", epoch: epoch) }
        let many = Dictionary((0..<200).map { ("w\($0)", "k\($0)") }) { first, _ in first }
        let next = try store.takeEpoch(holder: "host-c")
        try store.recordKeys(many, holder: "host-c", epoch: next)
        #expect(try store.auditRows(limit: 1).first?.subject == "203 keys")
        let manyKept = Array(repeating: kept, count: Limits.keyChangesRecordedMax + 1)
        try store.recordKeys(many, keptOut: manyKept, holder: "host-c", epoch: next)
        #expect(try store.auditRows(limit: 1).first?.subject == "\(manyKept.count) keys", "and no row for each")
    }
}
