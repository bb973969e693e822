import ClusterModel
import Testing

@testable import Messaging

@Suite struct PeerTableTests {
    private func route(_ number: Int) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

    @Test("A routing id keeps its handle, and a forgotten one comes back under a new handle")
    func handles() {
        var table = PeerTable()
        let first = table.peer(route: route(1))
        let second = table.peer(route: route(2))
        #expect(first != second)
        let again = table.peer(route: route(1))
        #expect(again == first)
        #expect(table.route(of: second) == route(2))
        table.forget(first)
        #expect(table.route(of: first) == nil)
        let later = table.peer(route: route(1))
        #expect(later != first)
        #expect(table.count == 2)
    }

    @Test("Newcomers push out the oldest unknown peer, never a kept one")
    func eviction() {
        var table = PeerTable(unknownMax: 3)
        let peers = (0..<3).map { table.peer(route: route($0)) }
        let isKept = table.keep(peers[0])
        #expect(isKept)
        _ = table.peer(route: route(3))
        #expect(peers.allSatisfy { table.route(of: $0) != nil })
        _ = table.peer(route: route(4))
        #expect(table.route(of: peers[0]) != nil)
        #expect(table.route(of: peers[1]) == nil)
        #expect(table.route(of: peers[2]) != nil)
        let isKeptLate = table.keep(peers[1])
        #expect(!isKeptLate)
    }

    @Test("No more peers are kept than allowed, and forgetting one makes room")
    func keptBound() {
        var table = PeerTable(unknownMax: 10, keptMax: 2)
        let peers = (0..<3).map { table.peer(route: route($0)) }
        let firstRound = [0, 1, 1, 2].map { table.keep(peers[$0]) }
        #expect(firstRound == [true, true, true, false])
        table.forget(peers[0])
        let secondRound = table.keep(peers[2])
        #expect(secondRound)
        #expect(table.keptCount == 2)
    }

    @Test("A flood of peers that come, are kept and go leaves the table small and right")
    func flood() {
        var table = PeerTable(unknownMax: 8, keptMax: 4)
        var kept: [Peer] = []
        for number in 0..<5_000 {
            let peer = table.peer(route: route(number))
            if number % 3 == 0, table.keep(peer) { kept.append(peer) }
            if number % 5 == 0, !kept.isEmpty { table.forget(kept.removeFirst()) }
            #expect(table.count <= 12)
            #expect(table.keptCount == kept.count)
            #expect(kept.allSatisfy { table.route(of: $0) != nil })
            #expect(table.route(of: peer) == nil || table.route(of: peer) == route(number))
        }
    }
}
