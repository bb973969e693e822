/// Which jobs a list should have.
package struct JobsRequest: Hashable, Sendable {
    /// Empty for all, unless `paused`.
    package var states: [JobState] = []
    /// Also jobs that are paused, whatever their state.
    package var paused = false
    package var kind: String?
    package var region: String?
    /// One of `columns` at a time; nil for newest first.
    package var sort: SortKey?
    package var limit: Int
    /// Only jobs with smaller ids; goes with newest first.
    package var before: JobID?
    /// Jobs to leave out at the beginning.
    package var offset = 0

    package init(limit: Int, before: JobID? = nil) {
        self.limit = limit
        self.before = before
    }

    /// What a list can be narrowed down to: states, and what is shown beside them.
    package static let stateNames = JobState.allCases.map(\.rawValue) + ["paused"]

    /// Those of `stateNames` that are asked for.
    package var stateNames: [String] { states.map(\.rawValue) + (paused ? ["paused"] : []) }

    /// - Parameter field: where they come from, for the error.
    package mutating func take(states names: [String], field: String) throws(GridError) {
        for name in names {
            guard Self.stateNames.contains(name) else {
                throw GridError(
                    .usage,
                    "\(field) '\(name.printable)' is unknown: expected some of \(Self.stateNames.joined(separator: ", "))")
            }
            guard let state = JobState(rawValue: name) else {
                paused = true
                continue
            }
            if !states.contains(state) { states.append(state) }
        }
    }

    /// What jobs can be sorted by.
    package static let columns = [
        "alpha_count", "finished_at", "job_id", "kind", "pool", "priority", "region", "started_at", "state", "submitted_at",
    ]

    /// Whether the next page is found by the last job of this one, so that jobs that are added meanwhile do not shift it.
    package var isPagedByID: Bool { sort == nil || sort == SortKey("job_id", isDescending: true) }
}
