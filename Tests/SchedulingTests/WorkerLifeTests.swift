import ClusterModel
import Scheduling
import Testing

@Suite("Workers come and go")
struct WorkerLifeTests {
    @Test("A stranger is asked who it is, whatever it says, and nothing of it is kept")
    func stranger() {
        var talk = Conversation()
        let result = TaskResult(ref: attempt(1, 0), computeSeconds: 1, flops: 1)
        #expect(talk.heartbeat(from: 5) == [.send(peer(5), .whoAreYou)])
        #expect(talk.tell(.received(from: peer(6), .goodbye)) == [.send(peer(6), .whoAreYou)])
        #expect(
            talk.tell(.received(from: peer(7), .result(result), payload: PayloadHandle(3)))
                == [.discard(PayloadHandle(3)), .send(peer(7), .whoAreYou)])
        #expect(talk.tell(.undecodable(from: peer(8), reason: "garbage")) == [])
        #expect(talk.tell(.unroutable(peer(9))) == [])
        #expect(talk.scheduler.workerViews(at: talk.now) == [])
        #expect(talk.scheduler.counters.messagesFromStrangers == 3)
        #expect(talk.scheduler.nextDeadline == nil)
    }

    @Test("Another protocol version, no slots, no name: one sentence each, and no worker")
    func refused() {
        var talk = Conversation()
        let version =
            "protocol version 99 is not spoken here: this coordinator speaks \(Limits.protocolVersion); "
            + "install the worker of AlphaGrid \(AlphaGrid.version)"
        #expect(talk.tell(.received(from: peer(1), .hello(hello(1, version: 99)))) == [.send(peer(1), .refused(version))])
        #expect(talk.tell(.unsupportedVersion(from: peer(2), version: 99)) == [.send(peer(2), .refused(version))])
        #expect(
            talk.tell(.received(from: peer(3), .hello(hello(3, slots: 0))))
                == [.send(peer(3), .refused("worker w3 has 0 slots: expected at least 1"))])
        var nameless = hello(4)
        nameless.worker = WorkerID("")
        #expect(
            talk.tell(.received(from: peer(4), .hello(nameless)))
                == [.send(peer(4), .refused("the worker's name has 0 bytes: expected 1 to \(Limits.wireNameBytesMax)"))])
        #expect(talk.scheduler.workerViews(at: talk.now) == [])
        #expect(talk.scheduler.counters.workersRefused == 4)
    }

    @Test("A silent worker is lost after the limit, not before, and its tasks go to another one")
    func lost() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.wait(milliseconds: 9_000)
        talk.join(2)
        talk.wait(milliseconds: 999)
        #expect(talk.tell(.tick) == [])
        talk.wait(milliseconds: 1)
        #expect(talk.tell(.tick) == [.workerLost(WorkerID("w1"), attemptsReturned: 1), lease(2, 0, to: 2)])
        #expect(talk.scheduler.workerViews(at: talk.now).map(\.state) == ["lost", "connected"])
    }

    @Test("Any message counts as a heartbeat")
    func anyMessage() {
        var talk = Conversation()
        talk.join(1)
        for _ in 1...5 {
            talk.wait(milliseconds: 9_000)
            talk.fail(attempt(1, 0), on: 1)
        }
        #expect(talk.scheduler.counters.workersLost == 0)
    }

    @Test("While the coordinator itself stood still, no worker's silence counts")
    func ownSilence() {
        var talk = Conversation()
        talk.join(1)
        talk.wait(milliseconds: 5_000)
        // Stopped for a minute: no tick was said although one was asked for every second.
        talk.now = talk.now.advanced(milliseconds: 60_000)
        #expect(talk.tell(.tick) == [])
        // From here on it counts again, and 5 s of it were there before.
        #expect(talk.wait(milliseconds: 5_000) == [])
        #expect(talk.tell(.tick) == [.workerLost(WorkerID("w1"), attemptsReturned: 0)])
    }

    @Test("A lost worker is forgotten after a while")
    func forgotten() {
        var talk = Conversation()
        talk.join(1)
        talk.wait(milliseconds: 10_000)
        talk.tell(.tick)
        talk.wait(milliseconds: Limits.workerForgottenAfterMilliseconds)
        #expect(talk.tell(.tick) == [.forget(peer(1))])
        #expect(talk.scheduler.workerViews(at: talk.now) == [])
        #expect(talk.scheduler.nextDeadline == nil)
    }

    @Test("An idle worker hears from its coordinator every heartbeat, a busy conversation needs no more words")
    func coordinatorHeartbeat() {
        var talk = Conversation()
        talk.join(1)
        talk.wait(milliseconds: 500)
        #expect(talk.heartbeat(from: 1) == [])
        talk.wait(milliseconds: 500)
        #expect(talk.heartbeat(from: 1) == [welcome(1)])
    }

    @Test("A restarted process takes over its name, and what the old one had goes back")
    func restart() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        #expect(
            talk.tell(.received(from: peer(2), .hello(hello(1, incarnation: 2))))
                == [.forget(peer(1)), welcome(2), .lease(peer(2), Lease(ref: attempt(2, 0), kind: "toy"))])
        #expect(talk.scheduler.incarnations() == [WorkerID("w1"): 2])
        // The old connection is a stranger's now.
        #expect(talk.heartbeat(from: 1) == [.send(peer(1), .whoAreYou)])
    }

    @Test("Two living processes of one name do not take turns: the first is refused when it comes back")
    func rivals() {
        var talk = Conversation()
        talk.join(1)
        talk.tell(.received(from: peer(2), .hello(hello(1, incarnation: 2))))
        let effects = talk.tell(.received(from: peer(1), .hello(hello(1, incarnation: 1))))
        #expect(
            effects == [
                .send(
                    peer(1),
                    .refused("another worker named w1 has connected since, process 9 on host: give each worker its own name"))
            ])
        // Once the second is lost, the first may come back.
        talk.wait(milliseconds: 10_000)
        talk.tell(.tick)
        #expect(talk.tell(.received(from: peer(1), .hello(hello(1, incarnation: 1)))).contains(welcome(1)))
    }

    @Test("A broken connection stops leases until the worker is back, and costs it nothing")
    func unroutable() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 2)
        talk.tell(.unroutable(peer(1)))
        #expect(talk.submit(2, plan: 2, tasks: 1) == [])
        talk.wait(milliseconds: 3_000)
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 2)
        let back = hello(1, slots: 1, credit: 2, inHand: [attempt(1, 0), attempt(2, 1)])
        #expect(talk.tell(.received(from: peer(4), .hello(back))) == [.forget(peer(1)), welcome(4), profileChosen(job: 2)])
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 2)
        // Nobody's connection any more: its messages are a stranger's.
        #expect(talk.tell(.received(from: peer(1), .goodbye)) == [.send(peer(1), .whoAreYou)])
        talk.wait(milliseconds: 9_000)
        talk.tell(.unroutable(peer(4)))
        talk.wait(milliseconds: 1_000)
        #expect(talk.tell(.tick) == [.workerLost(WorkerID("w1"), attemptsReturned: 2)])
    }

    @Test("What a broken connection brought before still counts: results are merged, and a goodbye is one")
    func lastWords() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 2)
        talk.tell(.unroutable(peer(1)))
        // Its answer also shows that it may be reached after all, and then a hello puts right what was lost.
        #expect(
            talk.result(attempt(1, 0), from: 1) == [.merge(attempt(1, 0), talk.lastPayload), .send(peer(1), .whoAreYou)])
        #expect(talk.tell(.unroutable(peer(1))) == [])
        #expect(talk.fail(attempt(2, 1), on: 1) == [ack(attempt(2, 1), to: 1)], "asked once is enough for a while")
        #expect(talk.tell(.received(from: peer(1), .goodbye)) == [.workerLeft(WorkerID("w1")), .forget(peer(1))])
        #expect(talk.scheduler.workerViews(at: talk.now) == [])
        #expect(talk.tell(.merged(task(0))) == [])
    }

    @Test("A worker that was full for a moment goes on by the same connection, and what it did not get goes back")
    func congested() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.tell(.unroutable(peer(1)))
        #expect(talk.heartbeat(from: 1) == [.send(peer(1), .whoAreYou)])
        #expect(talk.tell(.received(from: peer(1), .hello(hello(1)))) == [welcome(1), lease(2, 0, to: 1)])
    }

    @Test("Draining stops leases, ends with the worker being sent away until it leaves, and holds over a reconnect")
    func drain() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 3)
        #expect(talk.tell(.drain(WorkerID("w1"))) == [], "what it has in hand it finishes first")
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1)])
        #expect(talk.scheduler.workerViews(at: talk.now).map(\.state) == ["draining"])
        let back = hello(1, slots: 1, credit: 2, inHand: [attempt(2, 1)])
        #expect(talk.tell(.received(from: peer(2), .hello(back))) == [.forget(peer(1)), welcome(2)])
        talk.result(attempt(2, 1), from: 2)
        talk.tell(.merged(task(1)))
        #expect(talk.heartbeat(from: 2) == [.send(peer(2), .drain)])
        #expect(talk.tell(.received(from: peer(2), .goodbye)) == [.workerLeft(WorkerID("w1")), .forget(peer(2))])
        #expect(talk.scheduler.workerViews(at: talk.now) == [])
        #expect(talk.tell(.drain(WorkerID("nobody"))) == [])
        #expect(talk.tell(.received(from: peer(3), .hello(hello(1, incarnation: 2)))).leases == ["1.2->w3"])
    }

    @Test("A worker that is taken back while it drains gets leases again; one that was sent away goes")
    func undrain() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 4)
        talk.tell(.drain(WorkerID("w1")))
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1)])
        #expect(talk.tell(.undrain(WorkerID("w1"))).leases == ["1.2->w1"])
        #expect(talk.scheduler.workerViews(at: talk.now).map(\.state) == ["connected"])
        #expect(talk.heartbeat(from: 1, running: 2) == [])
        talk.tell(.finish(JobID(1)))
        talk.fail(attempt(2, 1), on: 1)
        talk.fail(attempt(3, 2), on: 1)
        #expect(talk.tell(.drain(WorkerID("w1"))) == [.send(peer(1), .drain)], "it has nothing in hand")
        #expect(talk.scheduler.leavingWorkers() == [WorkerID("w1")])
        talk.submit(2, plan: 2, tasks: 1)
        #expect(talk.tell(.undrain(WorkerID("w1"))) == [])
        #expect(talk.scheduler.workerViews(at: talk.now).map(\.state) == ["draining"])
        #expect(talk.tell(.undrain(WorkerID("nobody"))) == [])
    }

    @Test("A worker that cannot be reached is not sent away yet, and can be taken back until it is", arguments: [true, false])
    func unreachableDrain(isTakenBack: Bool) {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.tell(.unroutable(peer(1)))
        #expect(talk.tell(.drain(WorkerID("w1"), deadline: talk.now)) == [])
        #expect(talk.scheduler.leavingWorkers() == [])
        if isTakenBack { talk.tell(.undrain(WorkerID("w1"))) }
        let back = talk.tell(.received(from: peer(2), .hello(hello(1, slots: 1, credit: 2))))
        #expect(back == [.forget(peer(1)), welcome(2)] + (isTakenBack ? [] : [.send(peer(2), .drain)]))
        talk.submit(tasks: 1)
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == (isTakenBack ? 1 : 0))
    }

    @Test("A worker whose time to drain is over is sent away with what it has in hand")
    func drainDeadline() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        #expect(talk.tell(.drain(WorkerID("w1"), deadline: talk.now.advanced(milliseconds: 1_500))) == [])
        talk.wait(milliseconds: 1_000)
        #expect(talk.heartbeat(from: 1, running: 1) == [welcome(1)])
        talk.wait(milliseconds: 1_000)
        #expect(talk.heartbeat(from: 1, running: 1) == [.send(peer(1), .drain)])
    }

    @Test("A worker that drains by itself gets nothing new, and what it does not list goes to others at once")
    func drainsItself() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 2)
        talk.join(2)
        let leaving = hello(1, slots: 1, credit: 2, draining: true, inHand: [attempt(1, 0)])
        #expect(talk.tell(.received(from: peer(1), .hello(leaving))) == [welcome(1), lease(3, 1, to: 2)])
        // A hello from before, which comes late, does not bring it back.
        let stale = hello(1, slots: 1, credit: 2, inHand: [attempt(1, 0)])
        talk.submit(2, plan: 2, tasks: 1)
        #expect(talk.tell(.received(from: peer(1), .hello(stale))) == [welcome(1)])
    }

    @Test("A worker that says goodbye with tasks in hand leaves them to others, and nobody is blamed")
    func goodbye() {
        var talk = Conversation { $0.taskLossesMax = 1 }
        talk.join(1)
        talk.submit(tasks: 1)
        talk.join(2)
        let left = talk.tell(.received(from: peer(1), .goodbye))
        #expect(left == [.workerLeft(WorkerID("w1")), .forget(peer(1)), lease(2, 0, to: 2)])
    }

    @Test("More workers than the limit are refused, until a lost one makes room")
    func tooMany() {
        var talk = Conversation { $0.workersMax = 2 }
        talk.join(1)
        talk.join(2)
        #expect(
            talk.join(3) == [
                .send(peer(3), .refused("2 workers are connected already, which is the most this coordinator takes"))
            ])
        talk.wait(milliseconds: 5_000)
        talk.heartbeat(from: 2)
        talk.wait(milliseconds: 5_000)
        talk.tell(.tick)
        #expect(talk.join(3) == [.forget(peer(1)), .workerJoined(WorkerID("w3")), welcome(3)])
        #expect(talk.scheduler.workerViews(at: talk.now).map(\.worker) == ["w2", "w3"])
    }

    @Test("A connection that speaks under another name is another worker's")
    func otherName() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.tell(.received(from: peer(1), .hello(hello(2))))
        talk.wait(milliseconds: 9_000)
        talk.heartbeat(from: 1)
        talk.wait(milliseconds: 1_000)
        #expect(
            talk.tell(.tick) == [
                .workerLost(WorkerID("w1"), attemptsReturned: 1), .lease(peer(1), Lease(ref: attempt(2, 0), kind: "toy")),
            ])
    }

    @Test("Garbage from a worker that is known is worth an alarm")
    func undecodable() {
        var talk = Conversation()
        talk.join(1)
        #expect(
            talk.tell(.undecodable(from: peer(1), reason: "checksum differs")) == [
                .alarm("worker w1 sent a message that cannot be read: checksum differs", worker: WorkerID("w1"))
            ])
    }

    @Test("A worker that takes back credit while it has tasks in hand keeps them, and gets new ones by the old credit")
    func creditTakenBack() {
        var talk = Conversation()
        talk.submit(tasks: 8)
        let leases = talk.join(1, slots: 2, credit: 4).compactMap { if case .lease(_, let lease) = $0 { lease.ref } else { nil } }
        #expect(leases.count == 4)
        talk.tell(.received(from: peer(1), .hello(hello(1, slots: 1, credit: 1, inHand: leases))))
        #expect(talk.scheduler.load().slotsTotal == 2)
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 4)
    }
}
