import ClusterModel

/// Which of the waiting jobs may begin: a few at a time, since each holds a panel in memory, larger priority first.
/// A job on demand does not wait behind bulk work: beyond the usual places there are some for jobs that outrank
/// everything running.
struct JobAdmission: Sendable {
    static let placesUsual = 3
    static let placesOnDemand = 3

    private struct Entry: Sendable {
        var id: JobID
        var priority: Int
    }
    private var waiting: [Entry] = []
    private var running: [Entry] = []

    var waitingCount: Int { waiting.count }
    var runningCount: Int { running.count }

    /// - Throws: `GridError(.conflict)` when too many jobs wait already.
    mutating func enqueue(_ id: JobID, priority: Int) throws(GridError) {
        guard waiting.count + running.count < Limits.jobsActiveMax else {
            throw GridError(
                .conflict, "\(Limits.jobsActiveMax) jobs are waiting or running: cancel some or try again later")
        }
        let position = waiting.firstIndex { $0.priority < priority } ?? waiting.endIndex
        waiting.insert(Entry(id: id, priority: priority), at: position)
    }

    /// The jobs that begin now.
    mutating func admit() -> [JobID] {
        var begun: [JobID] = []
        while let next = waiting.first {
            let outranks = running.allSatisfy { $0.priority < next.priority }
            let places = Self.placesUsual + (outranks ? Self.placesOnDemand : 0)
            guard running.count < places else { break }
            running.append(waiting.removeFirst())
            begun.append(next.id)
        }
        return begun
    }

    /// The job is over, wherever it was.
    mutating func remove(_ id: JobID) {
        waiting.removeAll { $0.id == id }
        running.removeAll { $0.id == id }
    }
}
