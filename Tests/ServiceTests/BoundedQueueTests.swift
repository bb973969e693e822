import ClusterModel
import Dispatch
import Synchronization
import Testing

@testable import Service

@Suite struct BoundedQueueTests {
    private final class Counts: Sendable {
        let running = Atomic<Int>(0)
        let most = Atomic<Int>(0)
    }

    @Test(
        "Questions beyond the bound are refused at once, the others are answered, a few at a time", .timeLimit(.minutes(1)),
        arguments: [
            (BoundedQueue.forQuestions(), Limits.checksAtOnceMax, Limits.checksWaitingMax),
            (BoundedQueue.forPages(), Limits.databasePageConnectionsMax, Limits.pagesWaitingMax),
            (BoundedQueue("few", of: "things", atOnceMax: 2, waitingMax: 1), 2, 1),
        ])
    func bound(_ queue: BoundedQueue, atOnce: Int, waiting: Int) async throws {
        let gate = DispatchSemaphore(value: 0)
        let counts = Counts()
        let accepted = atOnce + waiting
        let answers = try await withThrowingTaskGroup(of: Int?.self) { group in
            for number in 0..<(accepted + 5) {
                group.addTask {
                    do {
                        return try await queue.run {
                            counts.most.max(counts.running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                            gate.wait()
                            counts.running.subtract(1, ordering: .relaxed)
                            return number
                        }
                    } catch let error as GridError {
                        #expect(error.kind == .unreachable && error.message.hasPrefix("\(waiting) "))
                        #expect(error.message.hasSuffix(" are waiting already: try again later"))
                        return nil
                    }
                }
            }
            // Whoever is refused is refused while all others wait.
            for _ in 0..<5 { #expect(try await group.next() == .some(nil)) }
            for _ in 0..<accepted { gate.signal() }
            return try await group.reduce(into: [Int]()) { list, answer in if let answer { list.append(answer) } }
        }
        #expect(answers.count == accepted && Set(answers).count == accepted)
        #expect((1...atOnce).contains(counts.most.load(ordering: .relaxed)))
        #expect(try await queue.run { 7 } == 7)
    }

    @Test("What a question throws reaches whoever asked, and makes room for the next one")
    func failures() async throws {
        let queue = BoundedQueue.forQuestions()
        for _ in 0..<(Limits.checksAtOnceMax + Limits.checksWaitingMax + 1) {
            await #expect(throws: GridError(.notFound, "nobody")) {
                try await queue.run { () throws -> Int in throw GridError(.notFound, "nobody") }
            }
        }
    }
}
