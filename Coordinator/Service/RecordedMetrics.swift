import GridMetrics

/// What a coordinator records as it happens; all else that `/metrics` says is counted anyway (`CoordinatorService+metrics`).
final class RecordedMetrics: Sendable {
    let taskSeconds = Histogram(
        "alphagrid_task_duration_seconds", "Time that workers computed a task whose result was accepted.", by: "kind",
        bounds: Histogram.secondsOfTasks)
    let commitSeconds = Histogram(
        "alphagrid_database_commit_duration_seconds", "Time until the database had answered a COMMIT.",
        bounds: Histogram.secondsOfAnswers)
    let controlLagSeconds = Histogram(
        "alphagrid_control_lag_seconds", "How late the thread that leases tasks came to its timer, five times a second.",
        bounds: Histogram.secondsOfAnswers)
    let checkSeconds = Histogram(
        "alphagrid_check_duration_seconds", "Time to answer a question about candidates or a pair, waiting included.",
        bounds: Histogram.secondsOfTasks)

    let flops = CounterFamily("alphagrid_task_flops_total", "Floating-point operations of tasks whose result was accepted.")
    let partialBytes = CounterFamily("alphagrid_partial_bytes_total", "Bytes of accepted partials.")
    let attemptsLost = CounterFamily("alphagrid_attempts_lost_total", "Attempts that went back because their worker was lost.")
    let writesFenced = CounterFamily(
        "alphagrid_writes_fenced_total", "Writes that the database refused because another coordinator has taken over.")
    let databaseErrors = CounterFamily("alphagrid_database_errors_total", "Uses of the database that failed.", by: ["kind"])
    let jobsEnded = CounterFamily("alphagrid_jobs_ended_total", "Jobs that ended, by how.", by: ["state"])

    init() {
        // A rate needs both ends: what has not happened yet is 0, not absent.
        for state in ["done", "failed", "cancelled"] { jobsEnded.add(0, [state]) }
        for kind in ["unreachable", "failed"] { databaseErrors.add(0, [kind]) }
    }

    var families: [MetricFamily] {
        [
            taskSeconds.family, commitSeconds.family, controlLagSeconds.family, checkSeconds.family, flops.family,
            partialBytes.family, attemptsLost.family, writesFenced.family, databaseErrors.family, jobsEnded.family,
        ]
    }
}
