import ClusterModel
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Testing

@testable import API

@Suite("Answers that are large, or come too many at once")
struct LargeAnswerTests {
    /// Takes an answer, and says how much of all answers was being held meanwhile.
    private struct Reader: ResponseBodyWriter {
        final class Taken: Sendable {
            let bytes = Mutex<[UInt8]>([])
            let parts = Mutex<[Int]>([])
            let held = Mutex<[Int]>([])
            let isWhole = Mutex(false)
        }

        let taken = Taken()
        let budget: AnswerBudget
        /// Goes away after so many parts.
        var partsMax = Int.max

        mutating func write(_ buffer: ByteBuffer) async throws {
            guard taken.parts.withLock({ $0.count }) < partsMax else { throw GridError(.failed, "gone") }
            taken.bytes.withLock { $0 += Array(buffer.readableBytesView) }
            taken.parts.withLock { $0.append(buffer.readableBytes) }
            let held = budget.bytesHeld
            taken.held.withLock { $0.append(held) }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws { taken.isWhole.withLock { $0 = true } }
    }

    @Test("A large answer counts until it was taken, in parts, by whoever asked; a small one does not")
    func counted() async throws {
        let budget = AnswerBudget()
        let bytes = (0..<200_001).map { UInt8(truncatingIfNeeded: $0) }
        let reader = Reader(budget: budget)
        do {
            let body = try budget.body(ByteBuffer(bytes: bytes))
            #expect(body.contentLength == bytes.count && budget.bytesHeld == bytes.count)
            try await body.write(reader)
        }
        #expect(reader.taken.bytes.withLock { $0 } == bytes && reader.taken.isWhole.withLock { $0 })
        #expect(reader.taken.parts.withLock { $0.allSatisfy { $0 <= Limits.httpAnswerPartBytes } })
        #expect(reader.taken.held.withLock { $0 } == [Int](repeating: bytes.count, count: 4))
        #expect(budget.bytesHeld == 0)
        let small = try budget.body(ByteBuffer(bytes: bytes[..<100]))
        #expect(small.contentLength == 100 && budget.bytesHeld == 0)
    }

    @Test("An answer whose reader goes away, or that nobody takes at all, is not counted any more")
    func dropped() async throws {
        let budget = AnswerBudget(bytesMax: 300_000)
        let bytes = ByteBuffer(repeating: 7, count: 200_000)
        do {
            let body = try budget.body(bytes)
            await #expect(throws: GridError.self) { try await body.write(Reader(budget: budget, partsMax: 1)) }
        }
        #expect(budget.bytesHeld == 0)
        var kept: [ResponseBody] = [try budget.body(bytes)]
        let refusal = #expect(throws: Problem.self) { _ = try budget.body(bytes) }
        #expect(refusal?.status == .serviceUnavailable && refusal?.headers[.retryAfter] == "\(Limits.retryAfterSeconds)")
        #expect(budget.bytesHeld == 200_000, "what was refused does not count")
        kept = []
        #expect(kept.isEmpty && budget.bytesHeld == 0)
        _ = try budget.body(bytes)
    }

    @Test(
        "Rows come whole however large, and 503 instead of them when too many wait to be taken",
        arguments: ["json", "csv", "npy"])
    func rows(_ format: String) async throws {
        let (grid, budget) = (FakeGrid(), AnswerBudget())
        await grid.set(pageRows: 20_000)
        let call = Call(.get, "/v1/regions/USA/results/clusters?format=\(format)")
        let answer = try await Door(grid: grid, access: access(), budget: budget).send(call)
        #expect(answer.status == 200 && answer.headers[.contentLength] == "\(answer.text.utf8.count)" || format == "npy")
        #expect(answer.text.count > Limits.httpAnswerPartBytes)
        #expect(budget.bytesHeld == 0)
        let full = try await Door(grid: grid, access: access(), budget: AnswerBudget(bytesMax: 100_000)).send(call)
        expectProblem(full, 503, "Service Unavailable")
        #expect(full.headers[.retryAfter] != nil)
    }

    @Test("What is large is taken apart and written where few are worked on at once; what is small is not sent there")
    func coding() async throws {
        let grid = FakeGrid()
        let rows = Call(.get, "/v1/regions/USA/results/clusters")
        func check(_ days: Int) -> Call {
            let dates = repeatElement("\"2024-01-02\"", count: days).joined(separator: ",")
            let pnl = repeatElement("1", count: days).joined(separator: ",")
            let candidate = "{\"alpha_id\":\"C\",\"dates\":[\(dates)],\"pnl\":[\(pnl)]}"
            return Call(.post, "/v1/regions/USA/check", "{\"candidates\":[\(candidate)]}")
        }
        #expect(try await send(rows, to: grid).status == 200)
        #expect(try await send(check(10), to: grid).status == 200)
        #expect(grid.codings.value == 0)
        #expect(try await send(check(10_000), to: grid).status == 200)
        #expect(grid.codings.value == 1)
        await grid.set(pageRows: 10_000)
        #expect(try await send(rows, to: grid).status == 200)
        #expect(grid.codings.value == 2)
    }

    @Test("Whoever is sent away because too many wait is told when to come again; whoever asked wrongly is not")
    func comeAgain() async throws {
        let rows = Call(.get, "/v1/regions/USA/results/clusters")
        let full = try await send(rows, to: FakeGrid(failure: GridError(.unreachable, "64 are waiting already: try again later")))
        expectProblem(full, 503, "Service Unavailable")
        #expect(full.headers[.retryAfter] == "\(Limits.retryAfterSeconds)")
        let broken = try await send(rows, to: FakeGrid(failure: GridError(.notFound, "no such region")))
        #expect(broken.status == 404 && broken.headers[.retryAfter] == nil)
    }
}
