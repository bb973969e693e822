import ClusterModel
import Testing

@testable import Scheduling

@Suite("Tasks that two workers compute")
struct VerificationTests {
    /// So many workers of one profile with a slot each, and a stage whose tasks are all computed twice.
    private func talk(
        workers: Int, tasks: Int, share: Double = 1, _ change: (inout SchedulerConfiguration) -> Void = { _ in }
    ) -> Conversation {
        var talk = Conversation {
            $0.verifiedShare = share
            change(&$0)
        }
        for worker in 1...workers { talk.join(worker) }
        talk.submit(tasks: tasks)
        return talk
    }

    private func alarms(_ effects: [SchedulerEffect]) -> [String] {
        effects.compactMap { if case .alarm(let sentence, _, _) = $0 { sentence } else { nil } }
    }

    private func states(_ talk: Conversation) -> [String] { talk.scheduler.workerViews(at: talk.now).map(\.state) }

    @Test("The second lease goes to another worker, ahead of the queue; equal bytes are dropped, and the stage is complete then")
    func equalBytes() {
        var talk = talk(workers: 2, tasks: 1)
        // w2 is free, so it is at the task again as soon as the first result is there.
        #expect(
            talk.result(attempt(1, 0), from: 1, checksum: 5) == [.merge(attempt(1, 0), talk.lastPayload), lease(2, 0, to: 2)])
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1)])
        #expect(talk.scheduler.explain(JobID(1), at: talk.now).hasSuffix("1 of them is compared with a second worker's result"))
        #expect(
            talk.result(attempt(2, 0), from: 2, checksum: 5)
                == [.stageComplete(JobID(1), PlanHash(7)), .discard(talk.lastPayload), ack(attempt(2, 0), to: 2)])
        #expect(talk.scheduler.counters.tasksVerified == 1 && talk.scheduler.counters.disagreements == 0)
        talk.tell(.finish(JobID(1)))
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("The sample is another for every salt, has its share of the tasks, and one at least of more than a few")
    func sample() {
        func sampled(_ tasks: Int, share: Double, plan: UInt64 = 7, salt: UInt64 = 3) -> [UInt32] {
            let stage = Stage(
                StageSubmission(job: JobID(1), plan: PlanHash(plan), stageName: "s", kind: "toy", taskCount: tasks),
                at: MonotonicTime(nanoseconds: 0))
            return (0..<UInt32(tasks)).filter { stage.isSampled($0, share: share, salt: salt) }
        }
        #expect(sampled(100_000, share: 0.005) == sampled(100_000, share: 0.005))
        let others = Set(sampled(100_000, share: 0.005, salt: 4))
        #expect(sampled(100_000, share: 0.005).count { others.contains($0) } < 20)
        #expect(Set((0..<200 as Range<UInt64>).map { sampled(1_000, share: 1e-12, salt: $0) }).count > 150)
        #expect((450...550).contains(sampled(100_000, share: 0.005).count))
        for plan in 0..<200 as Range<UInt64> {
            #expect(sampled(9, share: 1e-12, plan: plan).count == 1)
            #expect(sampled(8, share: 1e-12, plan: plan).isEmpty)
            #expect(sampled(9, share: 0, plan: plan).isEmpty)
        }
    }

    @Test("Nothing is computed twice by one worker, by workers of another profile, or when no checksum is known")
    func nobodyToCompare() {
        for other in [nil, "Zen"] {
            var talk = Conversation { $0.verifiedShare = 1 }
            talk.join(1)
            if let other { talk.join(2, core: other) }
            talk.submit(tasks: 1, profile: "Haswell")
            talk.result(attempt(1, 0), from: 1, checksum: 5)
            #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1), .stageComplete(JobID(1), PlanHash(7))])
        }
        var talk = talk(workers: 2, tasks: 1)
        #expect(talk.result(attempt(1, 0), from: 1) == [.merge(attempt(1, 0), talk.lastPayload)])
    }

    @Test("A third worker decides: who differed is suspect, and the job it has helped with before fails")
    func secondIsWrong() {
        var talk = talk(workers: 3, tasks: 3)
        for worker in 1...3 {
            let ref = attempt(UInt64(worker), UInt32(worker - 1))
            talk.result(ref, from: worker)
            talk.tell(.merged(ref.task))
        }
        #expect(talk.submit(plan: 8, tasks: 1).leases == ["1.0->w1"])
        #expect(talk.result(attempt(4, 0, plan: 8), from: 1, checksum: 5).leases == ["1.0->w2"])
        talk.tell(.merged(task(0, plan: 8)))
        let other = talk.result(attempt(5, 0, plan: 8), from: 2, checksum: 6)
        #expect(
            alarms(other) == [
                "worker w2 computed other bytes for task 0 of job 1, stage tiles than worker w1: one of them computes wrongly"
            ])
        #expect(other.failure == nil && other.leases == ["1.0->w3"])
        let verdict = talk.result(attempt(6, 0, plan: 8), from: 3, checksum: 5)
        let sentence = "worker w2 computed other bytes for task 0 of job 1, stage tiles than w1 and w3, which agree"
        #expect(alarms(verdict) == ["\(sentence): it gets no more leases"])
        #expect(verdict.failure?.hasPrefix("\(sentence), so that nothing it computed for this job can be trusted") == true)
        #expect(states(talk) == ["connected", "suspect", "connected"])
        #expect(talk.scheduler.counters.workersSuspected == 1 && talk.scheduler.counters.disagreements == 1)
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("When the merged result is the wrong one, its worker is suspect and the job fails with its name")
    func firstIsWrong() {
        var talk = talk(workers: 3, tasks: 1)
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 66).leases == ["1.0->w2"])
        talk.tell(.merged(task(0)))
        #expect(talk.result(attempt(2, 0), from: 2, checksum: 5).leases == ["1.0->w3"])
        let verdict = talk.result(attempt(3, 0), from: 3, checksum: 5)
        #expect(
            verdict.failure?.hasPrefix("worker w1 computed other bytes for task 0 of job 1, stage tiles than w2 and w3") == true)
        #expect(states(talk) == ["suspect", "connected", "connected"])
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("A suspect that had no part in a job leaves it alone: the stage completes")
    func bystander() {
        var talk = talk(workers: 3, tasks: 1)
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == ["1.0->w2"])
        talk.tell(.merged(task(0)))
        talk.result(attempt(2, 0), from: 2, checksum: 66)
        let verdict = talk.result(attempt(3, 0), from: 3, checksum: 5)
        #expect(verdict.failure == nil)
        #expect(verdict.contains(.stageComplete(JobID(1), PlanHash(7))))
        #expect(states(talk) == ["connected", "suspect", "connected"])
    }

    @Test("With nobody to decide, the job fails and both are named, but not condemned")
    func noJudge() {
        var talk = talk(workers: 2, tasks: 1)
        talk.result(attempt(1, 0), from: 1, checksum: 5)
        talk.tell(.merged(task(0)))
        let other = talk.result(attempt(2, 0), from: 2, checksum: 6)
        #expect(
            other.failure
                == "workers w1, w2 computed different bytes for task 0 of job 1, stage tiles, and there is no other worker of "
                + "their numeric profile, best of all with another key or on another host, to say who is right: have their "
                + "memory and CPU checked")
        #expect(states(talk) == ["connected", "connected"])
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("Three workers with three results: nobody can be believed")
    func allDiffer() {
        var talk = talk(workers: 3, tasks: 1)
        talk.result(attempt(1, 0), from: 1, checksum: 5)
        talk.result(attempt(2, 0), from: 2, checksum: 6)
        #expect(
            talk.result(attempt(3, 0), from: 3, checksum: 7).failure?.hasPrefix("workers w1, w2, w3 computed different") == true)
    }

    /// Workers of hosts, or of keys; a stage of one task, which w1 has computed first.
    private func parties(_ parties: [String], areKeys: Bool, first checksum: UInt32 = 66) -> Conversation {
        var talk = Conversation { $0.verifiedShare = 1 }
        for (index, party) in parties.enumerated() {
            talk.join(index + 1, host: areKeys ? "h\(index)" : party, keyName: areKeys ? party : nil)
        }
        talk.submit(tasks: 1)
        talk.result(attempt(1, 0), from: 1, checksum: checksum)
        talk.tell(.merged(task(0)))
        return talk
    }

    @Test(
        "Workers of one key or host have one voice: others are asked first, and two of them outvote nobody",
        arguments: [true, false])
    func oneVoice(areKeys: Bool) {
        // w1 and w2 are wrong together; w3 is asked before w2, and w4 after it.
        var talk = parties(["evil", "evil", "a", "b"], areKeys: areKeys)
        #expect(talk.result(attempt(2, 0), from: 3, checksum: 5).leases == ["1.0->w4"])
        let verdict = talk.result(attempt(3, 0), from: 4, checksum: 5)
        #expect(verdict.failure?.contains("worker w1 computed other bytes") == true)
        #expect(states(talk) == ["suspect", "connected", "connected", "connected"])
        #expect(talk.scheduler.emptinessCheck() == [])

        // With one other party alone nobody is condemned.
        talk = parties(["evil", "evil", "a"], areKeys: areKeys)
        #expect(talk.result(attempt(2, 0), from: 3, checksum: 5).leases == ["1.0->w2"])
        let end = talk.result(attempt(3, 0), from: 2, checksum: 66)
        #expect(end.failure?.hasPrefix("workers w1, w3, w2 computed different bytes") == true)
        #expect(states(talk) == ["connected", "connected", "connected"])
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("A worker of another party is waited for while it is busy, and one of the same taken when there is none")
    func busyOther() {
        var talk = Conversation { $0.verifiedShare = 1 }
        talk.join(1, host: "a")
        talk.join(2, host: "b")
        #expect(talk.submit(tasks: 2).leases == ["1.0->w1", "1.1->w2"])
        talk.join(3, host: "a")
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == [])
        talk.tell(.merged(task(0)))
        // What w2 has computed goes to the other host at once, and what waited comes to it.
        #expect(talk.result(attempt(2, 1), from: 2, checksum: 6).leases == ["1.1->w3"])
        #expect(talk.tell(.merged(task(1))).leases == ["1.0->w2"])
        var alone = parties(["a", "a"], areKeys: false, first: 5)
        alone.result(attempt(2, 0), from: 2, checksum: 5)
        #expect(alone.scheduler.counters.tasksVerified == 1)
    }

    @Test("No more than a few workers are asked about one task")
    func answersMax() {
        var talk = parties((1...9).map { "h\($0)" }, areKeys: false, first: 1)
        var asked = 1
        var failure: String?
        while failure == nil, asked < 9 {
            asked += 1
            failure = talk.result(attempt(UInt64(asked), 0), from: asked, checksum: UInt32(asked)).failure
        }
        #expect(asked == Limits.verificationAnswersMax && failure?.hasPrefix("workers w1, w2, w3, w4, w5 computed") == true)
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("A suspect gets no lease, and neither its results nor what it has in hand counts, until its process is a new one")
    func quarantine() {
        var talk = Conversation { $0.verifiedShare = 1 }
        for worker in 1...3 { talk.join(worker, slots: worker == 2 ? 2 : 1) }
        #expect(talk.submit(tasks: 1).leases == ["1.0->w1"])
        #expect(talk.submit(2, plan: 8, tasks: 1).leases == ["2.0->w2"])
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == ["1.0->w2"])
        talk.tell(.merged(task(0)))
        #expect(talk.result(attempt(3, 0), from: 2, checksum: 66).leases == ["1.0->w3"])
        // The task of job 2 goes to somebody else.
        let verdict = talk.result(attempt(4, 0), from: 3, checksum: 5)
        #expect(verdict.failure == nil && verdict.leases.count == 1 && !verdict.leases[0].hasSuffix("w2"))
        #expect(verdict.contains(.send(peer(2), .cancel([attempt(2, 0, job: 2, plan: 8).attempt]))))
        let late = attempt(2, 0, job: 2, plan: 8)
        #expect(talk.result(late, from: 2, checksum: 4) == [.discard(talk.lastPayload), ack(late, to: 2)])
        #expect(talk.scheduler.progress(of: JobID(2))?.leased == 1)

        #expect(!talk.submit(3, plan: 9, tasks: 6).leases.contains { $0.hasSuffix("w2") })
        let claimed = attempt(90, 5, job: 3, plan: 9)
        let again = talk.tell(.received(from: peer(2), .hello(hello(2, slots: 2, inHand: [claimed]))))
        #expect(again == [welcome(2), .send(peer(2), .cancel([claimed.attempt]))])
        #expect(states(talk)[1] == "suspect")
        #expect(talk.tell(.received(from: peer(2), .hello(hello(2, incarnation: 2, slots: 2)))).leases.count == 2)
        #expect(states(talk)[1] == "connected")
    }

    @Test("Whoever gives two different results of one task is suspect without a judge")
    func changesItsMind() {
        var talk = talk(workers: 2, tasks: 2, share: 0)
        talk.wait(milliseconds: 9_000)
        talk.heartbeat(from: 2, running: 1)
        talk.wait(milliseconds: 1_500)  // w1 is lost, so that its task has a story
        talk.result(attempt(1, 0), from: 1, checksum: 5)
        talk.tell(.merged(task(0)))
        let second = talk.result(attempt(1, 0), from: 1, checksum: 6)
        #expect(alarms(second).first?.hasPrefix("worker w1 gave two different results of task 0 of job 1") == true)
        #expect(second.failure != nil)
    }

    @Test("A verifier that gives two different results leaves the dispute to somebody else")
    func verifierChangesItsMind() {
        var talk = talk(workers: 3, tasks: 1)
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == ["1.0->w2"])
        talk.tell(.merged(task(0)))
        // An answer to the lease of an earlier coordinator comes first.
        #expect(talk.result(attempt(90, 0), from: 2, checksum: 6).leases == [])
        let second = talk.result(attempt(2, 0), from: 2, checksum: 7)
        #expect(second.failure == nil && second.leases == ["1.0->w3"])
        #expect(states(talk) == ["connected", "suspect", "connected"])
        #expect(talk.result(attempt(3, 0), from: 3, checksum: 5).contains(.stageComplete(JobID(1), PlanHash(7))))
    }

    @Test("A verifier that is lost, leaves or fails is replaced; the task itself is not computed a third time")
    func replaced() {
        var talk = talk(workers: 4, tasks: 1)
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == ["1.0->w2"])
        talk.tell(.merged(task(0)))
        #expect(talk.fail(attempt(2, 0), on: 2) == [ack(attempt(2, 0), to: 2), lease(3, 0, to: 3)])
        let left = talk.tell(.received(from: peer(3), .goodbye))
        #expect(left == [.workerLeft(WorkerID("w3")), .forget(peer(3)), lease(4, 0, to: 4)])
        #expect(talk.scheduler.progress(of: JobID(1))?.merged == 1)
        #expect(talk.result(attempt(4, 0), from: 4, checksum: 5).contains(.stageComplete(JobID(1), PlanHash(7))))
        #expect(talk.scheduler.counters.tasksRequeued == 0)
    }

    @Test("A stage does not wait for a verifier that nobody hears of, nor for one that nobody can be")
    func givenUp() {
        var talk = talk(workers: 2, tasks: 1)
        talk.result(attempt(1, 0), from: 1, checksum: 5)
        talk.tell(.merged(task(0)))
        talk.wait(milliseconds: 1_900)
        #expect(talk.tell(.tick) == [])
        talk.wait(milliseconds: 100)
        #expect(
            talk.tell(.tick) == [.send(peer(2), .cancel([attempt(2, 0).attempt])), .stageComplete(JobID(1), PlanHash(7))])
        #expect(talk.scheduler.counters.verificationsGivenUp == 1)
        talk.tell(.finish(JobID(1)))
        #expect(talk.result(attempt(2, 0), from: 2, checksum: 5).contains(ack(attempt(2, 0), to: 2)))
        #expect(talk.scheduler.emptinessCheck() == [])

        var alone = self.talk(workers: 2, tasks: 2)
        alone.result(attempt(1, 0), from: 1, checksum: 5)
        alone.tell(.merged(task(0)))
        #expect(alone.tell(.received(from: peer(2), .goodbye)).leases == ["1.1->w1"])
        alone.result(attempt(3, 1), from: 1, checksum: 6)
        #expect(alone.tell(.merged(task(1))).contains(.stageComplete(JobID(1), PlanHash(7))))
    }

    @Test("A partial that turns out to be none takes its verification with it")
    func rejected() {
        var talk = talk(workers: 2, tasks: 1)
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == ["1.0->w2"])
        let effects = talk.tell(.mergeRejected(task(0), reason: "not a partial"))
        #expect(effects.contains(.send(peer(2), .cancel([attempt(2, 0).attempt]))))
        // What w2 is computing all the same comes in late, is taken, and verified by w1.
        let late = talk.result(attempt(2, 0), from: 2, checksum: 5)
        #expect(late.contains(.merge(attempt(2, 0), talk.lastPayload)) && late.leases == ["1.0->w1"])
        talk.tell(.merged(task(0)))
        #expect(talk.result(attempt(3, 0), from: 1, checksum: 5).contains(.stageComplete(JobID(1), PlanHash(7))))
    }

    @Test("A job that runs before others is not kept waiting by their verifications")
    func precedence() {
        var talk = talk(workers: 2, tasks: 3)
        talk.submit(2, plan: 8, tasks: 2, priority: 1)
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == [])
        #expect(talk.tell(.merged(task(0))).leases == ["2.0->w1"])
        talk.result(attempt(2, 1), from: 2, checksum: 6)
        #expect(talk.tell(.merged(task(1))).leases == ["2.1->w2"])
    }

    @Test("An answer of a dispute that comes again, by another attempt, leaves it to a third worker and not to nobody")
    func answerOfTwoAttempts() {
        var talk = talk(workers: 3, tasks: 1)
        talk.result(attempt(1, 0), from: 1, checksum: 5)
        talk.tell(.merged(task(0)))
        // Of a lease by an earlier coordinator, while the one to compare is out with the same worker.
        #expect(alarms(talk.result(attempt(9, 0, epoch: 0), from: 2, checksum: 6)).count == 1)
        #expect(talk.result(attempt(2, 0), from: 2, checksum: 6).leases == ["1.0->w3"])
    }

    @Test("Who was asked and is not needed any more is compared all the same when its answer comes")
    func answerAfterAgreement() {
        var talk = talk(workers: 3, tasks: 2)
        #expect(talk.result(attempt(1, 0), from: 1, checksum: 5).leases == ["1.0->w3"])
        talk.tell(.merged(task(0)))
        // The same bytes by a lease of an earlier coordinator: w3 need not go on, but it does.
        #expect(alarms(talk.result(attempt(9, 0, epoch: 0), from: 2, checksum: 5)) == [])
        #expect(alarms(talk.result(attempt(3, 0), from: 3, checksum: 6)).count == 1)
    }
}
