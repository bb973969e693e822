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
        #expect(try store.lease() == LeaseView(epoch: epoch, holder: "host-a", renewals: 0))
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
        #expect(try store.lease() == LeaseView(epoch: new, holder: "host-b", renewals: 0))
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
        let new = try store.takeEpoch(holder: "standby", evicting: true)
        #expect(new.rawValue == old.rawValue + 1)
        #expect(throws: (any Error).self) { try frozen.execute("COMMIT") }
    }
}
