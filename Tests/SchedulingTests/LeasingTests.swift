import ClusterModel
import Scheduling
import Testing

@Suite("Who gets which task")
struct LeasingTests {
    @Test("A worker gets leases up to its credit and the next when one is merged")
    func credit() {
        var talk = Conversation()
        #expect(talk.join(1, slots: 1, credit: 2) == [.workerJoined(WorkerID("w1")), welcome(1)])
        #expect(talk.submit(tasks: 3) == [profileChosen(), lease(1, 0, to: 1), lease(2, 1, to: 1)])
        #expect(talk.result(attempt(1, 0), from: 1) == [.merge(attempt(1, 0), talk.lastPayload)])
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(1, 0), to: 1), lease(3, 2, to: 1)])
        #expect(talk.tell(.tick) == [])
    }

    @Test("Few tasks go round the workers instead of filling one worker's credit")
    func breadthFirst() {
        var talk = Conversation()
        for worker in 1...4 { talk.join(worker, slots: 2, credit: 4) }
        #expect(talk.submit(tasks: 6).leases == ["1.0->w1", "1.1->w2", "1.2->w3", "1.3->w4", "1.4->w1", "1.5->w2"])
    }

    @Test("A reserve is only leased when every slot is taken")
    func slotsBeforeReserve() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 3)
        talk.join(2, slots: 3, credit: 3)
        let leases = talk.submit(tasks: 5).leases
        #expect(leases.count { $0.hasSuffix("w2") } == 3)
        #expect(leases.first == "1.0->w1")
        #expect(leases.last == "1.4->w1")
    }

    @Test("A worker that comes later gets its share at once")
    func lateWorker() {
        var talk = Conversation()
        talk.submit(tasks: 3)
        talk.join(1)
        #expect(talk.join(2).leases == ["1.1->w2"])
    }

    @Test("A recompute on demand overtakes queued bulk work and touches no running task")
    func onDemand() {
        var talk = Conversation()
        talk.join(1)
        talk.submit(1, plan: 1, tasks: 3)
        #expect(talk.submit(2, plan: 2, tasks: 2, priority: 100) == [profileChosen(job: 2)])
        talk.result(attempt(1, 0, plan: 1), from: 1)
        #expect(talk.tell(.merged(task(0, plan: 1))).leases == ["2.0->w1"])
        talk.result(attempt(2, 0, job: 2, plan: 2), from: 1)
        #expect(talk.tell(.merged(task(0, job: 2, plan: 2))).leases == ["2.1->w1"])
        talk.result(attempt(3, 1, job: 2, plan: 2), from: 1)
        #expect(talk.tell(.merged(task(1, job: 2, plan: 2))).contains(.stageComplete(JobID(2), PlanHash(2))))
        #expect(talk.tell(.finish(JobID(2))) == [])
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 1)
    }

    @Test("Jobs of one priority run in the order of their numbers, whenever they came")
    func firstInFirstOut() {
        var talk = Conversation()
        talk.submit(5, plan: 5, tasks: 2)
        talk.submit(3, plan: 3, tasks: 2)
        #expect(talk.join(1, slots: 4).leases == ["3.0->w1", "3.1->w1", "5.0->w1", "5.1->w1"])
    }

    @Test("A changed priority counts from the next lease on, also in later stages")
    func changedPriority() {
        var talk = Conversation()
        talk.submit(1, plan: 1, tasks: 2)
        talk.submit(2, plan: 2, tasks: 1)
        talk.tell(.setPriority(JobID(2), 5))
        #expect(talk.join(1).leases == ["2.0->w1"])
        talk.result(attempt(1, 0, job: 2, plan: 2), from: 1)
        #expect(talk.tell(.merged(task(0, job: 2, plan: 2))).leases == ["1.0->w1"])
        // The second stage says 0 again, and stays before job 1.
        talk.submit(2, plan: 22, tasks: 1, priority: 0)
        talk.result(attempt(2, 0, plan: 1), from: 1)
        #expect(talk.tell(.merged(task(0, plan: 1))).leases == ["2.0->w1"])
    }

    @Test("Of the next few tasks a worker gets the one whose blocks it has just had")
    func locality() {
        var talk = Conversation { $0.lookahead = 8 }
        let grid = TaskGrid(rowBlocks: 0..<4, blockCount: 4, group: 1)
        talk.join(1)
        talk.join(2)
        // Row 0 has the columns 0 to 3: w1 has (0,0), w2 has (0,1).
        #expect(talk.submit(tasks: grid.taskCount, grid: grid).leases == ["1.0->w1", "1.1->w2"])
        talk.result(attempt(2, 1), from: 2)
        // Task 4 is (1,1), for which w2 has all there is, since it has had block 1; task 2 is (0,2), half of it new.
        #expect(talk.tell(.merged(task(1))).leases == ["1.4->w2"])
        talk.result(attempt(3, 4), from: 2)
        // (0,2) and (1,2) are equally good now: the first of them.
        #expect(talk.tell(.merged(task(4))).leases == ["1.2->w2"])
    }

    @Test("Looking ahead one task is the plain order")
    func noLookahead() {
        var talk = Conversation { $0.lookahead = 1 }
        let grid = TaskGrid(rowBlocks: 0..<3, blockCount: 3, group: 1)
        talk.join(1, slots: 6)
        let leases = talk.submit(tasks: grid.taskCount, grid: grid).leases
        #expect(leases == (0..<6).map { "1.\($0)->w1" })
    }

    @Test("Ten thousand tasks for a thousand workers go out evenly")
    func many() {
        var talk = Conversation()
        for worker in 1...1_000 {
            _ = talk.scheduler.handle(.received(from: peer(worker), .hello(hello(worker, slots: 2, credit: 4))), at: talk.now)
        }
        var counts: [String.SubSequence: Int] = [:]
        for lease in talk.submit(tasks: 10_000).leases { counts[lease.split(separator: ">")[1], default: 0] += 1 }
        #expect(counts.count == 1_000)
        #expect(Set(counts.values) == [4])
    }
}
