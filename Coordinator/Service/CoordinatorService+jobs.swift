import ClusterModel
import Dispatch
import Glibc
import GridMetrics
import Jobs
import Logging
import Messaging
import Panel
import Scheduling
import Store
import Synchronization
import WorkerRuntime

// The life of a job: enqueue -> plan -> (stages, run by the driver) -> publish -> finished.
extension CoordinatorService {
    /// Puts a job whose row exists among the waiting ones and begins what may begin.
    @discardableResult
    func enqueue(_ view: JobView) -> ActiveJob {
        let job = shared.withLock { shared in
            // Whoever looked for forgotten jobs may have found it between its row and here.
            if let present = shared.jobs[view.jobID] { return present }
            let job = ActiveJob(view)
            shared.admission.enqueue(job.id, priority: view.priority, isPaused: view.paused)
            shared.jobs[job.id] = job
            return job
        }
        admit()
        return job
    }

    /// Before a job has a row: one that is refused afterwards would be taken up all the same.
    ///
    /// - Throws: `GridError(.conflict)` when too many jobs wait already.
    func reservePlace() throws(GridError) {
        try shared.withLock { shared throws(GridError) in try shared.admission.reserve() }
    }

    func releasePlace() { shared.withLock { $0.admission.release() } }

    /// Takes up jobs whose rows say that they have not ended, though nobody is at them: their rows were written and the answer
    /// was lost, or their ends could not be written for longer than anybody waits.
    ///
    /// A row counts as forgotten when it is found so by two looks, since a job that is just beginning or ending has a row
    /// before, or after, it is known here.
    func takeUpForgottenJobs() {
        guard !isStopping else { return }
        let known = shared.withLock { Set($0.jobs.keys) }
        do throws(GridError) {
            let unfinished = try usingDatabase { () throws(GridError) in try store.unfinishedJobs() }
            let missing = unfinished.filter { !known.contains($0.jobID) }
            let (before, cancelled) = shared.withLock { shared in
                defer { shared.forgottenJobs = Set(missing.map(\.jobID)) }
                let open = Set(unfinished.map(\.jobID))
                shared.cancelledUnrecorded = shared.cancelledUnrecorded.filter { open.contains($0.key) }
                return (shared.forgottenJobs, shared.cancelledUnrecorded)
            }
            for var view in missing where before.contains(view.jobID) {
                // Whoever cancelled it was told that it is.
                if let end = cancelled[view.jobID] {
                    try usingDatabase { () throws(GridError) in try store.saveJob(end, epoch: epoch) }
                    continue
                }
                view.takeUpAgain(at: ActiveJob.timestamp())
                try reservePlace()
                log.warning("job taken up, which nobody was at", metadata: ["job": "\(view.jobID)"])
                enqueue(view)
                releasePlace()
            }
            try removeAbandonedLogs()
        } catch {
            // There is another look to come, and that the database is away is said elsewhere.
            if error.kind == .unreachable { return }
            log.warning("jobs that nobody is at could not be looked for", metadata: ["error": "\(error)"])
        }
    }

    func resumeUnfinishedJobs() throws(GridError) {
        let unfinished = try store.unfinishedJobs()
        try removeAbandonedLogs()
        for var view in unfinished {
            view.takeUpAgain(at: ActiveJob.timestamp())
            log.info("job taken up again", metadata: ["job": "\(view.jobID)", "times": "\(view.resumed ?? 0)"])
            enqueue(view)
        }
        waitingCalls.async {
            self.removeAbandonedPartials()
            self.tellForgottenEnds()
        }
    }

    /// Files of jobs that have ended go, whoever wrote them.
    func removeAbandonedLogs() throws(GridError) {
        guard let directory = configuration.jobLogDirectory else { return }
        try PartialLog.removeAll(in: directory) { () throws(GridError) in
            Set(try store.unfinishedJobs().map(\.jobID))
        }
    }

    /// Rows of jobs that have ended go, whoever wrote them. That is tidiness, which nothing may fail for.
    private func removeAbandonedPartials() {
        do throws(GridError) {
            try store.removeEndedPartials()
        } catch {
            log.warning("partials of jobs that have ended are still in the database", metadata: ["error": "\(error)"])
        }
    }

    func admit() {
        let begun = shared.withLock { shared in
            shared.isStopping ? [] : shared.admission.admit().compactMap { shared.jobs[$0] }
        }
        for job in begun { job.queue.async { self.plan(job) } }
    }

