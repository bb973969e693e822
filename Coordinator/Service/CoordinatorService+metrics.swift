import ClusterModel
import GridMetrics
import Scheduling
import Synchronization
import WorkerRuntime

// What `/metrics` says of the grid. Names and labels are listed in Deploy/prometheus/README.md; no label names a job, an
// alpha or a worker, so that a scrape costs the same whatever the grid holds.
extension CoordinatorService {
    /// One moment of the grid; quick, and waits for nothing.
    func metricFamilies() -> [MetricFamily] {
        let (snapshot, jobs, isLeading, isReachable) = shared.withLock { shared in
            (
                shared.snapshot, shared.jobs.values.map { $0.view.state },
                shared.control != nil && !shared.isStopping, shared.isDatabaseReachable
            )
        }
        return [
            .info(
                "alphagrid_build_info", "Versions of this program.",
                [.init("protocol", "\(Limits.protocolVersion)"), .init("version", AlphaGrid.version)]),
            .gauge("alphagrid_leader_epoch", "Generation of this coordinator; 0 before it leads.", Double(epoch.rawValue)),
            .gauge("alphagrid_is_leader", "1 while this coordinator holds the lease, else 0.", isLeading ? 1 : 0),
            .gauge("alphagrid_database_up", "1 when the last use of the database worked, else 0.", isReachable ? 1 : 0),
            .gauge("alphagrid_uptime_seconds", "Time since this coordinator leads; 0 before.", uptimeSeconds),
            .gauge("alphagrid_checks_open", "Questions about alphas that wait or are worked on.", questions.open),
            Self.jobs(jobs),
        ] + Self.tasks(snapshot) + Self.workers(snapshot) + Self.counters(snapshot.counters) + blockBytes + recorded.families
    }

    private static func jobs(_ states: [JobState]) -> MetricFamily {
        let open = JobState.allCases.filter { !$0.isFinal }
        return .by(
            "state", "alphagrid_jobs", .gauge, "Jobs that have not ended.",
            open.map { state in (state.rawValue, Double(states.filter { $0 == state }.count)) })
    }

    private static func tasks(_ snapshot: GridSnapshot) -> [MetricFamily] {
        let stages = snapshot.stages.values
        let sum = { (path: KeyPath<StageProgress, Int>) in Double(stages.reduce(0) { $0 + $1[keyPath: path] }) }
        return [
            .by(
                "state", "alphagrid_tasks", .gauge, "Tasks of the present stages of all running jobs.",
                [("queued", sum(\.queued)), ("leased", sum(\.leased)), ("merging", sum(\.merging))])
        ]
    }

    private static func workers(_ snapshot: GridSnapshot) -> [MetricFamily] {
        let workers = snapshot.workers
        let present = workers.filter { $0.state != "lost" }
        let peak = { (path: KeyPath<WorkerView, Double?>) in
            present.reduce(0.0) { $0 + Double($1.slots) * ($1[keyPath: path] ?? 0) * 1e9 }
        }
        let load = snapshot.load
        return [
            .by(
                "state", "alphagrid_workers", .gauge, "Workers; lost ones count until they are forgotten.",
                ["connected", "draining", "suspect", "lost"].map { state in
                    (state, Double(workers.filter { $0.state == state }.count))
                }),
            .by(
                "state", "alphagrid_slots", .gauge, "Slots of the workers that are there.",
                [("busy", Double(load.slotsBusy)), ("idle", Double(load.slotsTotal - load.slotsBusy))]),
            .gauge(
                "alphagrid_workers_flops_per_second", "Floating-point operations a second of all workers, of late.",
                present.reduce(0.0) { $0 + ($1.gigaflopsPerSecond.isFinite ? $1.gigaflopsPerSecond * 1e9 : 0) }),
            .by(
                "precision", "alphagrid_workers_peak_flops_per_second", .gauge,
                "What all slots computed at most when they were measured.",
                [("float32", peak(\.peakFloat32GigaflopsPerSecond)), ("float64", peak(\.peakFloat64GigaflopsPerSecond))]),
            .gauge(
                "alphagrid_workers_cached_bytes", "Bytes of blocks in the caches of all workers.",
                present.reduce(0.0) { $0 + Double($1.cachedBytes) }),
            .gauge(
                "alphagrid_workers_heartbeat_age_max_seconds", "Silence of the most silent worker that is not lost.",
                present.reduce(0.0) { max($0, $1.heartbeatAgeSeconds) }),
        ]
    }

    private static func counters(_ counters: SchedulerCounters) -> [MetricFamily] {
        [
            .counter("alphagrid_leases_total", "Tasks given to workers, again included.", counters.leases),
            .counter(
                "alphagrid_leases_speculative_total", "Second leases of tasks that took long.", counters.speculativeLeases),
            .counter("alphagrid_tasks_merged_total", "Tasks whose result was merged.", counters.tasksMerged),
            .counter("alphagrid_tasks_failed_total", "Attempts that failed or gave no result to merge.", counters.tasksFailed),
            .counter("alphagrid_tasks_retried_total", "Tasks that went back to the queue.", counters.tasksRequeued),
            .counter("alphagrid_results_duplicate_total", "Results nobody needed any more, dropped.", counters.resultsDropped),
            .counter(
                "alphagrid_results_late_total", "Results of attempts given up that were taken after all.",
                counters.resultsLateAccepted),
            .counter(
                "alphagrid_results_deferred_total", "Results left at the worker because merging was behind.",
                counters.resultsDeferred),
            .counter("alphagrid_partials_rejected_total", "Results that could not be merged.", counters.partialsRejected),
            .by(
                "outcome", "alphagrid_verifications_total", .counter, "Tasks that two workers computed, by what came out.",
                [
                    ("equal", Double(counters.tasksVerified)), ("different", Double(counters.disagreements)),
                    ("given_up", Double(counters.verificationsGivenUp)),
                ]),
            .counter("alphagrid_workers_suspected_total", "Workers found to compute wrongly.", counters.workersSuspected),
            .counter("alphagrid_workers_joined_total", "Workers that came.", counters.workersJoined),
            .counter("alphagrid_workers_lost_total", "Workers that fell silent.", counters.workersLost),
            .counter("alphagrid_workers_refused_total", "Workers that were sent away.", counters.workersRefused),
            .counter(
                "alphagrid_messages_undecodable_total", "Messages that could not be read.", counters.messagesUndecodable),
            .counter("alphagrid_alarms_total", "Things that must not happen; the log says what.", counters.alarms),
        ]
    }

    private var blockBytes: [MetricFamily] {
        let counts = blockTally.counts
        return [
            .by(
                "source", "alphagrid_block_bytes_total", .counter, "Bytes of panel blocks that workers were given, by whom.",
                [("coordinator", Double(counts.bytesSent)), ("worker", Double(counts.bytesRedirected))])
        ]
    }
}
