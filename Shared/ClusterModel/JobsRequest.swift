/// Which jobs a list should have.
package struct JobsRequest: Hashable, Sendable {
    /// Empty for all.
    package var states: [JobState] = []
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

    /// What jobs can be sorted by.
    package static let columns = [
        "alpha_count", "finished_at", "job_id", "kind", "pool", "priority", "region", "started_at", "state", "submitted_at",
    ]

    /// Whether the next page is found by the last job of this one, so that jobs that are added meanwhile do not shift it.
    package var isPagedByID: Bool { sort == nil || sort == SortKey("job_id", isDescending: true) }
}
