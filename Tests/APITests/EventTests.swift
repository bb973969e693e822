import APITestServer
import ClusterModel
import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import API

@Suite struct EventTests {
    private func hub(_ grid: FakeGrid, seats: Int = 8, perAddress: Int = 4) -> EventHub {
        EventHub(
            control: grid, logger: silent, interval: .milliseconds(2), accessInterval: .zero, seatsMax: seats,
            seatsPerAddressMax: perAddress)
    }

    /// Names of the events in a stream, in order.
    private func names(_ text: String) -> [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) }
    }

    private static func jobs(_ state: JobState) -> [JobView] {
        FakeGrid.jobs([2, 1]).map { job in
            var job = job
            if job.jobID == JobID(2) { job.state = state }
            return job
        }
    }

    @Test("A stream begins with status, jobs and workers, each an event with a number and JSON in one line")
    func snapshot() async throws {
        let answer = try await send(Call(.get, "/v1/events?seconds=0"))
        #expect(answer.headers[.contentType] == "text/event-stream" && answer.headers[.cacheControl] == "no-store")
        #expect(names(answer.text) == ["status", "job", "job", "job", "workers"])
        let blocks = answer.text.components(separatedBy: "\n\n").dropLast()
        #expect(blocks.allSatisfy { $0.wholeMatch(of: /event: [a-z]+\nid: 1\ndata: \{.*\}/) != nil })
        #expect(answer.text.contains(#""job_id":3"#) && answer.text.contains(#""workers":[{"#))
    }

    @Test("A job's stream tells the job and its tasks, and ends behind the job's end", .timeLimit(.minutes(1)))
    func job() async throws {
        let grid = FakeGrid(jobs: Self.jobs(.running))
        let hub = hub(grid)
        let door = try Door(grid: grid, access: access(), hub: hub)
        async let answer = door.send(Call(.get, "/v1/jobs/2/events"))
        while await grid.moments < 4 { await Task.yield() }
        await grid.set(Self.jobs(.done))
        let names = names(try await answer.text)
        #expect(names.first == "job" && names.suffix(1) == ["end"] && names.filter { $0 == "job" }.count >= 2, "\(names)")
        #expect(names.contains("tasks") && !names.contains("status"))
        #expect(try await answer.text.contains(#"{"job_id":2,"state":"done"}"#))
    }

    @Test("The stream of a job that was over before tells it and ends; there is none of a job that does not exist")
    func overBefore() async throws {
        let grid = FakeGrid(jobs: Self.jobs(.failed))
        #expect(names(try await send(Call(.get, "/v1/jobs/2/events"), to: grid).text) == ["job", "end"])
        expectProblem(try await send(Call(.get, "/v1/jobs/9/events"), to: grid), 404, "Not Found")
        #expect(try await send(Call(.get, "/v1/events?seconds=-1"), to: grid).status == 400)
    }

    @Test("One look at the grid serves any number of streams, and without streams nobody looks", .timeLimit(.minutes(1)))
    func shared() async throws {
        let grid = FakeGrid()
        let hub = EventHub(control: grid, logger: silent, interval: .seconds(3_600))
        let streams = (0..<50).map { _ in hub.open(job: nil) }
        for stream in streams { #expect(await stream.next()?.serial == 1) }
        #expect(await hub.open(job: JobID(1)).next()?.serial == 1, "one that comes later gets the latest at once")
        #expect(await grid.moments == 1)
    }

    @Test("A stream that is slow keeps one state and hears that it missed some; others are not delayed", .timeLimit(.minutes(1)))
    func slow() async throws {
        let grid = FakeGrid()
        let hub = hub(grid)
        let (slow, fast) = (hub.open(job: nil), hub.open(job: nil))
        #expect(await slow.next() != nil)
        var last = 0
        while last < 9 { last = try #require(await fast.next()).serial }
        let latest = try #require(await slow.next())
        #expect(latest.serial >= 8, "\(latest.serial)")
        hub.close(slow)
        hub.close(fast)
        #expect(await slow.next() == nil && hub.streamCount == 0)
    }

    @Test("There are so many streams and no more, in all and of one address, and their places are given back")
    func seats() throws {
        let hub = hub(FakeGrid(), seats: 3, perAddress: 2)
        var held = [try hub.seat(for: "a"), try hub.seat(for: "a")]
        let full = #expect(throws: Problem.self) { _ = try hub.seat(for: "a") }
        #expect(full?.status == .serviceUnavailable && full?.headers[.retryAfter] != nil)
        held.append(try hub.seat(for: "b"))
        #expect(throws: Problem.self) { _ = try hub.seat(for: "c") }
        held.removeFirst()
        #expect(throws: Never.self) { _ = try hub.seat(for: "a") }
        hub.stop()
        #expect(throws: Problem.self) { _ = try hub.seat(for: "d") }
    }

    @Test("HEAD holds no place")
    func head() async throws {
        let grid = FakeGrid()
        let hub = hub(grid, seats: 1)
        let door = try Door(grid: grid, access: access(), hub: hub)
        for _ in 0..<3 { #expect(try await door.send(Call(.head, "/v1/events")).status == 200) }
        #expect(try await door.send(Call(.get, "/v1/events?seconds=0")).status == 200)
    }

    @Test("A stream ends when its token is revoked, and when the coordinator stops", .timeLimit(.minutes(1)))
    func ends() async throws {
        let (grid, records, clock) = (FakeGrid(), FakeRecords(), TestClock())
        let hub = hub(grid)
        let door = try Door(grid: grid, access: access(records, clock: clock.clock), hub: hub)
        async let revoked = door.send(
            Call(.get, "/v1/events"), authorization: "Bearer \(FakeRecords.secret("viewer"))")
        while hub.streamCount < 1 { await Task.yield() }
        async let stopped = door.send(Call(.get, "/v1/jobs/1/events"))
        while hub.streamCount < 2 { await Task.yield() }
        await records.set([])
        clock.advance(Limits.tokensLookSeconds + 0.1)
        #expect(try await names(revoked.text).first == "status")
        #expect(hub.streamCount == 1)
        hub.stop()
        #expect(try await stopped.status == 200)
        #expect(try await door.send(Call(.get, "/v1/events")).status == 503)
    }

    @Test("A stream outlives the time other answers have, and ends when the server stops", .timeLimit(.minutes(1)))
    func longAnswer() async throws {
        var limits = ConnectionLimits()
        limits.answer = .milliseconds(50)
        limits.idle = .milliseconds(200)
        try await serving(limits) { port in
            let peer = try RawConnection(port: port)
            peer.send("GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(goodToken)\r\n\r\n")
            var text = ""
            // In chunks, so that lines do not stand by themselves.
            while text.components(separatedBy: "event: status").count < 4 {
                let (more, isClosed) = peer.receive()
                text += more
                try #require(!isClosed, "\(text)")
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    @Test("Tasks that nobody remembers any more are counted, and workers are told every other time")
    func encoder() async throws {
        let grid = FakeGrid()
        var encoder = EventEncoder()
        let moment = await grid.moment(tasksAfter: 0)
        let first = try encoder.tick(moment, skipped: 7, watched: [JobID(2)], sendsWorkers: false, comments: false)
        #expect(String(buffer: first.change).contains(#""skipped":7"#) && first.tasks[JobID(2)] != nil && first.tasks.count == 1)
        #expect(
            names(String(buffer: first.snapshot)).last == "workers" && !names(String(buffer: first.change)).contains("workers"))
        let second = try encoder.tick(moment, skipped: 0, watched: [], sendsWorkers: true, comments: true)
        #expect(
            names(String(buffer: second.change)) == ["status", "workers", "tasks"], "jobs that are as they were are not told")
        #expect(String(buffer: second.change).hasSuffix(": still here\n\n") && second.serial == 2)
    }
}
