import ClusterModel
import Foundation
import Logging
import Store

extension CoordinatorService {
    package func schedules() async throws -> [ScheduleView] {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.schedules() }
        }
    }

    package func schedule(_ id: Int64) async throws -> ScheduleView {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.schedule(id) }
        }
    }

    package func addSchedule(_ request: ScheduleRequest) async throws -> ScheduleView {
        try await waiting { service throws(GridError) in
            let next = try Self.next(cron: request.cron, timeZone: request.timeZone ?? "UTC")
            return try service.usingDatabase { () throws(GridError) in
                // What could never become a job is refused now, not at night; alphas may still come.
                let job = try service.resolved(request.job)
                do throws(GridError) {
                    try service.requireAlphas(of: job, try Region(job.region))
                } catch {
                    if error.kind == .notFound { throw error }
                }
                return try service.store.addSchedule(request, nextAt: next, epoch: service.epoch)
            }
        }
    }

    package func removeSchedule(_ id: Int64) async throws -> ScheduleView {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.removeSchedule(id, epoch: service.epoch) }
        }
    }

    package func setSchedule(_ id: Int64, paused: Bool) async throws -> ScheduleView {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in
                let view = try service.store.schedule(id)
                let next = try Self.next(cron: view.cron, timeZone: view.timeZone)
                return try service.store.setSchedule(id, paused: paused, nextAt: next, epoch: service.epoch)
            }
        }
    }

    /// When a cron expression is due next; nil without one.
    private static func next(cron: String?, timeZone: String) throws(GridError) -> Double? {
        let zone = try ScheduleZone(named: timeZone)
        guard let cron else { return nil }
        return try CronSchedule(parsing: cron).next(after: Date.now.timeIntervalSince1970, in: zone)
    }

    private func resolved(_ request: JobRequest) throws(GridError) -> JobView {
        try request.resolve(
            region: try Region(request.region), settings: try store.regionSettings(try Region(request.region)),
            now: ActiveJob.timestamp())
    }

    /// Begins what is due. On the housekeeper's thread.
    func runSchedules() {
        do throws(GridError) {
            for due in try usingDatabase({ () throws(GridError) in try store.dueSchedules() }) {
                do throws(GridError) {
                    try run(due)
                } catch {
                    if isSuperseded(error) { return }
                    log.warning("schedule not run", metadata: ["schedule": "\(due.view.name)", "error": "\(error)"])
                }
            }
        } catch {
            log.debug("schedules not read", metadata: ["error": "\(error)"])
        }
    }

    private func run(_ due: DueSchedule) throws(GridError) {
        // From now on, not from when it was due: what was missed while nobody led is made up for once.
        let next = try Self.next(cron: due.view.cron, timeZone: due.view.timeZone)
        var (job, refusal): (JobView?, String?) = (nil, nil)
        do throws(GridError) {
            let resolved = try usingDatabase { () throws(GridError) in try self.resolved(due.view.job) }
            try usingDatabase { () throws(GridError) in try requireAlphas(of: resolved, try Region(resolved.region)) }
            try reservePlace()
            job = resolved
        } catch {
            if error.kind == .unreachable { throw error }
            refusal = error.message
        }
        defer { if job != nil { releasePlace() } }
        let outcome = try usingDatabase { () throws(GridError) in
            try store.runSchedule(due, job: job, refusal: refusal, nextAt: next, epoch: epoch)
        }
        switch outcome {
        case .nothing: break
        case .skipped(let reason):
            log.warning("schedule skipped", metadata: ["schedule": "\(due.view.name)", "reason": "\(reason)"])
        case .begun(let id):
            log.info("schedule begins a job", metadata: ["schedule": "\(due.view.name)", "job": "\(id)"])
            guard var view = job else { return }
            view.jobID = id
            enqueue(view)
        }
    }
}