    /// Reads the region and hands the job to the scheduler. On the job's thread.
    private func plan(_ job: ActiveJob) {
        guard job.advance(to: .planning) else { return }
        do throws(GridError) {
            try retryingWhileUnreachable(job) { () throws(GridError) in try save(job) }
            configuration.reached(.planning)
            let view = job.view
            let kind = try JobKind(parsing: view.kind)
            let region = try Region(view.region)
            let mirrored = try mirroredPartials(of: job)
            var kept = PartialLog.kept(of: job.id, in: configuration.jobLogDirectory, mirrored: mirrored)
            // What is small must not tie a job to workers that are gone with the host of the one before.
            if !kept.hasFiles, let profile = kept.profile, !waitForWorker(of: profile, job) { kept = PartialLog.Kept() }
            var profiles = Set(shared.withLock { $0.snapshot.workers }.filter { $0.state == "connected" }.map(\.profile))
            if let profile = kept.profile { profiles.insert(profile.description) }
            let means = JobMeans(
                load: { pool throws(GridError) in try self.load(region, pool, for: view) },
                metrics: { pool throws(GridError) in
                    try self.usingDatabase { () throws(GridError) in try self.store.alphaMetrics(region, pool: pool) }
                },
                profiles: profiles,
                log: { [log] in log.info("\($0)", metadata: ["job": "\(view.jobID)"]) })
            let prepared = try retryingWhileUnreachable(job) { () throws(GridError) in
                let began = MonotonicTime.now()
                let prepared = try kind.prepare(view, with: means)
                store.readTimes.note(job.id, began: began, ended: .now())
                return prepared
            }
            configuration.reached(.panelLoaded)
            // A kept result of another profile decides for the whole job.
            if let profile = prepared.profile, profile != kept.profile { kept = PartialLog.Kept() }
            if kept.count == 0, !mirrored.isEmpty { removeMirrored(job) }
            job.prepared = prepared
            job.tileCost = TileCost(view, panels: prepared.panels)
            job.update {
                $0.alphaCount = prepared.alphaCount
                $0.dayCount = prepared.dayCount
                $0.panelHash = prepared.panelHash
                $0.warnings = prepared.warnings
            }
            for panel in prepared.panels { blocks.add(panel) }
            let driver = JobDriver(
                id: job.id, job: prepared.job, profile: prepared.profile ?? kept.profile, terms: { job.terms },
                queue: job.queue, log: partialLog(of: job),
                mirror: partialMirror(
                    of: job, alphaCount: prepared.alphaCount,
                    bytesThere: kept.count == 0 ? 0 : mirrored.reduce(0) { $0 + $1.records.count }),
                kept: kept, reached: configuration.reached,
                post: { [weak self] command in self?.shared.withLock { $0.control }?.post(command) },
                whenDone: { [weak self] result in self?.driverDone(job, result) })
            drivers.add(driver)
            // Whoever cancelled it has put its end behind this.
            guard job.advance(to: .running) else { return }
            try retryingWhileUnreachable(job) { () throws(GridError) in try save(job) }
            configuration.reached(.running)
            log.info(
                "job running",
                metadata: ["job": "\(job.id)", "alphas": "\(prepared.alphaCount)", "partials_kept": "\(kept.count)"])
            driver.start()
        } catch {
            end(job, .failed, error: error)
        }
    }

    private func partialLog(of job: ActiveJob) -> PartialLog? {
        guard let directory = configuration.jobLogDirectory else { return nil }
        let (log, reached) = (log, configuration.reached)
        return PartialLog(
            directory: directory, job: job.id, epoch: epoch, delayMilliseconds: configuration.jobLogMilliseconds,
            warn: { log.warning("\($0)", metadata: ["job": "\(job.id)"]) },
            written: { reached(.partialLogged) })
    }

    /// What earlier coordinators have left of a job in the database. One that cannot read it begins the job with what it has.
    private func mirroredPartials(of job: ActiveJob) throws(GridError) -> [(epoch: Epoch, records: [UInt8])] {
        guard job.view.resumed != nil else { return [] }
        do throws(GridError) {
            return try retryingWhileUnreachable(job) { () throws(GridError) in try store.keptPartials(of: job.id) }
        } catch {
            if error.kind == .unreachable { throw error }
            log.warning(
                "what an earlier coordinator kept in the database is computed again",
                metadata: ["job": "\(job.id)", "error": "\(error)"])
            return []
        }
    }

