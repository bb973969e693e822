import ClusterModel
import Testing

@testable import Scheduling

@Suite("Core types that workers can change")
struct CoreTypeTests {
    /// Without the wait for more workers.
    private func settled() -> Conversation { Conversation { $0.profileSettleMilliseconds = 0 } }

    @Test("A job takes the profile that gives its workers most GFLOP/s together, counting what they could run")
    func mostGigaflops() {
        var talk = settled()
        talk.join(1, slots: 3, cores: ["Haswell": 50])
        talk.join(2, slots: 1, cores: ["SkylakeX": 100, "Haswell": 50])
        // Haswell: 3 x 50 + 1 x 50; SkylakeX: 1 x 100.
        let effects = talk.submit(tasks: 9)
        #expect(effects.first == profileChosen("Haswell"))
        #expect(effects.leases == ["1.0->w1", "1.1->w1", "1.2->w1"])
        #expect(effects.contains(changeCoreType(2, to: "Haswell")))
    }

    @Test("Slow slots do not outvote fast ones")
    func speedCounts() {
        var talk = settled()
        talk.join(1, slots: 3, cores: ["Haswell": 30])
        talk.join(2, slots: 1, cores: ["SkylakeX": 100])
        #expect(talk.submit(tasks: 1).first == profileChosen("SkylakeX"))
    }

