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

    private func offering(_ others: String..., drainMilliseconds: Int64 = 30_000) -> Conversation {
        var hello = identity()
        hello.coreTypes = ([hello.profile.coreType] + others).map {
            CoreTypeSpeed(coreType: $0, float32GigaflopsPerSecond: 2, float64GigaflopsPerSecond: 1)
        }
        return Conversation(hello: hello, drainMilliseconds: drainMilliseconds)
    }

    @Test("Asked to change its core type, it finishes and delivers what it has, says goodbye and starts again")
    func changeCoreType() {
        var talk = offering("Haswell")
        talk.connect()
        talk.lease(1)
        let effects = talk.tell(.received(.changeCoreType("Haswell")))
        guard case .send(.hello(let hello), nil) = effects.first, effects.count == 1 else {
            Issue.record("it said \(effects)")
            return
        }
        #expect(hello.draining && hello.inHand == [ref(1)])
        #expect(talk.engine.isDraining)
        talk.tell(.received(welcome()))
        #expect(talk.tell(.received(.changeCoreType("Haswell"))) == [], "asked twice, it does it once")
        #expect(talk.finish(1) == [release(1), result(1)])
        #expect(
            talk.tell(.received(.ack(AttemptID(1)))) == [release(101), .send(.goodbye), .exit(.changeCoreType("Haswell"))])
    }

    @Test("It keeps its core type when it did not offer the other one, or runs it already", arguments: ["SkylakeX", "Zen", ""])
    func declines(core: String) {
        var talk = offering("Haswell")
        talk.connect()
        #expect(talk.tell(.received(.changeCoreType(core))) == [])
        #expect(!talk.engine.isDraining)
    }

    @Test("Whoever wants it to leave has the last word, before and after it was asked to change")
    func drainWins() {
        var before = offering("Haswell")
        before.connect()
        before.lease(1)
        before.tell(.drainRequested)
        before.tell(.received(.changeCoreType("Haswell")))
        before.finish(1)
        #expect(before.tell(.received(.ack(AttemptID(1)))).last == .exit(.drained))
        var after = offering("Haswell")
        after.connect()
        after.lease(1)
        after.tell(.received(.changeCoreType("Haswell")))
        after.tell(.drainRequested)
        after.finish(1)
        #expect(after.tell(.received(.ack(AttemptID(1)))).last == .exit(.drained))
    }

    @Test("It starts again also when its last answers are not acknowledged in time")
    func changeTimesOut() {
        var talk = offering("Haswell", drainMilliseconds: 5_000)
        talk.connect()
        talk.lease(1)
        talk.tell(.received(.changeCoreType("Haswell")))
        talk.tell(.received(welcome()))
        talk.finish(1)
        talk.wait(milliseconds: 5_000)
        #expect(talk.tell(.tick).suffix(3) == [.send(.goodbye), release(101), .exit(.changeCoreType("Haswell"))])
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
