import ClusterModel

/// What watches the database, after every transaction: as readers see it, and as its log would tell.
struct StoreCheckers {
    private var epoch = Epoch(0)
    private var complaint: String?
    private var ends: [JobID: JobState] = [:]
    private var published: [Int: [SimulatedStore.Row]] = [:]

    /// Epochs only grow.
    mutating func tookOver(_ new: Epoch) {
        if new <= epoch { complaint = "\(new) began after \(epoch)" }
        epoch = max(epoch, new)
    }

    /// From the moment of a takeover no write of an earlier epoch is taken.
    mutating func wrote(_ call: StoreCall) {
        if call.epoch < epoch { complaint = "the database took a write of \(call.epoch), although \(epoch) has begun" }
    }

    mutating func verdict(_ simulation: Simulation) -> String? {
        if let complaint { return complaint }
        for (region, rows) in simulation.store.published {
            guard rows != published[region] else { continue }
            if let sentence = verdict(region, rows, simulation) { return sentence }
            published[region] = rows
        }
        for job in simulation.scenario.jobs {
            guard let state = simulation.store.jobs[job.id]?.state else { continue }
            if let end = ends[job.id], end != state { return "job \(job.id) was \(end) and is \(state) now" }
            if state.isFinal { ends[job.id] = state }
        }
        return nil
    }

    /// A region shows all the rows of one publication, and never goes back to an earlier epoch.
    private func verdict(_ region: Int, _ rows: [SimulatedStore.Row], _ simulation: Simulation) -> String? {
        guard let first = rows.first, rows.count == SimulatedStore.rowsPerRegion else {
            return "region \(region) shows \(rows.count) of \(SimulatedStore.rowsPerRegion) rows"
        }
        guard let value = simulation.store.jobs[first.job]?.value else {
            return "region \(region) shows rows of job \(first.job), which has no result"
        }
        for (index, row) in rows.enumerated() {
            if row.job != first.job || row.epoch != first.epoch || row.value != mix(value &+ UInt64(index)) {
                return "region \(region) shows rows of job \(first.job) and others together"
            }
        }
        if let before = published[region]?.first, before.epoch > first.epoch {
            return "region \(region) shows rows of \(first.epoch) after those of \(before.epoch)"
        }
        return nil
    }
}