    @Test("A profile nobody runs yet is chosen when it is worth it, and nothing is leased before somebody runs it")
    func nobodyRunsIt() {
        var talk = settled()
        talk.join(1, slots: 2, cores: ["Haswell": 50, "Zen": 80])
        #expect(talk.submit(tasks: 9) == [profileChosen("Zen"), changeCoreType(1, to: "Zen")])
        #expect(
            talk.scheduler.explain(JobID(1), at: talk.now)
                == "job 1, stage tiles: 0 of 9 tasks are done, and it waits for a worker of its numeric profile "
                + "openblas-0.3/Zen/e1: the connected ones run openblas-0.3/Haswell/e1; 1 will change to it as soon as no "
                + "other job needs them")
        talk.tell(.received(from: peer(1), .goodbye))
        #expect(talk.join(1, incarnation: 2, slots: 2, cores: ["Zen": 80, "Haswell": 50]).leases == ["1.0->w1", "1.1->w1"])
    }

    @Test("Within 5 % the profile stays that most slots run, so that nobody starts again for noise")
    func margin() {
        var talk = settled()
        talk.join(1, cores: ["Cooperlake": 100, "SkylakeX": 102])
        talk.join(2, cores: ["Cooperlake": 100, "SkylakeX": 103])
        let effects = talk.submit(tasks: 2)
        #expect(effects.first == profileChosen("Cooperlake"))
        #expect(effects.leases.count == 2)
    }

    @Test("The first to connect does not decide: the choice waits a second for more workers, and happens by itself then")
    func settling() {
        var talk = Conversation()
        talk.join(1, cores: ["Haswell": 50])
        talk.wait(milliseconds: 300)
        #expect(talk.submit(tasks: 4) == [])
        #expect(
            talk.scheduler.explain(JobID(1), at: talk.now)
                == "job 1, stage tiles: 0 of 4 tasks are done, and it waits a moment for more workers before its numeric "
                + "profile is chosen")
        talk.wait(milliseconds: 300)
        #expect(talk.join(2, slots: 2, cores: ["SkylakeX": 100]).leases == [])
        #expect(talk.wait(milliseconds: 390).leases == [])
        #expect(talk.scheduler.nextDeadline == MonotonicTime(nanoseconds: 1_000_000_000))
        #expect(talk.wait(milliseconds: 20).first == profileChosen("SkylakeX"))
        // Later jobs do not wait.
        #expect(talk.submit(2, plan: 8, tasks: 1).first == profileChosen("SkylakeX", job: 2))
    }

    @Test("Workers that have measured nothing are not waited for")
    func unmeasured() {
        var talk = Conversation()
        talk.join(1)
        #expect(talk.submit(tasks: 1).leases == ["1.0->w1"])
    }

    @Test("A worker with a task in hand is asked when it has none; one whose profile another job needs is not asked")
    func onlyIdleAndUnneeded() {
        var talk = settled()
        talk.join(1, cores: ["Haswell": 50, "Zen": 40])
        talk.submit(1, plan: 1, tasks: 1)
        // Another job has its profile from an earlier coordinator.
        #expect(talk.submit(2, plan: 2, tasks: 3, profile: "Zen") == [])
        #expect(talk.wait(milliseconds: 3_000) == [])
        talk.result(attempt(1, 0, plan: 1), from: 1)
        // Between two stages the first job still needs its profile.
        talk.tell(.merged(task(0, plan: 1)))
        #expect(!talk.wait(milliseconds: 3_000).contains(changeCoreType(1, to: "Zen")))
        let effects = talk.tell(.finish(JobID(1))) + talk.wait(milliseconds: 1_500)
        #expect(effects.contains(changeCoreType(1, to: "Zen")))
    }

    @Test("A request that got lost is repeated, and no more workers are asked than there are tasks for")
    func repeated() {
        var talk = settled()
        for worker in 1...3 { talk.join(worker, slots: 2, cores: ["Haswell": 50, "Zen": 40]) }
        #expect(talk.submit(tasks: 3, profile: "Zen") == [changeCoreType(1, to: "Zen"), changeCoreType(2, to: "Zen")])
        #expect(!talk.wait(milliseconds: 1_900).contains(changeCoreType(1, to: "Zen")))
        #expect(talk.wait(milliseconds: 1_200).contains(changeCoreType(1, to: "Zen")))
        #expect(talk.scheduler.counters.coreTypeChangesAsked == 4)
        // It drains to start again, so it is not asked any more.
        talk.tell(.received(from: peer(1), .hello(measured(1, slots: 2, cores: ["Haswell": 50, "Zen": 40], draining: true))))
        let later = talk.wait(milliseconds: 4_000)
        #expect(!later.contains(changeCoreType(1, to: "Zen")) && later.contains(changeCoreType(3, to: "Zen")))
    }

    @Test("Nobody is asked for what it has not offered, or with another OpenBLAS")
    func notOffered() {
        var talk = settled()
        talk.join(1, cores: ["Haswell": 50])
        talk.join(2)
        var other = measured(3, cores: ["Haswell": 50, "Zen": 60])
        other.profile.blasVersion = "0.4"
        talk.tell(.received(from: peer(3), .hello(other)))
        #expect(talk.submit(tasks: 3, profile: "Zen") == [])
        #expect(talk.wait(milliseconds: 5_000).allSatisfy { if case .send(_, .changeCoreType) = $0 { false } else { true } })
    }

    @Test("A profile that was chosen counts for nothing while its workers drain")
    func draining() {
        var talk = settled()
        talk.join(1, slots: 8, cores: ["Zen": 100])
        talk.join(2, cores: ["Haswell": 50])
        talk.tell(.drain(WorkerID("w1")))
        #expect(talk.submit(tasks: 1).first == profileChosen("Haswell"))
    }

    @Test("The views show what a slot computes at most with the present profile")
    func views() {
        var talk = settled()
        var worker = measured(1, cores: ["Zen": 60, "Haswell": 50])
        worker.coreTypes[0].float32GigaflopsPerSecond = 120
        talk.tell(.received(from: peer(1), .hello(worker)))
        talk.join(2)
        let views = talk.scheduler.workerViews(at: talk.now)
        #expect(views.map(\.peakFloat32GigaflopsPerSecond) == [120, nil])
        #expect(views.map(\.peakFloat64GigaflopsPerSecond) == [60, nil])
    }

    @Test("Two workers of one profile whose bits differ raise an alarm")
    func otherBits() {
        var talk = settled()
        for (number, answer) in [(1, "aa"), (2, "aa"), (3, "bb")] {
            var worker = measured(number, cores: ["Zen": 60])
            worker.coreTypes[0].answer = answer
            let effects = talk.tell(.received(from: peer(number), .hello(worker)))
            #expect(
                effects.contains(
                    .alarm(
                        "worker w3 computes other bits than w1 although both run openblas-0.3/Zen/e1: install the same "
                            + "OpenBLAS on all hosts", worker: WorkerID("w3"))) == (number == 3))
        }
    }
}
