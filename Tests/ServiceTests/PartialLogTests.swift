import ClusterModel
import Foundation
import Synchronization
import Testing
import WireProtocol

@testable import Service

@Suite("Partials kept on the disk")
final class PartialLogTests: Sendable {
    private let directory = FileManager.default.temporaryDirectory.path + "/partials-\(UUID().uuidString)"
    private let warnings = Mutex<[String]>([])

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private func log(job: Int64 = 7, epoch: Int64 = 1, delay: Int = 0, in directory: String? = nil) -> PartialLog {
        PartialLog(
            directory: directory ?? self.directory, job: JobID(job), epoch: Epoch(epoch), delayMilliseconds: delay,
            warn: { [self] text in warnings.withLock { $0.append(text) } })
    }

    private func task(_ index: UInt32, job: Int64 = 7, plan: UInt64 = 1) -> TaskID {
        TaskID(job: JobID(job), plan: PlanHash(plan), index: index)
    }

    private func bytes(_ text: String) -> Payload { Payload(copying: Array(text.utf8)) }

    private func text(_ payload: Payload?) -> String? { payload.map { String(decoding: $0.bytes, as: UTF8.self) } }

    private func kept(_ job: Int64 = 7) -> PartialLog.Kept { PartialLog.kept(of: JobID(job), in: directory) }

    private func file(epoch: Int = 1) -> URL { URL(fileURLWithPath: "\(directory)/7-\(epoch).partials") }

    @Test("What was appended is there again, with the profile, for exactly the task it was of")
    func roundTrip() throws {
        let log = log()
        let profile = NumericProfile(blasVersion: "0.3", coreType: "Zen", epilogueVersion: 4)
        log.note(profile)
        log.append(task(0), payloadChecksum: WireCodec.checksum(bytes("task")), partial: bytes("first"))
        log.append(task(1, plan: 2), payloadChecksum: WireCodec.checksum(bytes("other")), partial: bytes(""))
        let mode = try FileManager.default.attributesOfItem(atPath: file().path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let kept = kept()
        #expect(kept.count == 2)
        #expect(kept.profile == profile)
        #expect(text(kept.partial(of: task(0), payload: bytes("task"))) == "first")
        #expect(text(kept.partial(of: task(1, plan: 2), payload: bytes("other"))) == "")
        #expect(kept.partial(of: task(0), payload: bytes("Task")) == nil, "the task's bytes are others")
        #expect(kept.partial(of: task(0, plan: 2), payload: bytes("task")) == nil)
        #expect(kept.partial(of: task(2), payload: bytes("task")) == nil)
        #expect(kept.holds(PlanHash(2)) && !kept.holds(PlanHash(3)))
        #expect(self.kept(8).count == 0, "another job's")
        #expect(warnings.withLock { $0 } == [])
    }

    @Test("Partials are 64-byte aligned, as kernels read them in place")
    func alignment() {
        log().append(task(0), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("p"))
        let address = kept().partial(of: task(0), payload: bytes("t")).map { Int(bitPattern: $0.bytes.baseAddress) }
        #expect(address.map { $0 % 64 } == 0)
    }

    @Test("A file cut short anywhere gives the whole records before the cut, and garbage gives none")
    func cutShort() throws {
        let log = log()
        for index in 0..<3 as Range<UInt32> {
            log.append(task(index), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("partial \(index)"))
        }
        let whole = try Data(contentsOf: file())
        let record = whole.count / 3
        for length in 0...whole.count {
            try whole.prefix(length).write(to: file())
            #expect(kept().count == length / record, "\(length) bytes")
        }
        for position in whole.indices {
            var damaged = whole
            damaged[position] ^= 4
            try damaged.write(to: file())
            // Whatever stands before the damage counts, and nothing of what it touched.
            #expect(kept().count == position / record, "byte \(position)")
        }
        try Data(repeating: 0xFF, count: 1_000).write(to: file())
        #expect(kept().count == 0)
    }

    @Test("Each coordinator has a file of its own; all of them count, and all but a successor's go with the job")
    func epochs() throws {
        log(epoch: 1).append(task(0), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("a"))
        log(epoch: 2).append(task(1), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("b"))
        log(job: 8, epoch: 2).append(task(0, job: 8), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("c"))
        #expect(kept().count == 2)
        let last = log(epoch: 3)
        last.remove()
        #expect(kept().count == 0)
        #expect(kept(8).count == 1)
        last.append(task(2), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("d"))
        #expect(kept().count == 0, "the job is over")
        log(epoch: 4).append(task(0), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("a"))
        last.remove()
        try PartialLog.removeAll(in: directory) { [JobID(7)] }
        #expect(kept(8).count == 0)
        #expect(kept().count == 1)
        try Data().write(to: URL(fileURLWithPath: "\(directory)/mine.txt"))
        try PartialLog.removeAll(in: directory) { [] }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["mine.txt"])
    }

