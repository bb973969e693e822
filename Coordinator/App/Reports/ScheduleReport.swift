import ClusterModel

/// Schedules as tables and pages.
enum ScheduleReport {
    static func table(_ schedules: [ScheduleView]) -> TextTable {
        TextTable(
            [
                .init("ID", .right), .init("NAME"), .init("JOB"), .init("WHEN"), .init("NEXT"), .init("LAST JOB", .right),
                .init("NOTE"),
            ],
            rows: schedules.map { view in
                [
                    "\(view.scheduleID)", view.name, "\(view.job.kind) \(view.job.region)", when(view),
                    view.paused ? "paused" : view.nextAt ?? "", view.lastJobID.map { "\($0)" } ?? "", view.lastError ?? "",
                ]
            })
    }

    static func page(_ view: ScheduleView) -> [String] {
        TextTable.page([
            ("schedule", "\(view.scheduleID)"), ("name", view.name), ("kind", view.job.kind), ("region", view.job.region),
            ("pool", view.job.pool), ("when", when(view)), ("state", view.paused ? "paused" : "active"), ("next", view.nextAt),
            ("last", view.lastAt), ("last job", view.lastJobID.map { "\($0)" }), ("note", view.lastError),
            ("created", view.createdAt),
        ])
    }

    /// `30 22 * * 1-5 America/New_York`, or on change.
    static func when(_ view: ScheduleView) -> String {
        guard let cron = view.cron else {
            if view.minPauseSeconds == 0 { return "on change, without a pause between jobs" }
            return "on change, at most every \(Quantity.duration(seconds: Double(view.minPauseSeconds)))"
        }
        return "\(cron) \(view.timeZone)"
    }
}
