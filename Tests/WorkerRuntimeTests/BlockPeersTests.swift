import ClusterModel
import Messaging
import Synchronization
import Testing
import WireProtocol

@testable import WorkerRuntime

/// The connections to other workers.
@Suite struct BlockPeersTests {
    /// Notes who asks, by the handle of the connection.
    private struct Asked: SocketHandler {
        typealias Command = Never
        let askers: Mailbox<Peer>

        mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
            askers.add(peer)
        }
        mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {}
        mutating func handle(_ command: Never, at now: MonotonicTime, via port: SocketPort) {}
        mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
    }

    /// Where nothing is reported, since nobody answers.
    private struct Unheard: SocketHandler {
        typealias Command = BlockFetchHandler.Command
        mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {}
        mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {}
        mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {}
        mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
    }

    @Test("A worker that was left is asked by a connection of its own when its time has come")
    func leaves() throws {
        let askers = Mailbox<Peer>()
        let free = Endpoint(host: "127.0.0.1", port: 0)
        let other = try SocketLoop(name: "other", .router(bind: free)) { _ in Asked(askers: askers) }
        let posters = Mailbox<CommandPoster<BlockFetchHandler.Command>>()
        let unheard = try SocketLoop<Unheard>(name: "unheard", .router(bind: free)) { poster in
            posters.add(poster)
            return Unheard()
        }
        let report = try #require(posters.next())
        let peers = try SocketLoop(name: "peers", .caller) { _ in BlockPeersHandler(report: report, logger: quiet) }
        let request = BlockRequest(hash: BlockHash(words: (1, 2, 3, 4)), asker: 5)
        let endpoint = other.endpoint.description
        func ask() -> Peer? {
            peers.post(.ask(request, at: endpoint))
            return askers.next()
        }
        let first = ask()
        #expect(first != nil && ask() == first)
        peers.post(.leave(endpoint))
        // Of somebody who has gone already there is nothing to leave.
        peers.post(.leave(endpoint))
        let second = ask()
        #expect(second != nil && second != first && ask() == second)
        withExtendedLifetime(unheard) {}
    }
}
