import ClusterModel
import Dispatch
import Jobs
import Messaging
import Scheduling
import Synchronization
import WireProtocol

/// Runs one job's own work — planning the next stage, merging partials — on a thread of its own, so that the thread
/// of the sockets never waits for it.
final class JobDriver: Sendable {
    struct Progress: Sendable {
        /// Of the present stage; nil between two stages.
        var plan: PlanHash?
        /// Tiles of the present stage, of those known to follow, and of those done.
        var stageTiles = 0
        var laterTiles = 0
        /// What the job computes by itself at the moment, on its own thread, and since when.
        var local: (name: String, since: MonotonicTime)?
        var earlierTiles = 0
        var finishedStages: [StageView] = []
        var profile: NumericProfile?
        /// Partials of earlier coordinators that were merged so far.
        var partialsKept = 0
    }

    private struct State {
        var stage: JobStage?
        /// CRC32C of the payloads of the stage's tasks that were leased, so that none is made a second time for it.
        var payloadChecksums: [UInt32?] = []
        var progress = Progress()
        var isStopped = false
        /// Why the job has failed, known before its thread is free to say so: until then nothing of it is published.
        var failure: GridError?

        mutating func closeStage() {
            if let local = progress.local {
                finished(StageView(name: local.name, tasksDone: 1, tasksTotal: 1, inCoordinator: true))
                progress.local = nil
            }
            guard let stage else { return }
            finished(StageView(name: stage.name, tasksDone: stage.taskCount, tasksTotal: stage.taskCount))
            progress.earlierTiles += stage.tileCount
            progress.plan = nil
            progress.stageTiles = 0
            self.stage = nil
        }

        private mutating func finished(_ stage: StageView) {
            var view = stage
            // Rounds of one name are one stage to look at: there may be thousands.
            if let last = progress.finishedStages.last, last.name == view.name {
                view.tasksDone += last.tasksDone
                view.tasksTotal += last.tasksTotal
                view.round = (last.round ?? 1) + 1
                progress.finishedStages.removeLast()
            }
            progress.finishedStages.append(view)
        }
    }

    let id: JobID
    private let job: any GridJob
    /// What operators want of the job at the moment.
    private let terms: @Sendable () -> (priority: Int, isPaused: Bool)
    private let queue: DispatchQueue
    private let post: @Sendable (SchedulerCommand) -> Void
    /// Called once, on the job's thread, unless the driver is stopped before.
    private let whenDone: @Sendable (Result<JobOutcome, GridError>) -> Void
    private let log: PartialLog?
    private let mirror: PartialMirror?
    private let kept: PartialLog.Kept
    private let reached: @Sendable (CoordinatorStep) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - log: gets every partial before it is merged.
    ///   - mirror: gets them too, and keeps what is small.
    ///   - kept: what an earlier coordinator has left of the job's work; taken up stage by stage.
    ///   - profile: what workers have to compute with; nil leaves it to the first lease.
    ///   - queue: serial; all of the job's work runs on it.
    ///   - post: hands an event to the thread that owns the scheduler.
    init(
        id: JobID, job: any GridJob, profile: NumericProfile? = nil,
        terms: @escaping @Sendable () -> (priority: Int, isPaused: Bool) = { (0, false) }, queue: DispatchQueue,
        log: PartialLog? = nil, mirror: PartialMirror? = nil, kept: PartialLog.Kept = PartialLog.Kept(),
        reached: @escaping @Sendable (CoordinatorStep) -> Void = { _ in },
        post: @escaping @Sendable (SchedulerCommand) -> Void,
        whenDone: @escaping @Sendable (Result<JobOutcome, GridError>) -> Void
    ) {
        self.id = id
        self.job = job
        self.terms = terms
        self.queue = queue
        self.log = log
        self.mirror = mirror
        self.kept = kept
        self.reached = reached
        self.post = post
        self.whenDone = whenDone
        state.withLock { $0.progress.profile = profile }
        if let profile { noteForSuccessor(profile) }
    }

    func start() {
        queue.async { self.advance() }
    }

    /// Nothing more is merged, planned or reported; what is running on the job's thread ends by itself.
    func stop() {
        state.withLock {
            $0.isStopped = true
            $0.stage = nil
        }
    }

    var progress: Progress { state.withLock { $0.progress } }

    /// Payload of a task of the present stage, with its checksum; nil when the stage is over.
    func payload(of task: TaskID) -> Payload? {
        let stage = state.withLock { $0.stage }
        guard let stage, stage.plan == task.plan, task.index < stage.taskCount else { return nil }
        let payload = stage.payload(Int(task.index))
        let checksum = payload.checksum ?? WireCodec.checksum(payload)
        state.withLock { if $0.stage?.plan == task.plan { $0.payloadChecksums[Int(task.index)] = checksum } }
        return payload.checksum == nil ? payload.stating(checksum: checksum) : payload
    }

