import ClusterModel
import Messaging
import Testing

@Suite struct CallerTests {
    private func caller(_ inbox: Inbox) throws -> Loop {
        try Loop(name: "test-caller", .caller) { _ in Recorder(inbox: inbox) }
    }

    private func call(_ loop: Loop, _ inbox: Inbox, _ endpoint: Endpoint) throws -> Peer {
        loop.post(.call(endpoint))
        guard case .called(let peer)? = inbox.next() else { throw GridError(.failed, "nobody could be called") }
        return peer
    }

    @Test("One socket calls several others, and knows whose answer is whose")
    func several() throws {
        let (inbox, first, second) = (Inbox(), Inbox(), Inbox())
        let routers = (try router(first, echoes: true), try router(second, echoes: true))
        let loop = try caller(inbox)
        let one = try call(loop, inbox, routers.0.endpoint)
        let two = try call(loop, inbox, routers.1.endpoint)
        #expect(one != two)
        // Sent before there can be a connection.
        loop.post(.send(payloads("for two", "body"), to: two))
        #expect(inbox.nextOutcome() == .sent)
        #expect(second.nextMessage()?.frames == bytes("for two", "body"))
        let answer = try #require(inbox.nextMessage())
        #expect(answer.peer == two && answer.frames == bytes("for two", "body"))
        loop.post(.send(payloads("for one"), to: one))
        #expect(first.nextMessage()?.frames == bytes("for one"))
        #expect(inbox.nextMessage()?.peer == one)
    }

    @Test("Somebody who listens only later, or again, gets what is sent then")
    func later() throws {
        let (inbox, early, late) = (Inbox(), Inbox(), Inbox())
        let gone = try router(early)
        let endpoint = gone.endpoint
        gone.stop()
        gone.join()
        let loop = try caller(inbox)
        let peer = try call(loop, inbox, endpoint)
        loop.post(.send(payloads("waits"), to: peer))
        #expect(inbox.nextOutcome() == .sent)
        let back = try router(late, at: endpoint, echoes: true)
        #expect(late.nextMessage()?.frames == bytes("waits"))
        #expect(inbox.nextMessage()?.peer == peer)
        // A new call is a new connection.
        let again = try call(loop, inbox, back.endpoint)
        #expect(again != peer)
        loop.post(.send(payloads("again"), to: again))
        #expect(late.nextMessage()?.frames == bytes("again"))
    }
}
