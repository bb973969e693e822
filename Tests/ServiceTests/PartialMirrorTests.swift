import ClusterModel
import Dispatch
import Foundation
import Jobs
import Synchronization
import Testing
import WireProtocol

@testable import Service

@Suite("Partials kept in the database")
struct PartialMirrorTests {
    /// What a database would hold of one job, and whether it answers.
    private final class Table: Sendable {
        struct State {
            var parts: [(epoch: Int64, part: Int, records: [UInt8])] = []
            var failure: GridError?
            var calls = 0
            var removals = 0
            var warnings: [String] = []
        }
        let state = Mutex(State())

        var mirrored: [(epoch: Epoch, records: [UInt8])] {
            let parts = state.withLock { $0.parts }
            return Set(parts.map(\.epoch)).sorted().map { epoch in
                (Epoch(epoch), parts.filter { $0.epoch == epoch }.sorted { $0.part < $1.part }.flatMap(\.records))
            }
        }
        var bytes: Int { state.withLock { $0.parts.reduce(0) { $0 + $1.records.count } } }
        var kept: PartialLog.Kept { PartialLog.kept(of: JobID(1), in: nil, mirrored: mirrored) }

        func mirror(_ epoch: Int64, bytesMax: Int, delay: Int = 3_600_000) -> PartialMirror {
            PartialMirror(
                bytesMax: bytesMax, bytesThere: bytes, delayMilliseconds: delay,
                warn: { text in self.state.withLock { $0.warnings.append(text) } },
                write: { part, records throws(GridError) in
                    let failure = self.state.withLock { state in
                        state.calls += 1
                        state.parts.removeAll { $0.epoch == epoch && $0.part == part }
                        // One that says that it was not reached may have taken the bytes all the same.
                        if state.failure?.kind != .failed { state.parts.append((epoch, part, records)) }
                        return state.failure
                    }
                    if let failure { throw failure }
                }, remove: { self.state.withLock { $0.removals += 1 } })
        }
    }

    private let zen = NumericProfile(blasVersion: "0.3", coreType: "Zen", epilogueVersion: 4)
    private let haswell = NumericProfile(blasVersion: "0.3", coreType: "Haswell", epilogueVersion: 4)
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private var task: Payload { Payload(copying: Array("task".utf8)) }

    private func stage(_ plan: UInt64, tasks: Int, isOfTiles: Bool = false) -> JobStage {
        JobStage(
            name: "stage \(plan)", plan: PlanHash(plan), kind: "toy", taskCount: tasks,
            grid: isOfTiles ? TaskGrid(rowBlocks: 0..<1, blockCount: tasks, group: 1) : nil, tileCount: 0
        ) { _ in Payload(copying: Array("task".utf8)) }
    }

    /// - Parameter seconds: What the first of them took.
    private func run(_ mirror: PartialMirror, _ stage: JobStage, bytes: Int, seconds: Double = 100) {
        mirror.begin(stage, tasksLeft: stage.taskCount, at: start)
        for index in 0..<UInt32(stage.taskCount) {
            mirror.append(
                TaskID(job: JobID(1), plan: stage.plan, index: index), payloadChecksum: WireCodec.checksum(task),
                partial: Payload(copying: Array(repeating: UInt8(truncatingIfNeeded: index), count: bytes)),
                at: start.advanced(milliseconds: Int64(seconds * 1_000)))
        }
    }

    /// How many partials of a stage are there, each with its own bytes.
    private func count(_ plan: UInt64, of tasks: Int, in kept: PartialLog.Kept) -> Int {
        (0..<UInt32(tasks)).count { index in
            let partial = kept.partial(of: TaskID(job: JobID(1), plan: PlanHash(plan), index: index), payload: task)
            return partial?.withUnsafeBytes { $0.allSatisfy { $0 == UInt8(truncatingIfNeeded: index) } } ?? false
        }
    }

