import ClusterModel
import Testing
import WorkerEngine

@Suite("A worker leaves")
struct LeavingTests {
    @Test("Draining, it finishes what it has, takes nothing new, and goes when all is acknowledged")
    func drain() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        talk.lease(2)
        #expect(talk.tell(.received(.drain)) == [hello(draining: true, inHand: [1, 2])])
        #expect(talk.engine.isDraining)
        talk.tell(.received(welcome()))
        #expect(talk.tell(.received(.drain)) == [])
        talk.wait(milliseconds: 500)
        #expect(talk.lease(3) == [release(3), hello(draining: true, inHand: [1, 2])])
        talk.tell(.received(welcome()))
        #expect(talk.finish(1) == [release(1), result(1), start(2)])
        #expect(talk.finish(2) == [release(2), result(2)])
        #expect(talk.tell(.received(.ack(AttemptID(1)))) == [release(101)])
        #expect(talk.tell(.received(.ack(AttemptID(2)))) == [release(102), .send(.goodbye), .exit(.drained)])
        #expect(talk.engine.nextDeadline == nil)
    }

    @Test("With nothing in hand it goes at once")
    func idle() {
        var talk = Conversation()
        talk.connect()
        #expect(talk.tell(.drainRequested) == [hello(draining: true), .send(.goodbye), .exit(.drained)])
    }

    @Test("Without a connection it goes without a word")
    func unconnected() {
        var talk = Conversation()
        #expect(talk.tell(.drainRequested) == [.exit(.drained)])
    }

    @Test("While it drains, it repeats its hello in place of heartbeats")
    func repeats() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        talk.tell(.drainRequested)
        talk.tell(.received(welcome()))
        talk.wait(milliseconds: 1_000)
        #expect(talk.tell(.tick) == [hello(draining: true, inHand: [1])])
        #expect(talk.finish(1) == [release(1), result(1)], "it is still welcomed")
    }

    @Test("Draining has a limit: then it leaves the rest to others")
    func timesOut() {
        var talk = Conversation { $0.drainMilliseconds = 5_000 }
        talk.connect()
        for number in 1...3 as ClosedRange<UInt64> { talk.lease(number) }
        talk.finish(1)
        talk.tell(.drainRequested)
        talk.tell(.received(welcome()))
        talk.wait(milliseconds: 4_999)
        #expect(!talk.tell(.tick).contains(.send(.goodbye)))
        talk.wait(milliseconds: 1)
        #expect(talk.engine.nextDeadline == talk.now)
        #expect(
            talk.tell(.tick).suffix(5) == [
                .send(.goodbye), release(3), release(2), release(101), .exit(.drainTimedOut(attemptsLeft: 3)),
            ])
        #expect(talk.payloads == [])
    }

    @Test("Refused, it goes and says why; after that it says nothing and keeps nothing")
    func refused() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        #expect(talk.tell(.received(.refused("no room"))) == [release(1), .exit(.refused("no room"))])
        #expect(talk.lease(2) == [release(2)])
        #expect(talk.finish(1) == [release(101)])
        #expect(talk.tell(.tick) == [])
        #expect(talk.tell(.drainRequested) == [])
        #expect(talk.engine.nextDeadline == nil)
    }
}
