import ClusterModel
import Dispatch
import Messaging
import Panel
import Scheduling
import Store
import Synchronization

// Why a job is where it is, and when it will be over.
extension CoordinatorService {
    package func explain(_ id: JobID, task: Int?) async throws -> ExplainView {
        let view = try await job(id)
        guard let active = shared.withLock({ $0.jobs[id] }) else {
            if let task { throw Self.noTask(task, of: view) }
            return ExplainView(jobID: id, sentence: Self.ending(of: view))
        }
        switch view.state {
        case .running:
            if let local = drivers[id]?.progress.local {
                if let task { throw Self.noTask(task, of: view) }
                return ExplainView(jobID: id, sentence: Self.alone(id, local, at: .now()) + Self.pause(of: view))
            }
            return try await waiting { service throws(GridError) in
                let drained = service.shared.withLock { $0.drains.drainedCount }
                let (sentence, found, count) = try service.lookAtScheduler { scheduler, now in
                    (
                        scheduler.explain(id, at: now, drained: drained), task.flatMap { scheduler.explain(id, task: $0) },
                        scheduler.progress(of: id)?.total
                    )
                }
                if let task, found == nil { throw Self.noTask(task, of: view, among: count) }
                return ExplainView(jobID: id, sentence: sentence + Self.pause(of: view), task: found)
            }
        case .done, .failed, .cancelled:
            if let task { throw Self.noTask(task, of: view) }
            return ExplainView(jobID: id, sentence: "\(Self.ending(of: view)); \(busyThread(of: id))")
        case .queued, .planning, .publishing:
            if let task { throw Self.noTask(task, of: view) }
            return ExplainView(jobID: id, sentence: "job \(id) \(beginning(of: view, active))\(Self.pause(of: view))")
        }
    }

    /// Of a job that computes something by itself.
    static func alone(_ id: JobID, _ local: (name: String, since: MonotonicTime), at now: MonotonicTime) -> String {
        "job \(id), stage \(local.name): the coordinator computes it by itself, with one thread and without any worker, for "
            + "\(Int(now.seconds(since: local.since))) s now"
    }

    /// - Parameter count: of the tasks that its present stage has.
    private static func noTask(_ task: Int, of view: JobView, among count: Int? = nil) -> GridError {
        let subject = "job \(view.jobID), which is \(view.state.rawValue), has no"
        guard let count, count > 0 else { return GridError(.notFound, "\(subject) tasks at the moment, so no task \(task)") }
        return GridError(.notFound, "\(subject) task \(task): its present stage has the tasks 0 to \(count - 1)")
    }

    private static func pause(of view: JobView) -> String {
        view.paused ? view.reason.map { "; reason: \($0)" } ?? "" : ""
    }

    private static func ending(of view: JobView) -> String {
        let subject = "job \(view.jobID)"
        return switch view.state {
        case .done: "\(subject) is done: its rows are in \(view.resultTable ?? "no table")"
        case .failed: "\(subject) failed: \(view.error ?? "no reason is recorded")"
        case .cancelled: "\(subject) was cancelled\((view.reason ?? view.error).map { ": \($0)" } ?? "")"
        default: "\(subject) is \(view.state.rawValue), and this coordinator has not taken it up"
        }
    }

    /// Of a job that has no tasks yet, or none any more.
    private func beginning(of view: JobView, _ job: ActiveJob) -> String {
        let seconds = job.entered(view.state).map { Int(MonotonicTime.now().seconds(since: $0)) }
        let since = seconds.map { ", for \($0) s now" } ?? ""
        return switch view.state {
        case .queued: "waits \(view.waits ?? "to be begun")"
        case .planning: "reads the PnL of pool \(view.pool) of region \(view.region)\(since)"
        case .publishing: "publishes its rows\(since)"
        default: "is \(view.state.rawValue)"
        }
    }

    /// Asks the thread that owns the scheduler. Blocks for a moment.
    func lookAtScheduler<R: Sendable>(
        _ body: @escaping @Sendable (Scheduler, MonotonicTime) -> R
    ) throws(GridError) -> R {
        let (answer, signal) = (Answer<R>(), DispatchSemaphore(value: 0))
        shared.withLock { $0.control }?.post(
            .look { scheduler, now in
                answer.value.withLock { $0 = body(scheduler, now) }
                signal.signal()
            })
        guard signal.wait(timeout: .now() + .seconds(2)) == .success, let value = answer.value.withLock({ $0 }) else {
            throw GridError(.unreachable, "the coordinator is starting, stopping or very busy: ask again")
        }
        return value
    }

    private final class Answer<R: Sendable>: Sendable {
        let value = Mutex<R?>(nil)
    }

    /// A job that waits or runs, with its progress of this moment.
    func liveView(of id: JobID) -> JobView? {
        let (job, snapshot, running) = shared.withLock { ($0.jobs[id], $0.snapshot, $0.admission.runningJobs) }
        guard let job else { return nil }
        var view = job.view
        if let progress = drivers[id]?.progress {
            let precision = (try? Precision(parsing: view.precision)) ?? .float64
            let peak = snapshot.workers.peakGigaflopsPerSecond(precision, profile: progress.profile?.description)
            view = job.view(driver: progress, stage: snapshot.stages[id], peakGigaflopsPerSecond: peak, now: .now())
        }
        switch view.state {
        case .queued where view.paused: view.waits = "to be resumed: it is paused"
        case .queued:
            let names = running.filter { $0 != id }.map(\.description)
            if !names.isEmpty {
                view.waits =
                    "behind \(names.count == 1 ? "job" : "jobs") \(names.joined(separator: ", ")), as many as run at once"
            }
        case .running: view.waits = snapshot.waits[id]
        default: break
        }
        return view
    }

    /// Sentences for people who look at the status.
    func notes(_ shared: Shared) -> [String] {
        var notes = shared.snapshot.waits.sorted { $0.key < $1.key }.prefix(Self.notesMax).map { "job \($0) waits \($1)" }
        let drained = shared.drains.drained()
        for worker in drained.prefix(Self.notesMax) {
            notes.append(
                "worker \(worker.worker) was drained and has left\(worker.drainReason.map { ": \($0)" } ?? "")")
        }
        if drained.count > Self.notesMax {
            notes.append("\(drained.count - Self.notesMax) more workers were drained and have left")
        }
        return notes
    }

    private static let notesMax = 5
}
