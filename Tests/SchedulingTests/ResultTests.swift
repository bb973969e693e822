import ClusterModel
import Scheduling
import Testing

@Suite("What becomes of a result")
struct ResultTests {
    /// Two workers with one task each, of a stage of two.
    private func twoWorkers(_ change: (inout SchedulerConfiguration) -> Void = { _ in }) -> Conversation {
        var talk = Conversation(change)
        talk.join(1)
        talk.join(2)
        talk.submit(tasks: 2)
        return talk
    }

    @Test("The stage is complete when the last partial is merged, and only then")
    func stageComplete() {
        var talk = twoWorkers()
        talk.result(attempt(1, 0), from: 1)
        talk.result(attempt(2, 1), from: 2)
        #expect(talk.tell(.merged(task(1))) == [ack(attempt(2, 1), to: 2)])
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1), .stageComplete(JobID(1), PlanHash(7))])
        #expect(talk.tell(.finish(JobID(1))) == [])
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("Sent again while it is being merged, it is neither merged nor acknowledged a second time")
    func duplicateWhileMerging() {
        var talk = twoWorkers()
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.result(attempt(1, 0), from: 1) == [.discard(talk.lastPayload)])
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1)])
    }

    @Test("Sent again after the merge, it is dropped and acknowledged again")
    func duplicateAfterMerge() {
        var talk = twoWorkers()
        talk.result(attempt(1, 0), from: 1)
        talk.tell(.merged(task(0)))
        #expect(talk.result(attempt(1, 0), from: 1) == [.discard(talk.lastPayload), ack(attempt(1, 0), to: 1)])
        #expect(talk.scheduler.counters.resultsDropped == 1)
    }

    @Test("Of a plan that is over, of a job that is over, and of a task that never was: dropped and acknowledged")
    func otherPlan() {
        var talk = twoWorkers()
        for stranger in [attempt(50, 0, plan: 6), attempt(51, 0, job: 9), attempt(52, 2)] {
            #expect(talk.result(stranger, from: 1) == [.discard(talk.lastPayload), ack(stranger, to: 1)])
        }
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 2)
    }

    @Test("Somebody else's attempt, or another task than leased, decides nothing")
    func foreign() {
        var talk = twoWorkers()
        #expect(talk.result(attempt(2, 1), from: 1) == [.discard(talk.lastPayload), ack(attempt(2, 1), to: 1)])
        #expect(talk.result(attempt(1, 1), from: 1) == [.discard(talk.lastPayload), ack(attempt(1, 1), to: 1)])
        #expect(talk.fail(attempt(2, 1), on: 1) == [ack(attempt(2, 1), to: 1)])
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 2)
        // The owner's own result still counts.
        #expect(talk.result(attempt(2, 1), from: 2) == [.merge(attempt(2, 1), talk.lastPayload)])
    }

    @Test("With too many merges waiting it is dropped without a word, for the worker to send again")
    func deferred() {
        var talk = twoWorkers { $0.mergesInFlightMax = 1 }
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.result(attempt(2, 1), from: 2) == [.discard(talk.lastPayload)])
        talk.tell(.merged(task(0)))
        #expect(talk.result(attempt(2, 1), from: 2) == [.merge(attempt(2, 1), talk.lastPayload)])
        #expect(talk.scheduler.counters.resultsDeferred == 1)
    }

    @Test("Late but still wanted, it is taken, and who computes the task again is told to forget it")
    func lateAccepted() {
        var talk = twoWorkers()
        talk.wait(milliseconds: 9_000)
        talk.heartbeat(from: 2, running: 1)
        #expect(talk.wait(milliseconds: 1_500) == [.workerLost(WorkerID("w1"), attemptsReturned: 1)])
        talk.result(attempt(2, 1), from: 2)
        #expect(talk.tell(.merged(task(1))) == [ack(attempt(2, 1), to: 2), lease(3, 0, to: 2)])
        // The worker was only frozen; its connection still works.
        #expect(
            talk.result(attempt(1, 0), from: 1) == [
                .merge(attempt(1, 0), talk.lastPayload), .send(peer(2), .cancel([attempt(3, 0).attempt])),
                .send(peer(1), .whoAreYou),
            ])
        #expect(talk.scheduler.counters.resultsLateAccepted == 1)
        // w2 had begun: its result is dropped.
        #expect(talk.result(attempt(3, 0), from: 2) == [.discard(talk.lastPayload), ack(attempt(3, 0), to: 2)])
        #expect(talk.tell(.merged(task(0))).contains(.stageComplete(JobID(1), PlanHash(7))))
    }

    @Test("Different bytes for one task raise an alarm that names the worker")
    func differingBytes() {
        var talk = twoWorkers()
        talk.wait(milliseconds: 9_000)
        talk.heartbeat(from: 2, running: 1)
        talk.wait(milliseconds: 1_500)
        talk.result(attempt(1, 0), from: 1, checksum: 10)
        talk.tell(.merged(task(0)))
        let same = talk.result(attempt(9, 0), from: 2, checksum: 10)
        #expect(same == [.discard(talk.lastPayload), ack(attempt(9, 0), to: 2)])
        let other = talk.result(attempt(9, 0), from: 2, checksum: 11)
        guard case .alarm(let sentence, let about, let subject) = other.first else {
            Issue.record("no alarm in \(other)")
            return
        }
        #expect(sentence.contains("worker w2 computed other bytes for task 0 of job 1"))
        #expect(about == WorkerID("w2") && subject == task(0), "a log can be searched for it")
        #expect(talk.scheduler.counters.alarms == 1)
    }

    @Test("A partial that cannot be merged blames its worker and goes to another one")
    func rejected() {
        var talk = twoWorkers()
        talk.result(attempt(2, 1), from: 2)
        talk.tell(.merged(task(1)))
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.tell(.mergeRejected(task(0), reason: "not a partial")) == [ack(attempt(1, 0), to: 1), lease(3, 0, to: 2)])
        #expect(talk.scheduler.workerViews(at: talk.now).map(\.tasksFailed) == [1, 0])
        #expect(talk.scheduler.counters.partialsRejected == 1)
    }

    @Test("A rejected partial that is sent again is not merged again, and not blamed again")
    func rejectedAgain() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.tell(.mergeRejected(task(0), reason: "not a partial")).leases == ["1.0->w1"])
        #expect(talk.result(attempt(1, 0), from: 1) == [.discard(talk.lastPayload), ack(attempt(1, 0), to: 1)])
        #expect(talk.scheduler.counters.tasksFailed == 1)
    }

    @Test("A result without a partial is a failure")
    func withoutPayload() {
        var talk = twoWorkers()
        let result = TaskResult(ref: attempt(1, 0), computeSeconds: 1, flops: 1)
        #expect(talk.tell(.received(from: peer(1), .result(result))) == [ack(attempt(1, 0), to: 1)])
        #expect(talk.scheduler.counters.tasksFailed == 1)
        #expect(talk.scheduler.progress(of: JobID(1))?.queued == 1)
    }

    @Test("A payload that comes with any other message is discarded")
    func strayPayload() {
        var talk = twoWorkers()
        let effects = talk.tell(
            .received(from: peer(1), .heartbeat(Heartbeat(running: 1)), payload: PayloadHandle(77)))
        #expect(effects == [.discard(PayloadHandle(77))])
    }

    @Test("What the merger says of a task that is not being merged is ignored")
    func strayVerdict() {
        var talk = twoWorkers()
        #expect(talk.tell(.merged(task(0))) == [])
        #expect(talk.tell(.mergeRejected(task(1), reason: "x")) == [])
        #expect(talk.tell(.merged(task(0, job: 4))) == [])
        #expect(talk.scheduler.progress(of: JobID(1))?.merged == 0)
    }
}
