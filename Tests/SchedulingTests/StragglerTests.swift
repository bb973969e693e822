import ClusterModel
import Scheduling
import Testing

@Suite("Tasks that take too long")
struct StragglerTests {
    /// Two workers; w2's tasks take 100 ms, w1 has held task 0 since the beginning.
    private func straggling() -> Conversation {
        var talk = Conversation()
        talk.join(1)
        talk.join(2)
        talk.submit(tasks: 4)
        for (serial, index) in [(2, 1), (3, 2), (4, 3)] as [(UInt64, UInt32)] {
            talk.wait(milliseconds: 100)
            talk.result(attempt(serial, index), from: 2)
            talk.tell(.merged(task(index)))
        }
        return talk
    }

    /// Ticks every second while both workers say that they live; the first effects that are not welcomes.
    private func wait(seconds: Int, _ talk: inout Conversation) -> [SchedulerEffect] {
        for _ in 0..<seconds {
            talk.wait(milliseconds: 1_000)
            let effects = talk.heartbeat(from: 1, running: 1) + talk.heartbeat(from: 2) + talk.tell(.tick)
            let said = effects.filter { if case .send(_, .welcome) = $0 { false } else { true } }
            if !said.isEmpty { return said }
        }
        return []
    }

    @Test("Given to a second worker when it takes far longer than its like; the first result wins")
    func doubled() {
        var talk = straggling()
        #expect(wait(seconds: 1, &talk) == [])
        #expect(wait(seconds: 2, &talk) == [lease(5, 0, to: 2)])
        #expect(talk.scheduler.counters.speculativeLeases == 1)
        #expect(wait(seconds: 5, &talk).allSatisfy { $0 != lease(6, 0, to: 1) })
        let won = talk.result(attempt(5, 0), from: 2, checksum: 4)
        #expect(won == [.merge(attempt(5, 0), talk.lastPayload), .send(peer(1), .cancel([attempt(1, 0).attempt]))])
        #expect(talk.tell(.merged(task(0))) == [ack(attempt(5, 0), to: 2), .stageComplete(JobID(1), PlanHash(7))])
        // The slow one answers in the end, and its credit is free again.
        #expect(talk.result(attempt(1, 0), from: 1) == [.discard(talk.lastPayload), ack(attempt(1, 0), to: 1)])
        talk.tell(.finish(JobID(1)))
        #expect(talk.scheduler.emptinessCheck() == [])
    }

    @Test("The slow one may win all the same, and its bytes are compared")
    func slowWins() {
        var talk = straggling()
        #expect(wait(seconds: 3, &talk) == [lease(5, 0, to: 2)])
        talk.result(attempt(1, 0), from: 1, checksum: 1)
        let late = talk.result(attempt(5, 0), from: 2, checksum: 2)
        #expect(late.contains { if case .alarm = $0 { true } else { false } })
        #expect(!late.contains { if case .merge = $0 { true } else { false } })
    }

    @Test("Losing one of two attempts does not queue the task")
    func oneOfTwoLost() {
        var talk = straggling()
        #expect(wait(seconds: 3, &talk) == [lease(5, 0, to: 2)])
        #expect(talk.tell(.received(from: peer(2), .goodbye)) == [.workerLeft(WorkerID("w2")), .forget(peer(2))])
        #expect(talk.scheduler.progress(of: JobID(1))?.leased == 1)
        #expect(talk.result(attempt(1, 0), from: 1) == [.merge(attempt(1, 0), talk.lastPayload)])
    }

    @Test("Not while other tasks wait, and not on the worker that has it")
    func notWhileBusy() {
        var talk = Conversation()
        talk.join(1, slots: 2)
        talk.submit(tasks: 2)
        talk.result(attempt(2, 1), from: 1)
        talk.tell(.merged(task(1)))
        for _ in 0..<100 {
            talk.wait(milliseconds: 1_000)
            talk.heartbeat(from: 1, running: 1)
            #expect(talk.tell(.tick) == [])
        }
        #expect(talk.scheduler.counters.speculativeLeases == 0)
    }

    @Test("With nothing known of the usual time, only after a long while")
    func unknownUsualTime() {
        var talk = Conversation { $0.stragglerUnknownMilliseconds = 20_000 }
        talk.join(1)
        talk.join(2)
        talk.submit(tasks: 1)
        #expect(wait(seconds: 19, &talk) == [])
        #expect(wait(seconds: 3, &talk) == [lease(2, 0, to: 2)])
    }
}
