import ClusterModel
import Scheduling
import Testing

@Suite("Tasks that fail")
struct FailureTests {
    @Test("A failed task goes to a worker it has not failed on, although that one is busy at first")
    func goesElsewhere() {
        var talk = Conversation()
        talk.join(1)
        talk.join(2)
        talk.submit(tasks: 2)
        #expect(talk.fail(attempt(1, 0), on: 1) == [ack(attempt(1, 0), to: 1)])
        #expect(talk.tell(.tick) == [])
        talk.result(attempt(2, 1), from: 2)
        #expect(talk.tell(.merged(task(1))).leases == ["1.0->w2"])
    }

    @Test("Failing on three workers fails the job, with the story of the task")
    func threeWorkers() throws {
        var talk = Conversation()
        for worker in 1...4 { talk.join(worker) }
        talk.submit(tasks: 1)
        talk.fail(attempt(1, 0), on: 1, "the disk is full")
        talk.wait(milliseconds: 1_200)
        talk.fail(attempt(2, 0), on: 2, "out of memory")
        let effects = talk.fail(attempt(3, 0), on: 3, "out\nof memory")
        #expect(
            try #require(effects.failure)
                == """
                task 0 of stage tiles failed on 3 workers: 0.0 s: failed on w1 (attempt #1.1): the disk is full; \
                0.0 s: leased to w2 (attempt #1.2); 1.2 s: failed on w2 (attempt #1.2): out of memory; \
                1.2 s: leased to w3 (attempt #1.3); 1.2 s: failed on w3 (attempt #1.3): out of memory
                """)
        #expect(talk.scheduler.progress(of: JobID(1)) == nil)
        #expect(talk.scheduler.emptinessCheck() == [])
        #expect(talk.tell(.finish(JobID(1))) == [])
    }

    @Test("With fewer workers than that, a task that keeps failing still ends the job", arguments: [1, 2])
    func fewWorkers(count: Int) {
        var talk = Conversation()
        for worker in 1...count { talk.join(worker) }
        var effects = talk.submit(tasks: 1)
        var failures = 0
        while effects.failure == nil, failures < 50 {
            guard case .lease(let peer, let lease) = effects.last else {
                Issue.record("nobody got the task after \(failures) failures")
                return
            }
            effects = talk.fail(lease.ref, on: Int(peer.rawValue))
            failures += 1
        }
        #expect(failures == Limits.taskFailuresMax)
        #expect(effects.failure?.hasPrefix("task 0 of stage tiles failed 6 times: ") == true)
    }

    @Test("A restarted worker is the same worker: it counts once")
    func restartedWorker() {
        var talk = Conversation()
        for incarnation in 1...4 as ClosedRange<UInt64> {
            let effects = talk.tell(.received(from: peer(1), .hello(hello(1, incarnation: incarnation))))
            if incarnation == 1 { talk.submit(tasks: 1) } else { #expect(effects.leases == ["1.0->w1"]) }
            let failure = talk.fail(attempt(incarnation * 2 - 1, 0), on: 1)
            #expect(failure.failure == nil)
        }
        #expect(talk.scheduler.progress(of: JobID(1))?.merged == 0)
    }

    @Test("A task that takes worker after worker down ends its job")
    func poison() {
        var talk = Conversation { $0.taskLossesMax = 3 }
        talk.submit(tasks: 1)
        for worker in 1...2 {
            #expect(talk.join(worker).leases == ["1.0->w\(worker)"])
            talk.wait(milliseconds: 10_000)
            #expect(talk.tell(.tick) == [.workerLost(WorkerID("w\(worker)"), attemptsReturned: 1)])
        }
        talk.join(3)
        talk.wait(milliseconds: 10_000)
        let effects = talk.tell(.tick)
        #expect(effects.failure?.contains("was lost with 3 workers") == true)
    }

    @Test("What only waited at a lost worker is not suspected")
    func queuedIsInnocent() {
        var talk = Conversation { $0.taskLossesMax = 1 }
        talk.join(1, slots: 1, credit: 2)
        talk.submit(1, plan: 1, tasks: 1)
        talk.submit(2, plan: 2, tasks: 1)
        talk.wait(milliseconds: 10_000)
        let effects = talk.tell(.tick)
        // Job 1's task was first, so it was running; job 2's was not.
        #expect(effects.contains { if case .jobFailed(JobID(1), _) = $0 { true } else { false } })
        #expect(talk.scheduler.progress(of: JobID(2))?.queued == 1)
    }

    @Test("A late failure of an attempt that was given up counts for nothing")
    func lateFailure() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.wait(milliseconds: 10_000)
        talk.tell(.tick)
        #expect(talk.fail(attempt(1, 0), on: 1) == [ack(attempt(1, 0), to: 1), .send(peer(1), .whoAreYou)])
        #expect(talk.scheduler.counters.tasksFailed == 0)
    }

    @Test("The story of a task is bounded and keeps its beginning and its end")
    func boundedStory() {
        var talk = Conversation { $0.taskFailuresMax = 1_000 }
        talk.join(1)
        talk.submit(tasks: 1)
        for serial in 1...100 as ClosedRange<UInt64> { talk.fail(attempt(serial, 0), on: 1, "failure \(serial)") }
        let story = talk.scheduler.story(of: task(0))
        #expect(story.count == Limits.taskStoryEventsMax)
        #expect(story.first?.hasSuffix("failure 1") == true)
        #expect(story.contains { $0.hasSuffix("failure 100") })
    }
}