    @Test("What was kept is read like a file, with the profile, and goes when the job is over")
    func roundTrip() {
        let table = Table()
        let mirror = table.mirror(1, bytesMax: 10_000)
        mirror.note(zen)
        run(mirror, stage(7, tasks: 5), bytes: 100)
        #expect(table.bytes == 0, "a short job never reaches the database")
        mirror.flush()
        run(mirror, stage(8, tasks: 3, isOfTiles: true), bytes: 200)
        mirror.flush()
        #expect(table.kept.profile == zen && count(7, of: 5, in: table.kept) == 5 && count(8, of: 3, in: table.kept) == 3)
        #expect(table.state.withLock { $0.parts.map(\.part) } == [0, 1])
        mirror.remove()
        run(mirror, stage(9, tasks: 1), bytes: 100)
        mirror.flush()
        #expect(table.state.withLock { $0.removals } == 1 && table.kept.count == 8, "the job is over")

        let short = Table()
        let unused = short.mirror(1, bytesMax: 10_000)
        run(unused, stage(7, tasks: 1), bytes: 100)
        unused.remove()
        unused.flush()
        #expect(short.state.withLock { $0.removals == 0 && $0.calls == 0 })
    }

    @Test("After the delay it is written without another partial")
    func delay() async throws {
        let table = Table()
        let mirror = table.mirror(1, bytesMax: 10_000, delay: 50)
        run(mirror, stage(7, tasks: 5), bytes: 100)
        for _ in 0..<500 where table.bytes == 0 { try await Task.sleep(for: .milliseconds(20)) }
        #expect(table.kept.count == 5)
        #expect(table.state.withLock { $0.calls } == 1)
        withExtendedLifetime(mirror) {}
    }

