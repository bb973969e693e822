import ClusterModel

/// How many tasks a second were merged of late, from looks at the grid.
struct WatchHistory {
    private(set) var tasksPerSecond: [Double] = []
    private var last: (epoch: Int64, tasks: Int, at: Double)?

    /// Two minutes of looks, more than any terminal is wide.
    static let valuesMax = 240

    /// - Parameter seconds: of a clock that only grows, when the look was taken.
    mutating func look(_ status: StatusView, at seconds: Double) {
        defer { last = (status.epoch, status.tasksDoneTotal, seconds) }
        // Another coordinator counts from 0.
        guard let last, last.epoch == status.epoch, status.tasksDoneTotal >= last.tasks, seconds > last.at else { return }
        tasksPerSecond.append(Double(status.tasksDoneTotal - last.tasks) / (seconds - last.at))
        if tasksPerSecond.count > Self.valuesMax { tasksPerSecond.removeFirst() }
    }

    /// Mean of the last few looks; one alone jumps.
    var recent: Double? {
        let values = tasksPerSecond.suffix(6)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
