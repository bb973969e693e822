import ClusterModel
import Scheduling
import Testing

@Suite("What a worker has in hand")
struct ReconcileTests {
    @Test("After a coordinator's restart, attempts of the former epoch are taken up instead of leased again")
    func newEpoch() {
        var talk = Conversation(epoch: 2)
        talk.submit(tasks: 2, profile: "Haswell")
        let old = attempt(40, 1, epoch: 1)
        let effects = talk.tell(.received(from: peer(1), .hello(hello(1, slots: 1, credit: 2, inHand: [old]))))
        #expect(effects.leases == ["1.0->w1"])
        #expect(talk.scheduler.counters.attemptsAdopted == 1)
        #expect(talk.result(old, from: 1) == [.merge(old, talk.lastPayload)])
    }

    @Test("Nothing is taken up from a worker of another profile, nor of a job whose profile is open")
    func wrongProfile() {
        var talk = Conversation(epoch: 2)
        talk.submit(1, plan: 1, tasks: 1, profile: "Zen")
        talk.submit(2, plan: 2, tasks: 1)
        let inHand = [attempt(40, 0, plan: 1, epoch: 1), attempt(41, 0, job: 2, plan: 2, epoch: 1)]
        let effects = talk.tell(.received(from: peer(1), .hello(hello(1, slots: 4, inHand: inHand))))
        #expect(effects.contains(.send(peer(1), .cancel(inHand.map(\.attempt)))))
        #expect(talk.scheduler.counters.attemptsAdopted == 0)
        #expect(effects.leases == ["2.0->w1"])
    }

    @Test("A worker thought lost keeps what nobody else has begun, and is told to forget the rest")
    func backFromTheDead() {
        var talk = Conversation()
        talk.join(1, slots: 3)
        talk.submit(tasks: 3)
        talk.wait(milliseconds: 10_000)
        talk.tell(.tick)
        #expect(talk.join(2).leases == ["1.0->w2"])
        let back = hello(1, slots: 3, inHand: [attempt(1, 0), attempt(2, 1), attempt(3, 2)])
        #expect(
            talk.tell(.received(from: peer(1), .hello(back))) == [
                .workerJoined(WorkerID("w1")), welcome(1), .send(peer(1), .cancel([attempt(1, 0).attempt])),
            ])
        #expect(talk.scheduler.counters.attemptsAdopted == 2)
        // Its answer to the cancel is no failure.
        #expect(talk.fail(attempt(1, 0), on: 1, "cancelled before it started") == [ack(attempt(1, 0), to: 1)])
        #expect(talk.scheduler.counters.tasksFailed == 0)
    }

    @Test("A lease that never arrived is found by the heartbeat and goes out again")
    func lostLease() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 2)
        talk.wait(milliseconds: 1_000)
        #expect(talk.heartbeat(from: 1, running: 1) == [welcome(1)], "it may still be on its way")
        talk.wait(milliseconds: 1_000)
        #expect(talk.heartbeat(from: 1, running: 1) == [.send(peer(1), .whoAreYou)])
        #expect(
            talk.tell(.received(from: peer(1), .hello(hello(1, slots: 1, credit: 2, inHand: [attempt(1, 0)]))))
                == [welcome(1), lease(3, 1, to: 1)])
        #expect(talk.scheduler.counters.tasksFailed == 0)
    }

    @Test("A young lease that a hello of the same connection does not list is still on its way")
    func youngLease() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.wait(milliseconds: 100)
        #expect(talk.join(1) == [welcome(1)])
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 1)
    }

    @Test("On a new connection nothing can be on its way any more")
    func newConnection() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.wait(milliseconds: 100)
        let effects = talk.tell(.received(from: peer(5), .hello(hello(1))))
        #expect(effects == [.forget(peer(1)), welcome(5), .lease(peer(5), Lease(ref: attempt(2, 0), kind: "toy"))])
    }

    @Test("A worker that lists more than its credit gets nothing new until it has answered enough")
    func moreThanCredit() {
        var talk = Conversation()
        talk.submit(tasks: 5)
        let inHand = (1...4).map { attempt(UInt64($0), 0, job: 9, epoch: 3) }
        let effects = talk.tell(.received(from: peer(1), .hello(hello(1, slots: 1, credit: 2, inHand: inHand))))
        #expect(effects.leases == [])
        #expect(talk.fail(inHand[0], on: 1).leases == [])
        #expect(talk.fail(inHand[1], on: 1).leases == [])
        #expect(talk.fail(inHand[2], on: 1).leases == ["1.0->w1"])
    }

    @Test("A rejected attempt that is still listed is not taken up again")
    func rejectedInHand() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.result(attempt(1, 0), from: 1)
        talk.tell(.unroutable(peer(1)))
        #expect(talk.tell(.mergeRejected(task(0), reason: "not a partial")) == [ack(attempt(1, 0), to: 1)], "in vain")
        let effects = talk.tell(.received(from: peer(2), .hello(hello(1, slots: 1, credit: 2, inHand: [attempt(1, 0)]))))
        #expect(effects.prefix(3) == [.forget(peer(1)), welcome(2), .send(peer(2), .cancel([attempt(1, 0).attempt]))])
        #expect(talk.scheduler.counters.attemptsAdopted == 0)
    }

    @Test("An attempt whose number a worker made up is never leased a second time")
    func madeUp() {
        var talk = Conversation()
        talk.submit(tasks: 2, profile: "Haswell")
        // The coordinator's own next number, before it has used it.
        let claim = hello(1, slots: 2, inHand: [attempt(1, 0)])
        #expect(talk.tell(.received(from: peer(1), .hello(claim))).suffix(1) == [lease(2, 1, to: 1)])
        #expect(talk.scheduler.counters.attemptsAdopted == 1)
    }

    @Test("A worker that claims another's attempts changes nothing for that one")
    func claimsOfOthers() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        let claim = hello(2, slots: 1, inHand: [attempt(1, 0)])
        #expect(
            talk.tell(.received(from: peer(2), .hello(claim))) == [
                .workerJoined(WorkerID("w2")), welcome(2), .send(peer(2), .cancel([attempt(1, 0).attempt])),
            ])
        #expect(talk.result(attempt(1, 0), from: 2) == [.discard(talk.lastPayload), ack(attempt(1, 0), to: 2)])
        #expect(talk.result(attempt(1, 0), from: 1) == [.merge(attempt(1, 0), talk.lastPayload)])
    }
}
