import ClusterModel
import Testing
import WorkerEngine

@Suite("The way of a lease through a worker")
struct TaskTests {
    @Test("Starts on a free slot, waits for one otherwise, and its result is kept until acknowledged")
    func wayOfALease() {
        var talk = Conversation(slots: 1, credit: 3)
        talk.connect()
        #expect(talk.lease(1) == [start(1)])
        #expect(talk.lease(2) == [])
        #expect(talk.finish(1) == [release(1), result(1), start(2)])
        #expect(talk.payloads == [2, 101])
        #expect(talk.tell(.received(.ack(AttemptID(1)))) == [release(101)])
        #expect(talk.tell(.received(.ack(AttemptID(1)))) == [])
        #expect(talk.finish(2) == [release(2), result(2)])
        #expect(talk.tell(.received(.ack(AttemptID(2)))) == [release(102)])
        #expect(talk.payloads == [])
    }

    @Test("Computes as many at once as it has slots")
    func slots() {
        var talk = Conversation(slots: 2, credit: 4)
        talk.connect()
        #expect(talk.lease(1) == [start(1)])
        #expect(talk.lease(2) == [start(2)])
        #expect(talk.lease(3) == [])
        #expect((talk.engine.runningCount, talk.engine.queuedCount) == (2, 1))
        #expect(talk.finish(2) == [release(2), result(2), start(3)])
    }

    @Test("A result is sent again until it is acknowledged, less and less often")
    func resend() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        talk.finish(1)
        var sentAt: [Int64] = []
        for second in 1...60 as ClosedRange<Int64> {
            talk.wait(milliseconds: 1_000)
            // Something from the coordinator, so that it does not count as silent.
            let effects = talk.tell(.received(welcome()))
            if effects.contains(result(1)) { sentAt.append(second) }
        }
        #expect(sentAt == [3, 9, 21, 45])
        talk.tell(.received(.ack(AttemptID(1))))
        #expect(talk.engine.unacknowledgedCount == 0)
    }

    @Test("A failure is an answer like a result, and frees the slot")
    func failureIsAnswer() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        talk.lease(2)
        #expect(
            talk.tell(.failedToCompute(ref(1), message: "out of memory")) == [release(1), failure(1, "out of memory"), start(2)])
        #expect(talk.engine.unacknowledgedCount == 1)
        talk.wait(milliseconds: 3_000)
        #expect(talk.tell(.tick).contains(failure(1, "out of memory")))
        #expect(talk.tell(.received(.ack(AttemptID(1)))) == [])
        #expect(talk.engine.unacknowledgedCount == 0)
    }

    @Test("A wrong product once is a failure; the second time the worker leaves with that sentence")
    func damagedTwice() {
        var talk = Conversation()
        talk.connect()
        for number in 1...3 as ClosedRange<UInt64> { talk.lease(number) }
        #expect(talk.tell(.damaged(ref(1), message: "wrong by 3")) == [release(1), failure(1, "wrong by 3"), start(2)])
        #expect(
            talk.tell(.damaged(ref(2), message: "wrong by 4")) == [
                release(2), failure(2, "wrong by 4"), .send(.goodbye), release(3), .exit(.machineSuspect("wrong by 4")),
            ])
        #expect(talk.payloads == [])
    }

    @Test("A partial that has changed before it could be sent becomes a failure, and is let go of")
    func damagedAnswer() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        #expect(talk.finish(1) == [release(1), result(1)])
        #expect(talk.tell(.damaged(ref(1), message: "it has changed")) == [release(101), failure(1, "it has changed")])
        #expect(talk.engine.unacknowledgedCount == 1 && talk.payloads == [])
        // Said of an attempt that is over, or of the failure itself, it means nothing.
        #expect(talk.tell(.damaged(ref(1), message: "it has changed")) == [])
        talk.tell(.received(.ack(AttemptID(1))))
        #expect(talk.tell(.damaged(ref(1), message: "it has changed")) == [])
    }

    @Test("Cancelled, a queued task is dropped and answered; a running one finishes all the same")
    func cancel() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        talk.lease(2)
        #expect(
            talk.tell(.received(.cancel([AttemptID(1), AttemptID(2), AttemptID(9)])))
                == [release(2), failure(2, "cancelled before it started")])
        #expect(talk.finish(1) == [release(1), result(1)])
        #expect(talk.tell(.received(.cancel([AttemptID(1)]))) == [], "its result may still be of use")
        #expect(talk.engine.unacknowledgedCount == 2)
    }

    @Test("The same lease twice is one lease, wherever the first is")
    func duplicateLease() {
        var talk = Conversation()
        talk.connect()
        talk.lease(1)
        talk.lease(2)
        for number in [1, 2] as [UInt64] {
            let again = WorkerEvent.received(.lease(Lease(ref: ref(number), kind: "toy")), payload: PayloadHandle(50 + number))
            #expect(talk.tell(again) == [release(50 + number)])
        }
        talk.finish(1)
        let late = WorkerEvent.received(.lease(Lease(ref: ref(1), kind: "toy")), payload: PayloadHandle(60))
        #expect(talk.tell(late) == [release(60)])
        #expect(talk.engine.queuedCount + talk.engine.runningCount == 1)
    }

    @Test("More than the credit is not taken, and the list of what is in hand says so")
    func tooMuch() {
        var talk = Conversation(slots: 1, credit: 2)
        talk.connect()
        talk.lease(1)
        talk.lease(2)
        talk.wait(milliseconds: 500)
        #expect(talk.lease(3) == [release(3), hello(credit: 2, inHand: [1, 2])])
        #expect(talk.lease(4) == [release(4)], "it was just said")
        #expect(talk.engine.queuedCount + talk.engine.runningCount == 2)
    }

    @Test("What is kept without acknowledgement is bounded by twice the credit")
    func unacknowledged() {
        var talk = Conversation(slots: 1, credit: 2)
        talk.connect()
        for number in 1...10 as ClosedRange<UInt64> {
            if talk.lease(number).contains(start(number)) { talk.finish(number) }
        }
        #expect(talk.engine.unacknowledgedCount == 4)
        #expect(talk.payloads == [101, 102, 103, 104])
    }

    @Test("A lease without its task is answered, not computed")
    func leaseWithoutTask() {
        var talk = Conversation()
        talk.connect()
        let lease = WorkerEvent.received(.lease(Lease(ref: ref(1), kind: "toy")))
        #expect(talk.tell(lease) == [failure(1, "the lease came without its task")])
        #expect(talk.tell(lease) == [])
    }

    @Test("An answer for a task that is not running is thrown away")
    func strayAnswer() {
        var talk = Conversation()
        talk.connect()
        #expect(talk.finish(8) == [release(108)])
        #expect(talk.tell(.failedToCompute(ref(8), message: "?")) == [])
        #expect(talk.engine.unacknowledgedCount == 0)
    }

    @Test("Slots and credit are brought into their bounds")
    func bounds() {
        let most = UInt32(Limits.creditPerWorkerMax)
        for (asked, granted) in [((0, 0), (1, 1)), ((3, 1), (3, 3)), ((9_999, 99_999), (most, most))]
            as [((UInt32, UInt32), (UInt32, UInt32))]
        {
            var engine = WorkerEngine(hello: identity(slots: asked.0, credit: asked.1))
            let effects = engine.handle(.connected, at: MonotonicTime(nanoseconds: 0))
            #expect(effects == [hello(slots: granted.0, credit: granted.1)])
        }
    }
}
