import ClusterModel
import Testing
import WorkerEngine

@Suite("A worker's connection")
struct LinkTests {
    @Test("Says hello until it is welcomed, then sends heartbeats as often as the coordinator asks")
    func helloAndHeartbeats() {
        var talk = Conversation()
        #expect(talk.engine.nextDeadline == nil)
        #expect(talk.tell(.connected) == [hello()])
        talk.wait(milliseconds: 999)
        #expect(talk.tell(.tick) == [])
        talk.wait(milliseconds: 1)
        #expect(talk.engine.nextDeadline == talk.now)
        #expect(talk.tell(.tick) == [hello()])
        #expect(talk.tell(.received(welcome(heartbeatMilliseconds: 2_000))) == [])
        #expect(talk.engine.welcomedBy == Epoch(1))
        talk.wait(milliseconds: 1_000)
        #expect(talk.tell(.tick) == [heartbeat()])
        talk.wait(milliseconds: 1_999)
        #expect(talk.tell(.tick) == [])
        talk.tell(.cacheHolds(bytes: 77))
        talk.wait(milliseconds: 1)
        #expect(talk.tell(.tick) == [heartbeat(cached: 77)])
    }

    @Test("Heartbeats count what is running, waiting and done")
    func counts() {
        var talk = Conversation(slots: 1, credit: 3)
        talk.connect()
        for number in 1...3 as ClosedRange<UInt64> { talk.lease(number) }
        talk.finish(1)
        talk.wait(milliseconds: 1_000)
        #expect(talk.tell(.tick) == [heartbeat(running: 1, queued: 1, tasks: 1)])
    }

    @Test("Before the welcome no answer goes out; with it, all of them do")
    func answersWaitForTheWelcome() {
        var talk = Conversation(slots: 2)
        talk.connect()
        talk.lease(1)
        talk.lease(2)
        talk.wait(milliseconds: 300)
        #expect(talk.tell(.received(.whoAreYou)) == [hello(slots: 2, inHand: [1, 2])])
        #expect(talk.finish(1) == [release(1)])
        #expect(talk.finish(2) == [release(2)])
        #expect(talk.tell(.received(welcome(epoch: 2))) == [result(1), result(2)])
        #expect(talk.engine.welcomedBy == Epoch(2))
        #expect(talk.tell(.received(welcome(epoch: 2))) == [], "a welcome that repeats itself is only a sign of life")
    }

    @Test("Asked several times at once who it is, it says so once")
    func askedOften() {
        var talk = Conversation()
        talk.connect()
        talk.wait(milliseconds: 400)
        #expect(talk.tell(.received(.whoAreYou)) == [hello()])
        #expect(talk.tell(.received(.whoAreYou)) == [])
        talk.wait(milliseconds: 250)
        #expect(talk.tell(.received(.whoAreYou)) == [hello()])
    }

    @Test("Lists what runs, what waits and what is not acknowledged")
    func inHand() {
        var talk = Conversation(slots: 1, credit: 3)
        talk.connect()
        for number in 1...3 as ClosedRange<UInt64> { talk.lease(number) }
        talk.finish(1)
        talk.wait(milliseconds: 300)
        #expect(talk.tell(.received(.whoAreYou)) == [hello(inHand: [2, 3, 1])])
    }

    @Test("Silence of the coordinator replaces the socket, again and again, and loses nothing")
    func silence() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        var reconnects = 0
        for _ in 0..<35 {
            talk.wait(milliseconds: 1_000)
            if talk.tell(.tick).contains(.reconnect) {
                reconnects += 1
                #expect(talk.engine.welcomedBy == nil)
                #expect(talk.engine.nextDeadline == nil)
                #expect(talk.tell(.connected) == [hello(inHand: [1])])
            }
        }
        #expect(reconnects == 3)
        #expect(talk.finish(1) == [release(1)])
        #expect(talk.tell(.received(welcome(epoch: 2))) == [result(1)])
    }

    @Test("Any word of the coordinator is a sign of life")
    func signOfLife() {
        var talk = Conversation()
        talk.connect()
        for _ in 0..<10 {
            talk.wait(milliseconds: 9_000)
            #expect(!talk.tell(.received(.ack(AttemptID(5)))).contains(.reconnect))
        }
    }

    @Test("A senseless heartbeat interval is brought into bounds")
    func heartbeatBounds() throws {
        var talk = Conversation()
        talk.tell(.connected)
        talk.tell(.received(welcome(heartbeatMilliseconds: 0)))
        talk.wait(milliseconds: 1_000)
        talk.tell(.tick)
        let deadline = try #require(talk.engine.nextDeadline)
        #expect(deadline == talk.now.advanced(milliseconds: 10))
    }

    @Test("A payload that comes with any other message is let go")
    func strayPayload() {
        var talk = Conversation()
        talk.connect()
        #expect(talk.tell(.received(.whoAreYou, payload: PayloadHandle(9))).first == release(9))
    }
}