    @Test("Whatever stages there are and however often another coordinator takes over, the bound is never exceeded")
    func bound() {
        for seed in 0..<40 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
            let (table, bytesMax) = (Table(), draw(0...20_000))
            var plan: UInt64 = 0
            for epoch in 1...Int64(draw(1...4)) {
                let mirror = table.mirror(epoch, bytesMax: bytesMax)
                mirror.note(zen)
                for _ in 0..<draw(0...12) {
                    plan += 1
                    run(
                        mirror, stage(plan, tasks: draw(1...20), isOfTiles: draw(0...1) == 0), bytes: draw(0...2_000),
                        seconds: draw(0...1) == 0 ? 0 : 100)
                    if draw(0...1) == 0 { mirror.flush() }
                }
                mirror.flush()
                #expect(table.bytes <= bytesMax, "seed \(seed), epoch \(epoch)")
            }
        }
    }

    @Test("A pass over tiles is kept where all of it fits, and not at all otherwise; tasks that stand alone as far as they fit")
    func choice() {
        let table = Table()
        let mirror = table.mirror(1, bytesMax: 10_000)
        run(mirror, stage(1, tasks: 11, isOfTiles: true), bytes: 1_000)
        run(mirror, stage(2, tasks: 4, isOfTiles: true), bytes: 1_000)
        run(mirror, stage(3, tasks: 20), bytes: 1_000)
        run(mirror, stage(4, tasks: 2, isOfTiles: true), bytes: 200)
        mirror.flush()
        #expect([1, 2, 3, 4].map { count($0, of: 20, in: table.kept) } == [0, 4, 5, 2])
    }

    @Test("What is computed again soon leaves half of the bytes to what is not")
    func cheap() {
        let table = Table()
        let mirror = table.mirror(1, bytesMax: 10_000)
        for round in 1...50 as ClosedRange<UInt64> { run(mirror, stage(round, tasks: 2), bytes: 500, seconds: 0.01) }
        run(mirror, stage(60, tasks: 6, isOfTiles: true), bytes: 100, seconds: 0.001)
        run(mirror, stage(70, tasks: 10), bytes: 400, seconds: 5)
        mirror.flush()
        #expect((1...50).reduce(0) { $0 + count(UInt64($1), of: 2, in: table.kept) } == 9)
        #expect(count(60, of: 6, in: table.kept) == 0 && count(70, of: 10, in: table.kept) == 10)
    }

    @Test("While the database is away everything waits, within the bound; the same bytes are sent again, and it is said once")
    func away() async throws {
        let table = Table()
        table.state.withLock { $0.failure = GridError(.unreachable, "cannot reach the database") }
        let mirror = table.mirror(1, bytesMax: 20_000, delay: 10)
        run(mirror, stage(1, tasks: 5), bytes: 1_000)
        for _ in 0..<500 where table.state.withLock({ $0.calls }) < 3 { try await Task.sleep(for: .milliseconds(20)) }
        run(mirror, stage(2, tasks: 100), bytes: 1_000)
        let (calls, warnings) = table.state.withLock { ($0.calls, $0.warnings) }
        #expect(calls >= 3 && warnings.count == 1 && warnings.first?.contains("the job goes on") == true)
        table.state.withLock { $0.failure = nil }
        for _ in 0..<500 where table.kept.count < 19 { try await Task.sleep(for: .milliseconds(20)) }
        #expect(count(1, of: 5, in: table.kept) == 5 && count(2, of: 100, in: table.kept) == 14)
        #expect(table.bytes <= 20_000 && table.state.withLock { $0.warnings.count } == 1)
    }

    @Test(
        "A database that refuses is asked some times more, since a lock passes; another coordinator does not",
        arguments: [(GridError(.failed, "permission denied"), 4, 2), (GridError(.conflict, "taken over"), 1, 1)])
    func refused(failure: GridError, calls: Int, warnings: Int) {
        let table = Table()
        table.state.withLock { $0.failure = failure }
        let mirror = table.mirror(1, bytesMax: 20_000)
        for plan in 1...6 as ClosedRange<UInt64> {
            run(mirror, stage(plan, tasks: 2), bytes: 10)
            mirror.flush()
        }
        #expect(table.state.withLock { $0.calls } == calls && table.state.withLock { $0.warnings.count } == warnings)

        let passing = Table()
        passing.state.withLock { $0.failure = GridError(.failed, "a lock is held") }
        let other = passing.mirror(1, bytesMax: 20_000)
        run(other, stage(1, tasks: 2), bytes: 10)
        other.flush()
        passing.state.withLock { $0.failure = nil }
        other.flush()
        #expect(count(1, of: 2, in: passing.kept) == 2)
    }

    /// With a file of epoch 2 and one partial, of task 0 of plan 5.
    private func folderWithFile() -> String {
        let directory = FileManager.default.temporaryDirectory.path + "/mirror-\(UUID().uuidString)"
        let log = PartialLog(directory: directory, job: JobID(1), epoch: Epoch(2), delayMilliseconds: 0, warn: { _ in })
        log.note(zen)
        log.append(
            TaskID(job: JobID(1), plan: PlanHash(5), index: 0), payloadChecksum: WireCodec.checksum(task),
            partial: Payload(copying: [0]))
        return directory
    }

    @Test("Garbage in the table costs what it touches, and nothing of the files")
    func garbage() throws {
        let directory = folderWithFile()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let table = Table()
        let mirror = table.mirror(1, bytesMax: 10_000)
        mirror.note(zen)
        run(mirror, stage(1, tasks: 4), bytes: 3)
        mirror.flush()
        let whole = try #require(table.mirrored.first?.records)
        func kept(_ epoch: Int64, _ records: [UInt8]) -> PartialLog.Kept {
            PartialLog.kept(of: JobID(1), in: directory, mirrored: [(Epoch(epoch), records)])
        }
        for epoch in [1, 2, 3] as [Int64] {
            #expect(kept(epoch, whole).count == 5, "files and table together")
            for position in whole.indices {
                var damaged = whole
                damaged[position] ^= 4
                let found = kept(epoch, damaged)
                #expect(found.profile == zen && (1..<5).contains(found.count), "byte \(position)")
                #expect(count(5, of: 1, in: found) == 1, "byte \(position)")
            }
            #expect(kept(epoch, Array(repeating: 0xFF, count: 999)).count == 1)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["1-2.partials"])
    }

    @Test("Partials of two numeric profiles are never mixed, wherever they were kept")
    func profiles() throws {
        let directory = folderWithFile()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (epoch, profile) in [(1, haswell), (3, haswell)] as [(Int64, NumericProfile)] {
            let table = Table()
            let mirror = table.mirror(epoch, bytesMax: 10_000)
            mirror.note(profile)
            run(mirror, stage(1, tasks: 4), bytes: 3)
            mirror.flush()
            let kept = PartialLog.kept(of: JobID(1), in: directory, mirrored: table.mirrored)
            #expect(kept.profile == (epoch == 1 ? zen : haswell))
            #expect(count(5, of: 1, in: kept) == (epoch == 1 ? 1 : 0) && count(1, of: 4, in: kept) == (epoch == 1 ? 0 : 4))
        }
    }
}