    /// Workers that had to do with the coordinator before come back within seconds.
    ///
    /// - Returns: whether one of the profile is there in time.
    private func waitForWorker(of profile: NumericProfile, _ job: ActiveJob) -> Bool {
        let began = MonotonicTime.now()
        while true {
            let isThere = shared.withLock { shared in
                shared.snapshot.workers.contains { $0.state == "connected" && $0.profile == profile.description }
            }
            // Whoever stops leaves everything as it is to the next.
            if isThere || isStopping || job.view.state.isFinal { return true }
            let isLate = MonotonicTime.now().seconds(since: began) * 1_000 > Double(Limits.partialMirrorWorkersMilliseconds)
            if isLate { break }
            usleep(100_000)
        }
        log.warning(
            "no worker computes with the profile of what an earlier coordinator kept in the database, so it is computed again",
            metadata: ["job": "\(job.id)", "profile": "\(profile)"])
        return false
    }

    /// They would only take the room of others.
    private func removeMirrored(_ job: ActiveJob) {
        do throws(GridError) {
            try usingDatabase { () throws(GridError) in try store.removePartials(of: job.id, epoch: epoch) }
        } catch {
            log.warning("what nobody can use is still in the database", metadata: ["job": "\(job.id)", "error": "\(error)"])
        }
    }

    private func partialMirror(of job: ActiveJob, alphaCount: Int, bytesThere: Int) -> PartialMirror {
        let (id, epoch, bytesMax) = (job.id, epoch, alphaCount * Limits.partialMirrorBytesPerAlphaMax)
        return PartialMirror(
            bytesMax: bytesMax, bytesThere: bytesThere, delayMilliseconds: configuration.jobLogMilliseconds,
            warn: { [weak self] text in
                guard let self, !isStopping else { return }
                log.warning("\(text)", metadata: ["job": "\(id)"])
            },
            write: { [weak self] part, records throws(GridError) in
                guard let self else { return }
                do throws(GridError) {
                    try usingDatabase { () throws(GridError) in
                        try store.keepPartials(of: id, part: part, records, bytesMax: bytesMax, epoch: epoch)
                    }
                } catch {
                    _ = isSuperseded(error)
                    throw error
                }
            },
            remove: { [weak self] in self?.removeAbandonedPartials() })
    }

    /// On the job's thread, after the last stage or a failure.
    private func driverDone(_ job: ActiveJob, _ result: Result<JobOutcome, GridError>) {
        switch result {
        case .failure(let error):
            end(job, .failed, error: error)
        case .success(let outcome):
            guard let prepared = job.prepared, job.advance(to: .publishing) else { return }
            configuration.reached(.publishing)
            do throws(GridError) {
                try publish(job, try prepared.result(outcome))
                recorded.jobsEnded.add(1, [JobState.done.rawValue])
                configuration.reached(.publishCommitted)
                var metadata: Logger.Metadata = ["job": "\(job.id)"]
                for (state, seconds) in job.timings(at: .now()) {
                    metadata["\(state.rawValue)_seconds"] = "\((seconds * 1_000).rounded() / 1_000)"
                }
                // Of all jobs since the coordinator started, as blocks serve several.
                metadata["block_bytes_sent_total"] = "\(blockTally.counts.bytesSent)"
                metadata["block_bytes_left_to_workers_total"] = "\(blockTally.counts.bytesRedirected)"
                log.info("job done", metadata: metadata)
                let (profile, view) = (drivers[job.id]?.progress.profile, job.view)
                release(job)
                tellEndNow(of: view)
                if let profile { prepared.afterwards(profile) }
                configuration.reached(.stateKept)
            } catch {
                end(job, .failed, error: error)
            }
        }
    }

    /// A pool's panel, with what it took to get it in the log.
    private func load(_ region: Region, _ pool: String, for job: JobView) throws(GridError) -> LoadedPanel {
        let loaded = try usingDatabase { () throws(GridError) in
            try store.loadPanel(region: region, pool: pool, blockEdge: job.blockEdge, cache: panels)
        }
        log.info(
            "\(loaded.summary)", metadata: ["job": "\(job.jobID)", "region": "\(region)", "pool": "\(pool.printable)"])
        return loaded
    }

    /// Replaces the rows and records the end of the job in one transaction.
    private func publish(_ job: ActiveJob, _ result: JobResult) throws(GridError) {
        let progress = drivers[job.id]?.progress
        var done = job.view
        done.digest = result.digest
        done.profile = progress?.profile?.description
        done.stages = progress?.finishedStages ?? []
        done.note(partialsKept: progress?.partialsKept ?? 0)
        done.state = .done
        let finished = done
        try retryingWhileUnreachable(job) { () throws(GridError) in
            done = finished
            done.finishedAt = ActiveJob.timestamp()
            try result.publish(store, &done, epoch)
        }
        job.update { $0 = done }
    }

