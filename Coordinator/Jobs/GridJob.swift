import ClusterModel

/// A running job of some kind: plans stages, merges what their tasks return, and says what to publish.
///
/// This is the seam for new kinds: one folder with one type that conforms. The scheduler and the service know
/// tasks by number only. One thread at a time uses a job; the stages it hands out are immutable and may be read
/// from others.
package protocol GridJob: AnyObject, Sendable {
    /// The first stage, and after each finished stage the next one, until there is something to publish.
    ///
    /// - Parameter tell: called with a name before each part that takes long without any task, so that whoever looks sees what
    ///   goes on. What it throws, which means that nobody wants the job any more, is to be passed on.
    func next(telling tell: @escaping StageTeller) throws -> JobStep

    /// Takes in the partial of one task of the present stage. Called once per task, in any order.
    ///
    /// - Throws: `GridError` when the bytes are not that task's partial; nothing has been merged then.
    func merge(task index: Int, partial: Payload) throws(GridError)
}

package typealias StageTeller = (String) throws -> Void

extension GridJob {
    package func next() throws -> JobStep { try next { _ in } }
}

package enum JobStep: Sendable {
    case stage(JobStage)
    case publish(JobOutcome)
}

/// Independent tasks that are all merged before the job goes on.
package struct JobStage: Sendable {
    package let name: String
    package let plan: PlanHash
    /// Executor that understands the payloads.
    package let kind: String
    package let taskCount: Int
    /// Which tasks share blocks; nil when none do.
    package let grid: TaskGrid?
    /// Tiles of the whole stage, for displays of speed.
    package let tileCount: Int
    /// Tiles of the stages that are known to follow, for the time that is left.
    package let laterTileCount: Int
    /// Indices of the blocks whose summaries a correlation task returns, in their order; nil for tasks that return others.
    package let blocks: (@Sendable (_ task: Int) -> [Int])?
    /// The payload of a task, made when it is leased so that a stage of millions of tasks costs nothing.
    package let payload: @Sendable (_ task: Int) -> Payload

    package init(
        name: String, plan: PlanHash, kind: String, taskCount: Int, grid: TaskGrid?, tileCount: Int,
        laterTileCount: Int = 0, blocks: (@Sendable (_ task: Int) -> [Int])? = nil,
        payload: @escaping @Sendable (_ task: Int) -> Payload
    ) {
        self.name = name
        self.plan = plan
        self.kind = kind
        self.taskCount = taskCount
        self.grid = grid
        self.tileCount = tileCount
        self.laterTileCount = laterTileCount
        self.blocks = blocks
        self.payload = payload
    }
}

/// What a finished job publishes.
package enum JobOutcome: Sendable {
    case correlation(CorrelationOutcome)
    case crossCorrelation(CrossCorrelationOutcome)
    case clusters(ClustersOutcome)
    case selection(SelectionOutcome)
    case features(FeaturesOutcome)
    /// Of a job that only measures.
    case nothing
}
