import ClusterModel

/// Which of the waiting jobs may begin: a few at a time, since each holds a panel in memory, larger priority first.
/// A job on demand does not wait behind bulk work: beyond the usual places there are some for jobs that outrank
/// everything running. A paused job does not begin, and a few that are paused while they run give their place to others.
struct JobAdmission: Sendable {
    static let placesUsual = 3
    static let placesOnDemand = 3

    private struct Entry: Sendable {
        var id: JobID
        var priority: Int
        var isPaused: Bool
    }
    private var waiting: [Entry] = []
    private var running: [Entry] = []
    /// Of jobs that are being made.
    private var reservedCount = 0

    var waitingCount: Int { waiting.count }
    var runningCount: Int { running.count }
    var runningJobs: [JobID] { running.filter { !$0.isPaused }.map(\.id) }

    /// A job that has a row has a place: whoever makes one reserves it before.
    mutating func enqueue(_ id: JobID, priority: Int, isPaused: Bool = false) {
        insert(Entry(id: id, priority: priority, isPaused: isPaused))
    }

    /// Keeps a place until `release`, for a job whose row is not there yet.
    ///
    /// - Throws: `GridError(.conflict)` when too many jobs wait already.
    mutating func reserve() throws(GridError) {
        guard waiting.count + running.count + reservedCount < Limits.jobsActiveMax else {
            throw GridError(
                .conflict, "\(Limits.jobsActiveMax) jobs are waiting or running: cancel some or try again later")
        }
        reservedCount += 1
    }

    /// The job is enqueued by now, or there is none.
    mutating func release() { reservedCount -= 1 }

    private mutating func insert(_ entry: Entry) {
        let position = waiting.firstIndex { $0.priority < entry.priority } ?? waiting.endIndex
        waiting.insert(entry, at: position)
    }

    /// The jobs that begin now.
    mutating func admit() -> [JobID] {
        var begun: [JobID] = []
        while let position = waiting.firstIndex(where: { !$0.isPaused }) {
            let next = waiting[position]
            let active = running.filter { !$0.isPaused }
            let outranks = active.allSatisfy { $0.priority < next.priority }
            let given = min(running.count - active.count, Limits.pausedPlacesMax)
            let places = Self.placesUsual + given + (outranks ? Self.placesOnDemand : 0)
            guard running.count < places else { break }
            running.append(waiting.remove(at: position))
            begun.append(next.id)
        }
        return begun
    }

    /// What an operator wants of a job, wherever it is.
    mutating func change(_ id: JobID, priority: Int, isPaused: Bool) {
        if let position = running.firstIndex(where: { $0.id == id }) {
            running[position] = Entry(id: id, priority: priority, isPaused: isPaused)
        }
        guard let position = waiting.firstIndex(where: { $0.id == id }) else { return }
        let before = waiting[position]
        waiting[position].isPaused = isPaused
        // Of equals the one that came first stays the first.
        if before.priority != priority {
            waiting.remove(at: position)
            insert(Entry(id: id, priority: priority, isPaused: isPaused))
        }
    }

    /// The job is over, wherever it was.
    mutating func remove(_ id: JobID) {
        waiting.removeAll { $0.id == id }
        running.removeAll { $0.id == id }
    }
}