    /// As it was leased; made once more for a task that an earlier coordinator has leased. Nil when the stage is over.
    private func payloadChecksum(of task: TaskID) -> UInt32? {
        let known = state.withLock { state -> UInt32? in
            guard state.stage?.plan == task.plan, task.index < state.payloadChecksums.count else { return nil }
            return state.payloadChecksums[Int(task.index)]
        }
        return known ?? payload(of: task)?.checksum
    }

    /// Which executor a task of the present stage is for; nil when the stage is over.
    func kind(of task: TaskID) -> String? {
        state.withLock { $0.stage?.plan == task.plan ? $0.stage?.kind : nil }
    }

    func profileChosen(_ profile: NumericProfile) {
        noteForSuccessor(profile)
        state.withLock { $0.progress.profile = profile }
    }

    private func noteForSuccessor(_ profile: NumericProfile) {
        log?.note(profile)
        mirror?.note(profile)
    }

    func merge(_ task: TaskID, partial: Payload) {
        queue.async {
            guard !self.state.withLock({ $0.isStopped }) else { return }
            do throws(GridError) {
                guard WireCodec.isIntact(partial) else {
                    throw GridError(
                        .damaged, "it has changed in the coordinator's memory since it arrived: that machine is suspect")
                }
                // First written down, then merged, then acknowledged: a worker forgets only what is safe.
                let checksum = self.log == nil && self.mirror == nil ? nil : self.payloadChecksum(of: task)
                if let checksum { self.log?.append(task, payloadChecksum: checksum, partial: partial) }
                try self.job.merge(task: Int(task.index), partial: partial)
                // Only what was right may take of its few bytes.
                if let checksum { self.mirror?.append(task, payloadChecksum: checksum, partial: partial) }
                self.reached(.partialMerged)
                self.post(.event(.merged(task)))
            } catch {
                self.post(.event(.mergeRejected(task, reason: error.message)))
            }
        }
    }

    func stageComplete(_ plan: PlanHash) {
        queue.async {
            guard self.state.withLock({ $0.stage?.plan == plan }) else { return }
            self.advance()
        }
    }

    func fail(_ reason: String) {
        let failure = GridError(.failed, reason)
        state.withLock { $0.failure = $0.failure ?? failure }
        queue.async { self.end(.failure(failure)) }
    }

    private func advance() {
        guard !state.withLock({ $0.isStopped }) else { return }
        do {
            switch try job.next(telling: { try self.beginsAlone($0) }) {
            case .stage(let stage): begin(stage)
            case .publish(let outcome): end(.success(outcome))
            }
        } catch {
            end(.failure(error as? GridError ?? GridError(.failed, "the job could not be planned: \(error)")))
        }
    }

    /// The job computes something by itself; one that nobody wants any more stops there.
    private func beginsAlone(_ name: String) throws(GridError) {
        let isStopped = state.withLock { state in
            state.closeStage()
            if !state.isStopped { state.progress.local = (name, .now()) }
            return state.isStopped
        }
        if isStopped { throw GridError(.conflict, "job \(id) goes on no more") }
    }

    /// What is still to be written down is written now. On the job's thread.
    func flushLog() {
        log?.flush()
        mirror?.flush()
    }

    /// The job is over, and its row says so.
    func removeLog() {
        log?.remove()
        mirror?.remove()
    }

    /// The tasks of a stage whose partials an earlier coordinator kept, merged again.
    private func mergeKept(_ stage: JobStage) -> [UInt32] {
        guard kept.holds(stage.plan) else { return [] }
        return (0..<UInt32(stage.taskCount)).filter { index in
            let task = TaskID(job: id, plan: stage.plan, index: index)
            guard let partial = kept.partial(of: task, payload: stage.payload(Int(index))) else { return false }
            do throws(GridError) {
                try job.merge(task: Int(index), partial: partial)
                return true
            } catch {
                // Then it is computed again.
                return false
            }
        }
    }

    private func begin(_ stage: JobStage) {
        let merged = mergeKept(stage)
        let profile = state.withLock { state -> NumericProfile?? in
            // Who has been stopped meanwhile must not come back to life in the scheduler.
            if state.isStopped { return .none }
            state.closeStage()
            state.stage = stage
            state.payloadChecksums = Array(repeating: nil, count: stage.taskCount)
            state.progress.partialsKept += merged.count
            state.progress.plan = stage.plan
            state.progress.stageTiles = stage.tileCount
            state.progress.laterTiles = stage.laterTileCount
            return .some(state.progress.profile)
        }
        guard let profile else { return }
        mirror?.begin(stage, tasksLeft: stage.taskCount - merged.count)
        let terms = terms()
        post(
            .event(
                .submit(
                    StageSubmission(
                        job: id, plan: stage.plan, stageName: stage.name, kind: stage.kind, taskCount: stage.taskCount,
                        grid: stage.grid, priority: terms.priority, isPaused: terms.isPaused, profile: profile, merged: merged))))
        reached(.stageBegun)
    }

    private func end(_ result: Result<JobOutcome, GridError>) {
        let (isFirst, failure) = state.withLock { state in
            defer { state.isStopped = true }
            state.closeStage()
            return (!state.isStopped, state.failure)
        }
        if isFirst { whenDone(failure.map { .failure($0) } ?? result) }
    }
}
