import ClusterModel
import Scheduling
import Testing

@Suite("Jobs and their stages")
struct JobTests {
    @Test("A stage without tasks is complete at once")
    func emptyStage() {
        var talk = Conversation()
        #expect(talk.submit(tasks: 0) == [.stageComplete(JobID(1), PlanHash(7))])
        #expect(talk.submit(plan: 8, tasks: 0) == [.stageComplete(JobID(1), PlanHash(8))])
    }

    @Test("A paused job keeps what is with workers and gets nothing new, until it is resumed")
    func pause() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 3)
        #expect(talk.tell(.setPaused(JobID(1), true)) == [])
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1)])
        #expect(talk.scheduler.wait(of: JobID(1), at: talk.now) == "to be resumed: it is paused")
        #expect(talk.submit(2, plan: 2, tasks: 1).leases == ["2.0->w1"], "others get on meanwhile")
        #expect(talk.tell(.setPaused(JobID(1), false)) == [])
        talk.result(attempt(2, 0, job: 2, plan: 2), from: 1)
        #expect(talk.tell(.merged(task(0, job: 2, plan: 2))).leases == ["1.1->w1"])
        #expect(talk.tell(.setPaused(JobID(9), true)) == [])
    }

    @Test("A job that comes paused waits, and a lost worker's tasks of a paused job wait, too")
    func submittedPaused() {
        var talk = Conversation()
        var submission = StageSubmission(
            job: JobID(1), plan: PlanHash(7), stageName: "tiles", kind: "toy", taskCount: 2, isPaused: true)
        talk.join(1)
        #expect(talk.tell(.submit(submission)) == [])
        #expect(talk.tell(.setPaused(JobID(1), false)).leases == ["1.0->w1"])
        talk.tell(.setPaused(JobID(1), true))
        talk.tell(.received(from: peer(1), .goodbye))
        #expect(talk.join(2).leases == [])
        #expect(talk.scheduler.explain(JobID(1), at: talk.now).hasSuffix("and it waits to be resumed: it is paused"))
        submission.isPaused = false
        #expect(talk.tell(.submit(submission)) == [], "a stage that is there already changes nothing")
    }

    @Test("A task is explained by where it is and what happened to it")
    func explainTask() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 2)
        talk.wait(milliseconds: 300)
        #expect(
            talk.scheduler.explain(JobID(1), task: 0)
                == ExplainView.Task(task: 0, stage: "tiles", state: "leased", story: ["0.0 s: leased to w1 (attempt #1.1)"]))
        #expect(talk.scheduler.explain(JobID(1), task: 1)?.state == "queued")
        #expect(talk.scheduler.explain(JobID(1), task: 2) == nil && talk.scheduler.explain(JobID(2), task: 0) == nil)
        talk.fail(attempt(1, 0), on: 1, "no luck")
        #expect(talk.scheduler.explain(JobID(1), task: 0)?.story.contains { $0.hasSuffix("no luck") } == true)
    }

    @Test("Tasks that an earlier coordinator had merged are not leased again, and count as done")
    func mergedBefore() {
        var talk = Conversation()
        talk.join(1)
        let submission = StageSubmission(
            job: JobID(1), plan: PlanHash(7), stageName: "tiles", kind: "toy", taskCount: 3, merged: [0, 2, 2])
        #expect(talk.tell(.submit(submission)) == [profileChosen(job: 1), lease(1, 1, to: 1)])
        #expect(talk.scheduler.progress(of: JobID(1))?.merged == 2)
        // A worker that had task 2 in hand when the old coordinator ended sends it again.
        #expect(talk.result(attempt(77, 2), from: 1) == [.discard(talk.lastPayload), ack(attempt(77, 2), to: 1)])
        talk.result(attempt(1, 1), from: 1)
        #expect(talk.tell(.merged(task(1))).contains(.stageComplete(JobID(1), PlanHash(7))))
    }

    @Test("A stage all of whose tasks were merged before is complete at once; one beyond the last is refused")
    func allMergedBefore() {
        var talk = Conversation()
        var submission = StageSubmission(
            job: JobID(1), plan: PlanHash(7), stageName: "tiles", kind: "toy", taskCount: 2, merged: [1, 0])
        #expect(talk.tell(.submit(submission)) == [.stageComplete(JobID(1), PlanHash(7))])
        submission.plan = PlanHash(8)
        submission.merged = [2]
        #expect(
            talk.tell(.submit(submission))
                == [.jobFailed(JobID(1), reason: "stage tiles of job 1 has 2 tasks, so its task 2 cannot have been merged")])
    }

    @Test("A finished job's attempts are cancelled once per worker, occupy credit until answered, and free it then")
    func finish() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.join(2)
        talk.submit(1, plan: 1, tasks: 5)
        #expect(
            talk.tell(.finish(JobID(1))) == [
                .send(peer(1), .cancel([attempt(1, 0).attempt, attempt(3, 2).attempt])),
                .send(peer(2), .cancel([attempt(2, 1).attempt])),
            ])
        #expect(talk.scheduler.emptinessCheck() == ["3 attempts"])
        #expect(talk.submit(2, plan: 2, tasks: 5) == [profileChosen(job: 2)], "the workers have not answered yet")
        #expect(
            talk.fail(attempt(3, 2, plan: 1), on: 1, "cancelled before it started")
                == [ack(attempt(3, 2), to: 1), lease(4, 0, to: 1, job: 2, plan: 2)])
        #expect(
            talk.result(attempt(1, 0, plan: 1), from: 1)
                == [.discard(talk.lastPayload), ack(attempt(1, 0), to: 1), lease(5, 1, to: 1, job: 2, plan: 2)])
        #expect(talk.scheduler.counters.tasksFailed == 0)
    }

    @Test("Finished in the middle of a merge, the worker is thanked and the merger's word is ignored")
    func finishWhileMerging() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(tasks: 1)
        talk.result(attempt(1, 0), from: 1)
        #expect(talk.tell(.finish(JobID(1))) == [ack(attempt(1, 0), to: 1)])
        #expect(talk.tell(.merged(task(0))) == [])
        #expect(talk.scheduler.emptinessCheck() == [])
        #expect(talk.tell(.finish(JobID(1))) == [])
    }

    @Test("The same stage submitted twice is one stage; another one while it is open fails the job")
    func secondStage() {
        var talk = Conversation()
        talk.submit(tasks: 2)
        #expect(talk.submit(tasks: 2) == [])
        #expect(
            talk.submit(plan: 8, tasks: 2)
                == [.jobFailed(JobID(1), reason: "stage tiles of job 1 was submitted while its stage tiles was open")])
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("Too many tasks, or a grid of another number of tasks, are said in a sentence")
    func badSubmission() {
        var talk = Conversation()
        #expect(
            talk.submit(tasks: Limits.tasksPerStageMax + 1)
                == [.jobFailed(JobID(1), reason: "stage tiles of job 1 has 16000001 tasks: expected 0 to 16000000")])
        #expect(
            talk.submit(tasks: 2, grid: TaskGrid(rowBlocks: 0..<2, blockCount: 2, group: 1))
                == [.jobFailed(JobID(1), reason: "stage tiles of job 1 has 2 tasks and a grid of 3")])
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("More jobs than the limit are refused, and a finished one makes room")
    func tooManyJobs() {
        var talk = Conversation()
        for job in 1...Int64(Limits.jobsActiveMax) {
            let stage = StageSubmission(job: JobID(job), plan: PlanHash(1), stageName: "tiles", kind: "toy", taskCount: 1)
            _ = talk.scheduler.handle(.submit(stage), at: talk.now)
        }
        #expect(talk.submit(5_000, tasks: 1).failure == "1000 jobs are active, which is the most there can be")
        talk.tell(.finish(JobID(500)))
        #expect(talk.submit(5_000, tasks: 1) == [])
    }

    @Test("Progress adds up at every step")
    func progress() throws {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 4)
        talk.result(attempt(1, 0), from: 1)
        talk.tell(.merged(task(0)))
        talk.result(attempt(2, 1), from: 1)
        let progress = try #require(talk.scheduler.progress(of: JobID(1)))
        #expect(
            progress
                == StageProgress(
                    plan: PlanHash(7), stageName: "tiles", queued: 1, leased: 1, merging: 1, merged: 1, total: 4))
        #expect(talk.scheduler.progress(of: JobID(2)) == nil)
    }

    @Test("Explains what a job does or waits for")
    func explain() {
        var talk = Conversation()
        #expect(talk.scheduler.explain(JobID(1), at: talk.now) == "job 1 has no tasks here")
        talk.submit(tasks: 2)
        let beginning = "job 1, stage tiles: 0 of 2 tasks are done, and it waits "
        func explained(drained: Int = 0) -> String { talk.scheduler.explain(JobID(1), at: talk.now, drained: drained) }
        #expect(explained() == beginning + "for a worker: none is connected; 'alphagrid-worker --connect' starts one")
        let undrain = "'alphagrid workers undrain all' takes"
        #expect(
            explained(drained: 2)
                == beginning + "for a worker: none is connected, as 2 were drained and have left; \(undrain) them back")
        let one = "for a worker: none is connected, as 1 was drained and has left; \(undrain) it back"
        #expect(talk.scheduler.wait(of: JobID(1), at: talk.now, drained: 1) == one)
        talk.join(1)
        talk.fail(attempt(1, 0), on: 1, "the disk is full")
        #expect(
            talk.scheduler.explain(JobID(1), at: talk.now)
                == "job 1, stage tiles: 0 of 2 tasks are done, 1 are with workers, 1 wait; last failure: the disk is full (on w1)"
        )
        talk.submit(2, plan: 2, tasks: 1, priority: -5)
        #expect(talk.scheduler.explain(JobID(2), at: talk.now).hasSuffix("and it waits behind job 1 of priority 0"))
        talk.tell(.drain(WorkerID("w1")))
        let draining = "for a worker: the only connected one is draining"
        #expect(talk.scheduler.explain(JobID(2), at: talk.now).hasSuffix("\(draining); \(undrain) it back"))
        #expect(
            talk.scheduler.explain(JobID(2), at: talk.now, drained: 1)
                .hasSuffix("\(draining), and 1 was drained and has left; \(undrain) them back"))
    }

    @Test("Shows each worker's slots, queue and speed")
    func views() throws {
        var talk = Conversation()
        talk.join(2, slots: 1, credit: 3)
        talk.join(1, slots: 2)
        talk.submit(tasks: 9)
        talk.tell(.received(from: peer(2), .heartbeat(Heartbeat(running: 1, queued: 2, flopsTotal: 1e9, busySecondsTotal: 1))))
        talk.wait(milliseconds: 2_000)
        talk.tell(
            .received(
                from: peer(2),
                .heartbeat(Heartbeat(running: 1, queued: 2, cachedBytes: 77, flopsTotal: 5e9, busySecondsTotal: 3))))
        talk.wait(milliseconds: 500)
        let views = talk.scheduler.workerViews(at: talk.now)
        #expect(views.map(\.worker) == ["w1", "w2"])
        let second = try #require(views.last)
        #expect((second.slots, second.running, second.queued) == (1, 1, 2))
        #expect(second.gigaflopsPerSecond == 2, "4e9 operations in 2 s")
        #expect(second.cachedBytes == 77)
        #expect(second.heartbeatAgeSeconds == 0.5)
        let load = talk.scheduler.load()
        #expect((load.workersConnected, load.slotsTotal, load.slotsBusy) == (2, 3, 3))
    }
}