    /// The job is over: remembers why, tells the scheduler, frees what it held, and lets the next one begin.
    ///
    /// Of a job that was cancelled while its thread came to an end by itself, the second end finds nothing more to do.
    func end(_ job: ActiveJob, _ state: JobState, error: GridError?) {
        guard shared.withLock({ $0.jobs[job.id] === job }) else { return }
        let driver = drivers[job.id]
        driver?.stop()
        // Whoever has taken over goes on with the job, and with what was kept of it; so does the next one after a stop that
        // came while the database was away.
        if let error, isSuperseded(error) || error.kind == .unreachable && isStopping { return }
        if let progress = driver?.progress {
            job.update {
                $0.stages = progress.finishedStages
                $0.profile = progress.profile?.description
                $0.note(partialsKept: progress.partialsKept)
            }
        }
        // Why it was cancelled stays.
        if let error { job.update { if !$0.state.isFinal { $0.error = error.message } } }
        let isOver = job.advance(to: state)
        // One that was cancelled is so before its thread hears of it.
        recorded.jobsEnded.add(1, [job.view.state.rawValue])
        if isOver {
            log.info("job \(state.rawValue)", metadata: ["job": "\(job.id)", "error": "\(error?.message ?? "none")"])
        }
        do throws(GridError) {
            try retryingWhileUnreachable(job) { () throws(GridError) in try save(job) }
        } catch {
            // What was kept is the successor's now.
            if isSuperseded(error) { return }
            log.error("the end of the job could not be recorded", metadata: ["job": "\(job.id)", "error": "\(error)"])
            if job.view.state == .cancelled { shared.withLock { $0.cancelledUnrecorded[job.id] = job.view } }
        }
        tellEndNow(of: job.view)
        release(job)
    }

    private func release(_ job: ActiveJob) {
        post(.finish(job.id))
        // One that stops in the middle leaves what it has to the next.
        if !shared.withLock({ $0.isStopping }) {
            if let driver = drivers[job.id] {
                driver.removeLog()
            } else if job.view.resumed != nil {
                waitingCalls.async { self.removeAbandonedPartials() }
            }
            // Files of other jobs are not judged by what this one knows: another may lead by now, and write into the same folder.
            if let directory = configuration.jobLogDirectory {
                PartialLog.removeFiles(of: job.id, through: epoch, in: directory)
            }
            configuration.reached(.logRemoved)
        }
        drivers.remove(job.id)
        store.readTimes.forget(job.id)
        for panel in job.prepared?.panels ?? [] { forgetBlocks(blocks.remove(panel)) }
        job.prepared = nil
        shared.withLock {
            $0.jobs[job.id] = nil
            $0.admission.remove(job.id)
            $0.retention.jobEnded()
            if $0.ended.count == Limits.jobsEndedLatelyMax { $0.ended.removeFirst() }
            if job.view.state.isFinal { $0.ended.append(job.view) }
        }
        panels?.writeSoon()
        admit()
    }

    func save(_ job: ActiveJob) throws(GridError) {
        let view = job.view
        try usingDatabase { () throws(GridError) in try store.saveJob(view, epoch: epoch) }
    }

    /// Hours of computing are not thrown away, nor is a job begun in vain, for a database that restarts or a network that
    /// fails: tries until `Limits.databasePatienceSeconds` have passed since it was lost, however long it had served until then,
    /// this coordinator stops, or the job is cancelled.
    func retryingWhileUnreachable<R>(_ job: ActiveJob, _ body: () throws(GridError) -> R) throws(GridError) -> R {
        let wasOver = job.view.state.isFinal
        var lostAt: MonotonicTime?
        var wait: UInt32 = 1
        while true {
            do {
                return try usingDatabase(body)
            } catch {
                let now = MonotonicTime.now()
                let lost = lostAt ?? now
                lostAt = lost
                guard error.kind == .unreachable,
                    now < lost.advanced(milliseconds: Int64(configuration.databasePatienceMilliseconds))
                else { throw error }
                log.warning(
                    "database unreachable, trying again",
                    metadata: ["job": "\(job.id)", "seconds": "\(wait)", "error": "\(error)"])
                for _ in 0..<wait {
                    if isStopping || job.view.state.isFinal != wasOver { throw error }
                    sleep(1)
                }
                wait = min(2 * wait, 8)
            }
        }
    }

    var isStopping: Bool { shared.withLock { $0.isStopping } }
}
