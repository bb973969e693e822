import ClusterModel
import Foundation
import LocalPostgres
import Logging
import Messaging
import Panel
import Testing

@testable import Service
@testable import Store

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A coordinator over a server of its own, whose every other use of the database waits for a lock.
@Suite("What must not wait for readers")
struct CrowdedDatabaseTests {
    @Test(
        "While readers and jobs keep their connections busy, lease, tokens, audit log, readiness and keys are served at once",
        .timeLimit(.minutes(3)))
    func crowded() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/alphagrid-crowded-\(getpid())"
        let postgres = LocalPostgres(directory: folder, durability: .fast)
        let url = try postgres.start().url
        defer {
            try? postgres.remove()
            try? FileManager.default.removeItem(atPath: folder)
        }
        try Store(url: url).migrate()
        var configuration = CoordinatorConfiguration(databaseURL: url, bind: "tcp://127.0.0.1:0")
        configuration.leaseRenewMilliseconds = 100
        let keys = try ["early", "late", "own"].map { name in
            KeyFolder.Record(name: name, key: try KeyPair.make().publicKey, added: "2026-01-01T00:00:00Z")
        }
        let ring = KeyRing(keys)
        configuration.keys = ServerKeys(pair: try .make(), ring: ring)
        let elsewhere = try Store(url: url)
        func revoke(_ key: KeyFolder.Record) throws {
            let revoked = KeyRevocation(
                publicKey: key.key.text, name: key.name, added: key.added, revoked: "2026-01-02T00:00:00.000Z")
            _ = try elsewhere.exchangeRevocations([revoked], since: nil)
        }
        try revoke(keys[0])
        let service = try CoordinatorService(
            configuration: configuration, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try service.expectUsable()
        #expect(Set(ring.keys.keys) == ["late", "own"], "before a socket listens")
        try service.start()
        defer { service.stop() }

        let blocker = try Connection.open(try DatabaseURL(url))
        try blocker.execute("BEGIN; LOCK TABLE regions IN ACCESS EXCLUSIVE MODE")
        let watcher = try Connection.open(try DatabaseURL(url))
        func waiting() throws -> Int {
            try watcher.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'regions'::regclass").integer(
                0, 0) ?? 0
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            let region = try Region("USA")
            let readers = Limits.databasePageConnectionsMax + Limits.pagesWaitingMax
            // More than there are connections for, so that some have a thread and wait for a connection.
            for _ in 0..<Limits.databaseConnectionsMax * 2 {
                group.addTask {
                    _ = try? await service.waiting { service throws(GridError) in try service.store.regionSettings(region) }
                    return false
                }
            }
            for _ in 0..<readers { group.addTask { (try? await service.regions()) != nil } }
            let connections = Limits.databaseConnectionsMax + Limits.databasePageConnectionsMax
            for _ in 0..<1_000 where try waiting() < connections || service.pages.open < readers {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try waiting() == connections && service.pages.open == readers)

            let began = ContinuousClock.now
            let renewals = try service.vital.lease().renewals
            try service.vital.renewLease(service.epoch)
            #expect(try await service.validTokens().isEmpty)
            let entry = AuditEntry(
                actor: "otto", role: .operator, action: "cancel job", method: "POST", path: "/v1/jobs/7/cancel", peer: "192.0.2.7"
            )
            let row = try await service.beginAudit(entry)
            try await service.finishAudit(row, status: 200, subject: nil)
            try await service.ready()
            let error = await #expect(throws: GridError.self) { _ = try await service.regions() }
            #expect(error?.kind == .unreachable && error?.message.contains("are waiting already") == true)
            // The thread that keeps the lease goes on as well.
            for _ in 0..<2_000 where try service.vital.lease().renewals < renewals + 4 {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try service.vital.lease().renewals >= renewals + 4)
            try revoke(keys[1])
            for _ in 0..<1_000 where ring.name(of: keys[1].key) != nil { try await Task.sleep(for: .milliseconds(10)) }
            #expect(Set(ring.keys.keys) == ["own"])
            // What cannot be told at once is told once it can.
            try watcher.execute("ALTER TABLE key_revocations RENAME TO away")
            var own = keys[2]
            own.revoked = "2026-01-03T00:00:00Z"
            ring.replace(Array(keys[..<2]) + [own])
            try await Task.sleep(for: .milliseconds(500))
            try watcher.execute("ALTER TABLE away RENAME TO key_revocations")
            for _ in 0..<1_000 where try elsewhere.exchangeRevocations([], since: nil)?.times.count != 3 {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try elsewhere.exchangeRevocations([], since: nil)?.times[own.key.text] == "2026-01-03T00:00:00.000Z")
            // Whoever waits for a connection of the others' waits for a minute.
            #expect(ContinuousClock.now - began < .seconds(30))
            #expect(try waiting() == connections, "all of that while everybody else was waiting")

            try blocker.execute("COMMIT")
            var answered = 0
            for try await wasRead in group where wasRead { answered += 1 }
            #expect(answered == readers)
        }
    }
}
