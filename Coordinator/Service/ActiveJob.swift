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
        /// Of the tasks of the present stage, where it has no tiles.
        var taskRate: (plan: PlanHash, rate: TileRate)?
        /// Of one tile; nil where nobody knows.
        var tileCost: TileCost?
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
    var terms: (priority: Int, isPaused: Bool) { state.withLock { ($0.view.priority, $0.view.paused) } }

    var tileCost: TileCost? {
        get { state.withLock { $0.tileCost } }
        set { state.withLock { $0.tileCost = newValue } }
    }

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
                state.view.paused = false
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
                state.view.paused = false
                // That it was cancelled its state says.
                state.view.error = reason.isEmpty ? nil : reason
                state.view.reason = state.view.error
            }
            return present
        }
        if present == .publishing {
            throw GridError(.conflict, "job \(id) is being published and can no longer be cancelled")
        }
        if present.isFinal { throw GridError(.conflict, "job \(id) is \(present.rawValue) already") }
    }

    /// When it has come to a state; nil when it has not.
    func entered(_ phase: JobState) -> MonotonicTime? { state.withLock { $0.entered[phase] } }

    /// Notes how far the job is; called a few times a second.
    func record(driver: JobDriver.Progress, stage: StageProgress, now: MonotonicTime) {
        guard stage.plan == driver.plan, stage.total > 0 else { return }
        state.withLock { state in
            // What a pause lasts says nothing of how fast the job is.
            if state.view.paused {
                state.rate = TileRate()
                state.taskRate = nil
            } else if let done = Self.tilesDone(driver, stage) {
                state.rate.record(tiles: done, at: now)
            } else {
                var rate = state.taskRate?.plan == stage.plan ? state.taskRate?.rate ?? TileRate() : TileRate()
                rate.record(tiles: Double(stage.merged), at: now)
                state.taskRate = (stage.plan, rate)
            }
        }
    }

    /// The view with the progress of this moment written in.
    ///
    /// - Parameter peakGigaflopsPerSecond: of all the slots that could work on it; 0 when nobody has measured.
    func view(
        driver: JobDriver.Progress, stage: StageProgress?, peakGigaflopsPerSecond: Double = 0, now: MonotonicTime
    ) -> JobView {
        state.withLock { state in
            var view = state.view
            view.stages = driver.finishedStages
            view.profile = driver.profile?.description
            view.note(partialsKept: driver.partialsKept)
            if let local = driver.local {
                view.stages.append(StageView(name: local.name, tasksDone: 0, tasksTotal: 1, inCoordinator: true))
            }
            guard let stage, stage.plan == driver.plan else { return view }
            var present = StageView(name: stage.stageName, tasksDone: stage.merged, tasksTotal: stage.total)
            if let last = view.stages.last, last.name == present.name { present.round = (last.round ?? 1) + 1 }
            view.stages.append(present)
            guard !view.paused else { return view }
            var forecast: Forecast?
            if let done = Self.tilesDone(driver, stage) {
                let left = max(0, Double(driver.earlierTiles + driver.stageTiles + driver.laterTiles) - done)
                if let rate = state.rate.tilesPerSecond(tiles: done, at: now) {
                    view.tilesPerSecond = rate
                    forecast = Forecast(left: left, rate: rate, relativeError: state.rate.relativeError)
                    if let cost = state.tileCost { view.gigaflopsPerSecond = rate * cost.flops / 1e9 }
                } else if let cost = state.tileCost {
                    forecast = Forecast(flops: left * cost.productFlops, peakGigaflopsPerSecond: peakGigaflopsPerSecond)
                }
            } else if let (plan, rate) = state.taskRate, plan == stage.plan,
                let perSecond = rate.tilesPerSecond(tiles: Double(stage.merged), at: now)
            {
                forecast = Forecast(left: Double(stage.total - stage.merged), rate: perSecond, relativeError: rate.relativeError)
            }
            view.etaSeconds = forecast?.seconds
            view.etaLowSeconds = forecast?.low
            view.etaHighSeconds = forecast?.high
            if let speed = view.gigaflopsPerSecond, peakGigaflopsPerSecond > 0 {
                view.peakShare = min(1, speed / peakGigaflopsPerSecond)
            }
            return view
        }
    }

    /// Tiles of all stages so far; nil between two stages, and for a stage without tiles.
    private static func tilesDone(_ driver: JobDriver.Progress, _ stage: StageProgress) -> Double? {
        guard stage.plan == driver.plan, stage.total > 0, driver.stageTiles > 0 else { return nil }
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
