import ClusterModel

/// The folder in which coordinators keep the partials of unfinished jobs, on the disk of one host or shared by two. Each
/// coordinator writes a file of its own per job. They outlive the process, not the host's power: the last records may be gone
/// then, and the one that was being written cut off.
struct SimulatedDisk {
    struct Record {
        let plan: PlanHash
        let task: UInt32
        let partial: ToyJob.Partial
        let at: MonotonicTime
    }

    struct File {
        let epoch: Epoch
        /// Of all its partials.
        let profile: NumericProfile?
        var records: [Record] = []
        /// Half of it follows.
        var torn: Record?
    }

    /// What the files of a job have, as far as they are whole.
    struct Kept {
        var profile: NumericProfile?
        var records: [Record] = []
    }

    static let delayMilliseconds = 1_250

    private(set) var files: [JobID: [File]] = [:]
    var isFull = false

    func kept(_ job: JobID, trustingTorn: Bool) -> Kept {
        var kept = Kept()
        for file in (files[job] ?? []).sorted(by: { $0.epoch < $1.epoch }) {
            // Where two share a folder, one that was frozen writes down what it had after another has begun anew, perhaps
            // with another profile: the newest epoch's counts.
            if kept.profile != nil, file.profile != kept.profile { kept = Kept() }
            kept.profile = file.profile
            kept.records += file.records
            guard trustingTorn, let torn = file.torn else { continue }
            let partial = ToyJob.Partial(value: torn.partial.value & 0xFFFF, coreType: torn.partial.coreType)
            kept.records.append(Record(plan: torn.plan, task: torn.task, partial: partial, at: torn.at))
        }
        return kept
    }

    /// - Returns: false when there was no room; a part of the first record may be there then.
    mutating func append(_ records: [Record], to job: JobID, _ epoch: Epoch, _ profile: NumericProfile?) -> Bool {
        var file = File(epoch: epoch, profile: profile)
        if let own = files[job]?.firstIndex(where: { $0.epoch == epoch }) { file = files[job]?.remove(at: own) ?? file }
        if isFull { file.torn = records.first } else { file.records += records }
        files[job, default: []].append(file)
        return !isFull
    }

    /// The process died while it wrote its last records.
    mutating func tearLast(of job: JobID) {
        guard var file = files[job]?.popLast() else { return }
        if let last = file.records.popLast() { file.torn = last }
        files[job]?.append(file)
    }

    /// What was written since then may not have reached the disk.
    mutating func losePower(writtenSince moment: MonotonicTime, keeping percent: Int) {
        for job in files.keys.sorted() {
            for position in files[job]?.indices ?? 0..<0 {
                guard var file = files[job]?[position] else { continue }
                let sure = file.records.count { $0.at < moment }
                let kept = sure + (file.records.count - sure) * percent / 100
                guard kept < file.records.count else { continue }
                file.torn = file.records[kept]
                file.records.removeSubrange(kept...)
                files[job]?[position] = file
            }
        }
    }

    mutating func remove(_ job: JobID) { files[job] = nil }
}
