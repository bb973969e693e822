import ClusterModel
import Dispatch
import Foundation
import Jobs
import Messaging
import Panel
import Scheduling
import Store
import Synchronization

/// One job of the coordinator from its row in `jobs` to its published rows.
///
/// All its work runs on a serial queue of its own; the view is what everybody else sees of it.
final class ActiveJob: Sendable {
    private struct State {
        var view: JobView
        var prepared: PreparedJob?
        var rate = TileRate()
        var entered: [JobState: MonotonicTime] = [:]
    }

    let id: JobID
    let queue: DispatchQueue
    private let state: Mutex<State>

    init(_ view: JobView) {
        id = view.jobID
        queue = DispatchQueue(label: "alphagrid.job.\(view.jobID)")
        state = Mutex(State(view: view))
    }

    var view: JobView { state.withLock { $0.view } }
    var priority: Int { state.withLock { $0.view.priority } }

    /// From its planning to its end.
    var prepared: PreparedJob? {
        get { state.withLock { $0.prepared } }
        set { state.withLock { $0.prepared = newValue } }
    }

    func update(_ change: (inout JobView) -> Void) {
        state.withLock { change(&$0.view) }
    }

    /// Goes to `next` unless the job is over: a job that was cancelled stays cancelled, whatever its thread still does.
    ///
    /// - Returns: whether it went.
    func advance(to next: JobState) -> Bool {
        state.withLock { state in
            guard !state.view.state.isFinal else { return false }
            state.view.state = next
            state.entered[next] = .now()
            // One that is taken up again has started long ago.
            if next == .planning, state.view.startedAt == nil { state.view.startedAt = Self.timestamp() }
            if next.isFinal {
                state.view.finishedAt = Self.timestamp()
                state.view.etaSeconds = nil
            }
            return true
        }
    }

    /// Seconds it has spent in each state until now, for the log.
    func timings(at now: MonotonicTime) -> [(state: JobState, seconds: Double)] {
        let entered = state.withLock { $0.entered }
        var timings: [(state: JobState, seconds: Double)] = []
        var end = now
        for state in [JobState.publishing, .running, .planning] {
            guard let start = entered[state] else { continue }
            timings.append((state, end.seconds(since: start)))
            end = start
        }
        return timings.reversed()
    }

    /// - Throws: `GridError(.conflict)` when the job is over, or its rows are just being published.
    func cancel(reason: String) throws(GridError) {
        let present = state.withLock { state in
            let present = state.view.state
            if !present.isFinal && present != .publishing {
                state.view.state = .cancelled
                state.view.finishedAt = Self.timestamp()
                state.view.etaSeconds = nil
                // That it was cancelled its state says.
                state.view.error = reason.isEmpty ? nil : reason
            }
            return present
        }
        if present == .publishing {
            throw GridError(.conflict, "job \(id) is being published and can no longer be cancelled")
        }
        if present.isFinal { throw GridError(.conflict, "job \(id) is \(present.rawValue) already") }
    }

    /// Notes how far the job is; called a few times a second.
    func record(driver: JobDriver.Progress, stage: StageProgress, now: MonotonicTime) {
        guard let done = Self.tilesDone(driver, stage) else { return }
        state.withLock { $0.rate.record(tiles: done, at: now) }
    }

    /// The view with the progress of this moment written in.
    func view(driver: JobDriver.Progress, stage: StageProgress?, now: MonotonicTime) -> JobView {
        state.withLock { state in
            var view = state.view
            view.stages = driver.finishedStages
            view.profile = driver.profile?.description
            view.note(partialsKept: driver.partialsKept)
            guard let stage, stage.plan == driver.plan else { return view }
            view.stages.append(StageView(name: stage.stageName, tasksDone: stage.merged, tasksTotal: stage.total))
            guard let done = Self.tilesDone(driver, stage), let rate = state.rate.tilesPerSecond(tiles: done, at: now)
            else { return view }
            let total = Double(driver.earlierTiles + driver.stageTiles + driver.laterTiles)
            view.tilesPerSecond = rate
            view.etaSeconds = max(0, total - done) / rate
            return view
        }
    }

    /// Tiles of all stages so far; nil between two stages.
    private static func tilesDone(_ driver: JobDriver.Progress, _ stage: StageProgress) -> Double? {
        guard stage.plan == driver.plan, stage.total > 0 else { return nil }
        return Double(driver.earlierTiles) + Double(driver.stageTiles) * Double(stage.merged) / Double(stage.total)
    }

    /// A time, the present one unless told, as rows and JSON show it: ISO 8601, UTC, always to the millisecond.
    static func timestamp(_ date: Date = .now) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

extension JobView {
    /// It goes on where another coordinator has left it; one that nobody had begun is merely queued again.
    mutating func takeUpAgain(at time: String) {
        state = .queued
        stages = []
        guard startedAt != nil else { return }
        resumedAt = time
        resumed = (resumed ?? 0) + 1
        partialsKept = nil
    }

    /// How much was kept is a question only of jobs that were taken up again.
    mutating func note(partialsKept count: Int) {
        if resumed != nil { partialsKept = count }
    }
}
