import ClusterModel
import Foundation
import HTTPTypes
import Testing

@testable import API

@Suite struct IdempotencyTests {
    private let job = Call(.post, "/v1/jobs", #"{"kind":"correlation","region":"USA"}"#)

    private func submissions(_ grid: FakeGrid) async -> Int {
        await grid.calls.filter { if case .submit = $0 { true } else { false } }.count
    }

    @Test("The same submission with the same key is one job, of another sender it is another")
    func once() async throws {
        let grid = FakeGrid(jobs: FakeGrid.jobs([4]))
        let door = try Door(grid: grid, access: access())
        for _ in 0..<3 {
            let answer = try await door.send(job, key: "a")
            #expect(answer.status == 201 && answer.headers[.location] == "/v1/jobs/4")
        }
        #expect(await submissions(grid) == 1)
        let other = try await door.send(job, authorization: "Bearer \(FakeRecords.secret("operator"))", key: "a")
        #expect(other.status == 201)
        #expect(try await door.send(job).status == 201)
        #expect(await submissions(grid) == 3)
    }

    @Test("A key belongs to one request, and one that is no plain word is refused")
    func refused() async throws {
        let door = try Door(access: access())
        #expect(try await door.send(job, key: "a").status == 201)
        let other = try await door.send(Call(.post, job.path, #"{"kind":"features","region":"USA"}"#), key: "a")
        expectProblem(other, 422, "Unprocessable Content")
        for key in ["", "a b", String(repeating: "k", count: Limits.idempotencyKeyBytesMax + 1)] {
            #expect(try await door.send(job, key: key).status == 400, "\(key.prefix(9))")
        }
    }

    @Test("What failed may be tried again with its key")
    func retried() async throws {
        let door = try Door(grid: FakeGrid(failure: GridError(.unreachable, "no database")), access: access())
        for _ in 0..<2 { #expect(try await door.send(job, key: "a").status == 503) }
    }

    @Test("Keys are forgotten after a day, and the oldest when there are too many")
    func bounded() {
        let keys = IdempotencyKeys(countMax: 3)
        let body = Data("x".utf8)
        #expect(keys.begin("a", body: body, now: 0) == .new && keys.begin("a", body: body, now: 1) == .underWay)
        keys.finish("a", JobID(7))
        #expect(keys.begin("a", body: body, now: 2) == .done(JobID(7)))
        #expect(keys.begin("a", body: Data(), now: 3) == .different)
        for name in ["b", "c", "d"] { #expect(keys.begin(name, body: body, now: 4) == .new) }
        #expect(keys.begin("a", body: body, now: 5) == .new, "the oldest had to go")
        #expect(keys.begin("d", body: body, now: 6) == .underWay)
        #expect(keys.begin("d", body: body, now: 5 + Limits.idempotencySeconds) == .new)
    }
}
