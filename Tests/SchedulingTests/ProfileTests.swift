import ClusterModel
import Scheduling
import Testing

@Suite("Numeric profiles")
struct ProfileTests {
    @Test("A job takes the profile with the most slots, and only workers of it get its leases")
    func mostSlots() {
        var talk = Conversation()
        talk.join(1, slots: 3, core: "Zen")
        talk.join(2, slots: 2, core: "Haswell")
        talk.join(3, slots: 2, core: "Haswell")
        let effects = talk.submit(tasks: 9)
        #expect(effects.first == profileChosen("Haswell"))
        #expect(effects.leases == ["1.0->w2", "1.1->w3", "1.2->w2", "1.3->w3"])
        #expect(talk.scheduler.profile(of: JobID(1)) == coreProfile("Haswell"))
    }

    @Test("Of equals it takes the first by name; a draining worker's slots do not count")
    func ties() {
        var talk = Conversation()
        talk.join(1, slots: 2, core: "Zen")
        talk.join(2, slots: 2, core: "Haswell")
        talk.join(3, slots: 9, core: "SkylakeX")
        talk.tell(.drain(WorkerID("w3")))
        #expect(talk.submit(tasks: 1).first == profileChosen("Haswell"))
    }

    @Test("Without a worker of its profile the job waits and says why; another job goes on")
    func waits() {
        var talk = Conversation()
        talk.join(1, core: "Haswell")
        talk.submit(1, plan: 1, tasks: 2)
        talk.tell(.received(from: peer(1), .goodbye))
        #expect(talk.join(2, core: "Zen").leases == [])
        #expect(
            talk.scheduler.explain(JobID(1), at: talk.now)
                == "job 1, stage tiles: 0 of 2 tasks are done, and it waits for a worker of its numeric profile "
                + "openblas-0.3/Haswell/e1: the connected ones run openblas-0.3/Zen/e1")
        #expect(
            talk.submit(2, plan: 2, tasks: 1) == [
                profileChosen("Zen", job: 2), .lease(peer(2), Lease(ref: attempt(2, 0, job: 2, plan: 2), kind: "toy")),
            ])
        #expect(talk.join(3, core: "Haswell").leases == ["1.0->w3"])
    }

    @Test("Later stages keep the profile, and a resumed job's is given")
    func laterStages() {
        var talk = Conversation()
        talk.join(1, slots: 1, core: "Haswell")
        talk.submit(plan: 1, tasks: 1)
        talk.join(2, slots: 8, core: "Zen")
        talk.result(attempt(1, 0, plan: 1), from: 1)
        talk.tell(.merged(task(0, plan: 1)))
        #expect(talk.submit(plan: 2, tasks: 1).leases == ["1.0->w1"])
        #expect(talk.submit(2, plan: 3, tasks: 1, profile: "Haswell") == [])
    }

    @Test("A worker that comes back with another profile is another process")
    func changedProfile() {
        var talk = Conversation()
        talk.join(1, core: "Haswell")
        talk.submit(tasks: 1)
        #expect(talk.tell(.received(from: peer(1), .hello(hello(1, core: "Zen", inHand: [attempt(1, 0)])))).leases == [])
        #expect(talk.scheduler.progress(of: JobID(1))?.queued == 1)
    }

    @Test("More different profiles than could be meant are refused")
    func tooMany() throws {
        var talk = Conversation()
        for worker in 1...Limits.numericProfilesMax { talk.join(worker, core: "core-\(worker)") }
        let effects = talk.join(999, core: "core-999")
        guard case .send(_, .refused(let sentence)) = try #require(effects.first) else {
            Issue.record("not refused: \(effects)")
            return
        }
        #expect(sentence.contains("openblas-0.3/core-999/e1, and 64 others are known already"))
        // When nobody has one any more, its place is free.
        talk.tell(.received(from: peer(1), .goodbye))
        #expect(talk.join(999, core: "core-999").contains(welcome(999)))
    }

    @Test("A late result of an earlier coordinator's lease counts only once its worker's profile is the job's")
    func lateResultOfAnotherProfile() {
        var talk = Conversation(epoch: 2) { $0.profileSettleMilliseconds = 1_000 }
        let late = attempt(9, 0, epoch: 1)
        // No profile is chosen as long as nobody may take a lease.
        talk.tell(.received(from: peer(1), .hello(hello(1, core: "Zen", draining: true))))
        talk.submit(tasks: 2)
        #expect(talk.result(late, from: 1) == [.discard(talk.lastPayload), ack(late, to: 1)])
        // Now it is another one.
        talk.join(2, core: "Haswell")
        #expect(talk.scheduler.profile(of: JobID(1)) == coreProfile("Haswell"))
        let later = attempt(10, 1, epoch: 1)
        #expect(talk.result(later, from: 1) == [.discard(talk.lastPayload), ack(later, to: 1)])
        #expect(talk.scheduler.progress(of: JobID(1))?.merging == 0)
    }
}