    @Test("Partials of two numeric profiles are never mixed: those of the last coordinator count")
    func profiles() throws {
        let zen = NumericProfile(blasVersion: "0.3", coreType: "Zen", epilogueVersion: 4)
        let haswell = NumericProfile(blasVersion: "0.3", coreType: "Haswell", epilogueVersion: 4)
        for (epoch, profile) in [(1, zen), (2, zen), (3, haswell)] as [(Int64, NumericProfile)] {
            let log = log(epoch: epoch)
            log.note(profile)
            log.append(task(UInt32(epoch)), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("epoch \(epoch)"))
            #expect(kept().profile == profile)
            #expect(kept().count == (epoch == 2 ? 2 : 1))
        }
        #expect(text(kept().partial(of: task(3), payload: bytes("t"))) == "epoch 3")
        #expect(kept().partial(of: task(1), payload: bytes("t")) == nil)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(names == ["7-3.partials"], "nobody will read the others again")
    }

    @Test("Of the files that many coordinators have left of one job the last are read, and the others go")
    func many() throws {
        let files = Limits.partialLogFilesPerJobMax
        for epoch in 1...files + 5 {
            log(epoch: Int64(epoch)).append(
                task(UInt32(epoch)), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("p"))
        }
        let kept = kept()
        #expect(kept.count == files)
        #expect(kept.partial(of: task(5), payload: bytes("t")) == nil && kept.partial(of: task(6), payload: bytes("t")) != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == files)
    }

    @Test("A folder in which nothing can be written is refused before it is needed; one that is not there is made")
    func writable() throws {
        try PartialLog.expectWritable("\(directory)/new")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/new") == [])
        let error = #expect(throws: GridError.self) { try PartialLog.expectWritable("/proc/jobs") }
        #expect(error?.message.contains("--job-logs /proc/jobs") == true)
    }

    @Test("Before the delay is over nothing is written, afterwards it is, without another partial")
    func delay() async throws {
        let log = log(delay: 200)
        log.append(task(0), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("a"))
        #expect(!FileManager.default.fileExists(atPath: directory), "a short job touches no disk")
        for _ in 0..<200 where kept().count == 0 { try await Task.sleep(for: .milliseconds(20)) }
        #expect(kept().count == 1)
        log.append(task(1), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("b"))
        log.flush()
        #expect(kept().count == 2)
    }

    @Test("A disk that takes nothing is said once, and the job goes on")
    func fullDisk() throws {
        try Data().write(to: URL(fileURLWithPath: directory))
        let log = log(in: "\(directory)/below")
        log.append(task(0), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("a"))
        log.append(task(1), payloadChecksum: WireCodec.checksum(bytes("t")), partial: bytes("b"))
        #expect(warnings.withLock { $0.count } == 1)
        #expect(warnings.withLock { $0.first?.contains("the job goes on") } == true)
    }
}
