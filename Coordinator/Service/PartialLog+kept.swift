import ClusterModel
import Foundation
import Panel
import WireProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension PartialLog {
    /// The partials that earlier coordinators kept of a job.
    struct Kept: Sendable {
        struct Place {
            var file: Int
            var range: Range<Int>
        }
        var files: [Payload] = []
        /// By plan, by task, and by the checksum of the task's bytes.
        var places: [PlanHash: [UInt32: [UInt32: Place]]] = [:]
        var profile: NumericProfile?
        /// Whether there was a file of the job, and not only what is small of it in the database.
        var hasFiles = false

        var count: Int { places.values.reduce(0) { $0 + $1.count } }

        /// The partial of a task; nil when none was kept of exactly this one.
        func partial(of task: TaskID, payload: Payload) -> Payload? {
            guard let place = places[task.plan]?[task.index]?[payload.checksum ?? WireCodec.checksum(payload)] else { return nil }
            let file = files[place.file]
            let part = UnsafeRawBufferPointer(rebasing: file.bytes[place.range])
            return Payload(copying: part)
        }

        func holds(_ plan: PlanHash) -> Bool { places[plan] != nil }
    }

    /// Reads what earlier coordinators have left of a job, as far as it is whole. Files that nobody will ever read again go:
    /// the oldest of too many, and those of another numeric profile than the last.
    ///
    /// - Parameters:
    ///   - directory: of the files; nil for none.
    ///   - mirrored: from the database, the oldest epoch first; the same bytes as in the file of that epoch, but fewer.
    static func kept(
        of job: JobID, in directory: String?, mirrored: [(epoch: Epoch, records: [UInt8])] = []
    ) -> Kept {
        var kept = Kept()
        var read: [String] = []
        for source in sources(of: job, in: directory, mirrored) {
            let older = kept
            kept.files.append(source.bytes)
            kept.profile = nil
            self.read(source.bytes, into: &kept)
            defer { if let path = source.path { read.append(path) } }
            guard kept.profile != older.profile, older.profile != nil else { continue }
            // Nothing says whose bits these are.
            if kept.profile == nil {
                kept = older
                continue
            }
            // A coordinator that began anew with another profile kept nothing of its predecessor's: one that woke up late may
            // have written since, but bits of two profiles never belong to one job.
            kept = Kept(files: kept.files, profile: nil)
            self.read(source.bytes, into: &kept)
            // What is mapped of them stays readable.
            for path in read { unlink(path) }
            read = []
        }
        kept.hasFiles = !read.isEmpty
        return kept
    }

    /// The oldest epoch first.
    private static func sources(
        of job: JobID, in directory: String?, _ mirrored: [(epoch: Epoch, records: [UInt8])]
    ) -> [(epoch: Epoch, bytes: Payload, path: String?)] {
        var sources = mirrored.map { (epoch: $0.epoch, bytes: Payload(copying: $0.records), path: String?.none) }
        if let directory {
            let own = files(in: directory).filter { $0.job == job }
            for file in own.dropLast(Limits.partialLogFilesPerJobMax) { unlink("\(directory)/\(file.name)") }
            for file in own.suffix(Limits.partialLogFilesPerJobMax) {
                let path = "\(directory)/\(file.name)"
                guard let bytes = try? FileSystem.contents(of: path) else { continue }
                sources.append((file.epoch, bytes, path))
            }
        }
        return sources.sorted { $0.epoch < $1.epoch }
    }

    /// Removes the files of all jobs but those that still go on. A coordinator that woke up too late, or led for a while and
    /// stands by again, leaves files of jobs that others have ended.
    ///
    /// - Parameter unfinished: asked after the folder was listed, so that no job that begins meanwhile is taken for one that is
    ///   over.
    static func removeAll(in directory: String, but unfinished: () throws(GridError) -> Set<JobID>) throws(GridError) {
        let present = files(in: directory)
        guard !present.isEmpty else { return }
        let unfinished = try unfinished()
        for (job, _, name) in present where !unfinished.contains(job) { unlink("\(directory)/\(name)") }
    }

    /// Makes the folder if there is none, and a file in it that goes again.
    ///
    /// - Throws: `GridError(.failed)` when either cannot be done.
    static func expectWritable(_ directory: String) throws(GridError) {
        let probe = "\(directory)/probe-\(HostIdentity.processID)"
        do throws(GridError) {
            _ = try PartialLogFile(probe)
        } catch {
            throw GridError(error.kind, "the work of running jobs cannot be kept in --job-logs \(directory): \(error)")
        }
        unlink(probe)
    }

    /// Removes the files of a job up to the one of an epoch: later ones are of whoever has taken over, and goes on with it.
    static func removeFiles(of job: JobID, through epoch: Epoch, in directory: String) {
        for (owner, writer, name) in files(in: directory) where owner == job && writer <= epoch { unlink("\(directory)/\(name)") }
    }

    /// The oldest epoch first.
    private static func files(in directory: String) -> [(job: JobID, epoch: Epoch, name: String)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let known = names.compactMap { name -> (job: Int64, epoch: Int64, name: String)? in
            guard name.hasSuffix(".partials") else { return nil }
            let numbers = name.dropLast(".partials".count).split(separator: "-").map { Int64($0) }
            guard numbers.count == 2, let job = numbers[0], let epoch = numbers[1] else { return nil }
            return (job, epoch, name)
        }
        return known.sorted { ($0.job, $0.epoch) < ($1.job, $1.epoch) }.map { (JobID($0.job), Epoch($0.epoch), $0.name) }
    }

    private static func read(_ file: Payload, into kept: inout Kept) {
        var position = 0
        while let header = Header(file, at: position) {
            let start = position + Header.size
            let end = start + Int(header.byteCount)
            guard end <= file.count else { return }
            // The pages stay where they are mapped; the file lives as long as this does.
            let part = Payload(adopting: UnsafeRawBufferPointer(rebasing: file.bytes[start..<end])) { _ = file }
            guard header.checksum == WireCodec.checksum(part) else { return }
            if header.isProfile {
                kept.profile = try? JSONDecoder().decode(NumericProfile.self, from: Data(part.bytes))
            } else {
                let place = Kept.Place(file: kept.files.count - 1, range: start..<end)
                kept.places[PlanHash(header.plan), default: [:]][header.index, default: [:]][header.payloadChecksum] = place
            }
            position = end
        }
    }
}
