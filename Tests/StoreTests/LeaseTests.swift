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

    @Test("Keys that came or went are recorded once, also those of a time without coordinator; a superseded one records none")
    func keyChanges() throws {
        let store = try TestDatabase().store
        let epoch = try store.takeEpoch(holder: "host-a")
        try store.recordKeys(["w1": "a", "w2": "b"], holder: "host-a", epoch: epoch)
        try store.recordKeys(["w1": "a", "w2": "b"], holder: "host-a", epoch: epoch)
        try store.recordKeys(["w1": "c", "w3": "d"], holder: "host-a", epoch: epoch)
        let rows = try store.auditRows(limit: 10).filter { $0.action.hasPrefix("key") }.reversed()
        #expect(
            rows.map { "\($0.action) \($0.subject ?? "")" } == [
                "key added w1", "key added w2", "key revoked w1", "key revoked w2", "key added w1", "key added w3",
            ])
        #expect(rows.allSatisfy { $0.actor == "coordinator:host-a" })
        // Another coordinator's folder is a copy of before: what it lacks goes, and what was revoked is back.
        #expect(try store.recordKeys(["w1": "c", "w2": "b", "w4": "e"], holder: "host-a", epoch: epoch) == ["w2"])
        #expect(try store.recordKeys(["w1": "c", "w2": "b", "w4": "e"], holder: "host-a", epoch: epoch) == [])
        let again = try store.auditRows(limit: 3).reversed()
        #expect(
            again.map { "\($0.action) \($0.subject ?? "")" } == [
                "key revoked w3", "revoked key added again w2", "key added w4",
            ])
        _ = try store.takeEpoch(holder: "host-b")
        #expect(throws: GridError.self) { try store.recordKeys([:], holder: "host-a", epoch: epoch) }
        let many = Dictionary((0..<200).map { ("w\($0)", "k\($0)") }) { first, _ in first }
        let next = try store.takeEpoch(holder: "host-c")
        try store.recordKeys(many, holder: "host-c", epoch: next)
        #expect(try store.auditRows(limit: 1).first?.subject == "203 keys")
    }
}
