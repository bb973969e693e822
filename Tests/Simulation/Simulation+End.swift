import ClusterModel
import Scheduling
import WorkerEngine

// How a run ends: everything is done, or it is said what everybody waits for.

extension Simulation {
    /// Every job has ended, one coordinator serves, and nothing is in anybody's hands any more.
    var isQuiet: Bool {
        guard store.jobs.count == scenario.jobs.count, store.areAllFinal,
            coordinators.count(where: { $0.scheduler != nil }) == 1,
            let host = coordinators.firstIndex(where: { $0.scheduler != nil }),
            case let leader = coordinators[host], leader.epoch == store.epoch, leader.jobs.isEmpty, leader.payloads.isEmpty,
            // One that is frozen while its successor removes a job's files may write its own afterwards; the next removes it.
            !disks[disk(host)].files.values.joined().contains(where: { $0.epoch == leader.epoch }),
            leader.scheduler?.emptinessCheck().isEmpty ?? false
        else { return false }
        return workers.allSatisfy { worker in
            guard let engine = worker.engine else { return true }
            return engine.runningCount == 0 && engine.queuedCount == 0 && engine.unacknowledgedCount == 0
                && worker.tasks.isEmpty && worker.partials.isEmpty
        }
    }

    /// What everybody waits for.
    func stuckSentence() -> String {
        var sentences: [String] = []
        for job in scenario.jobs where store.jobs[job.id]?.state.isFinal != true {
            let state = store.jobs[job.id].map { "\($0.state)" } ?? "not there"
            sentences.append("job \(job.id) is \(state) in the database")
        }
        for host in coordinators.indices { sentences += waiting(host) }
        for worker in workers where worker.engine != nil {
            guard let engine = worker.engine else { continue }
            let inHand = engine.runningCount + engine.queuedCount
            if inHand + engine.unacknowledgedCount == 0 { continue }
            sentences.append(
                "\(worker.scenario.name), connected to host \(worker.address), has \(inHand) tasks in hand and "
                    + "\(engine.unacknowledgedCount) unacknowledged answers")
        }
        let open = store.open.count
        if open > 0 { sentences.append("\(open) transactions are open") }
        return
            "not everything ended within \(scenario.patienceMilliseconds) ms of the last fault: "
            + sentences.joined(separator: "; ")
    }

    private func waiting(_ host: Int) -> [String] {
        let coordinator = coordinators[host]
        guard coordinator.isAlive else { return ["no coordinator runs on host \(host)"] }
        guard let scheduler = coordinator.scheduler, let epoch = coordinator.epoch else {
            return ["the coordinator of host \(host) waits for the lease, which \(store.epoch) has"]
        }
        var sentences = ["the coordinator of host \(host) serves with \(epoch)"]
        for (id, job) in coordinator.jobs.sorted(by: { $0.key < $1.key }) {
            sentences.append("job \(id) is \(job.phase): \(scheduler.explain(id, at: coordinator.clock.read(now)))")
        }
        let files = disks[disk(host)].files.keys.sorted().map(\.description)
        if !files.isEmpty { sentences.append("there are files of jobs \(files.joined(separator: ", "))") }
        return sentences + scheduler.emptinessCheck().map { "left: \($0)" }
    }

    func checkEnd() {
        for job in scenario.jobs {
            guard let row = store.jobs[job.id] else {
                fail("job \(job.id) was never taken")
                continue
            }
            switch row.state {
            case .done where row.value != ToyJob.value(of: job) && !row.isTainted:
                fail("job \(job.id) published another value than one process computes")
            case .done where job.poison != nil:
                fail("job \(job.id) is done although one of its tasks always fails")
            case .cancelled where job.cancelAt == nil:
                fail("job \(job.id) was cancelled by nobody")
            default:
                break
            }
        }
        for (region, rows) in store.published.sorted(by: { $0.key < $1.key }) {
            guard let job = rows.first?.job, store.jobs[job]?.state != .done else { continue }
            fail("region \(region) shows the rows of job \(job), which is not done")
        }
    }
}
