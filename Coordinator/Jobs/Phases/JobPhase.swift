import ClusterModel

/// One part of a job that has several: its stages, and what it makes of their results. Used by one thread at a time.
protocol JobPhase: AnyObject {
    /// The first stage, after each finished stage the next one, and nil when the result is there.
    func next() throws -> JobStage?

    /// Takes in the partial of one task of the present stage. Called once per task, in any order.
    func merge(task index: Int, partial: Payload) throws(GridError)
}
