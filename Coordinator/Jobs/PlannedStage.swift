/// A stage as it can be foreseen before anything of a panel but its size is known.
package struct PlannedStage: Hashable, Sendable {
    package let name: String
    /// 0 where the job computes it by itself.
    package let tasks: Int
    package let tiles: Int
    /// Whether the values decide how often it comes, which may be never; tasks and tiles are those of once.
    package let repeats: Bool
    /// Whether it is the job's own work, on its thread.
    package let isLocal: Bool

    package init(_ stage: JobStage, repeats: Bool = false) {
        self.init(stage.name, tasks: stage.taskCount, tiles: stage.tileCount, repeats: repeats)
    }

    init(_ name: String, tasks: Int, tiles: Int = 0, repeats: Bool = false) {
        (self.name, self.tasks, self.tiles, self.repeats, isLocal) = (name, tasks, tiles, repeats, false)
    }

    init(local name: String, repeats: Bool = false) {
        (self.name, tasks, tiles, self.repeats, isLocal) = (name, 0, 0, repeats, true)
    }
}
