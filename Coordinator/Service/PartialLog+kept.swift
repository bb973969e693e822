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
        var places: [TaskID: [UInt32: Place]] = [:]
        var profile: NumericProfile?

        var count: Int { places.count }

        /// The partial of a task; nil when none was kept of exactly this one.
        func partial(of task: TaskID, payload: Payload) -> Payload? {
            guard let place = places[task]?[WireCodec.checksum(payload)] else { return nil }
            let file = files[place.file]
            let part = UnsafeRawBufferPointer(rebasing: file.bytes[place.range])
            return Payload(copying: part)
        }

        func holds(_ plan: PlanHash) -> Bool { places.keys.contains { $0.plan == plan } }
    }

    /// Reads the files of a job, as far as they are whole.
    static func kept(of job: JobID, in directory: String) -> Kept {
        var kept = Kept()
        for (_, name) in files(in: directory).filter({ $0.job == job }) {
            guard let file = try? FileSystem.contents(of: "\(directory)/\(name)") else { continue }
            var older = kept
            kept.files.append(file)
            kept.profile = nil
            read(file, job, into: &kept)
            // A coordinator that began anew with another profile kept nothing of its predecessor's: one that woke up late may
            // have written since, but bits of two profiles never belong to one job.
            guard kept.profile != older.profile, older.profile != nil else { continue }
            older = Kept(files: kept.files, profile: nil)
            read(file, job, into: &older)
            kept = older
        }
        return kept
    }

    /// Removes the files of all jobs but those that still go on.
    static func removeAll(in directory: String, but unfinished: Set<JobID>) {
        for (job, name) in files(in: directory) where !unfinished.contains(job) { unlink("\(directory)/\(name)") }
    }

    static func removeFiles(of job: JobID, in directory: String) {
        for (owner, name) in files(in: directory) where owner == job { unlink("\(directory)/\(name)") }
    }

    /// The oldest epoch first.
    private static func files(in directory: String) -> [(job: JobID, name: String)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let known = names.compactMap { name -> (job: Int64, epoch: Int64, name: String)? in
            guard name.hasSuffix(".partials") else { return nil }
            let numbers = name.dropLast(".partials".count).split(separator: "-").map { Int64($0) }
            guard numbers.count == 2, let job = numbers[0], let epoch = numbers[1] else { return nil }
            return (job, epoch, name)
        }
        return known.sorted { ($0.job, $0.epoch) < ($1.job, $1.epoch) }.map { (JobID($0.job), $0.name) }
    }

    private static func read(_ file: Payload, _ job: JobID, into kept: inout Kept) {
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
                let task = TaskID(job: job, plan: PlanHash(header.plan), index: header.index)
                kept.places[task, default: [:]][header.payloadChecksum] = Kept.Place(
                    file: kept.files.count - 1, range: start..<end)
            }
            position = end
        }
    }
}
