import ClusterModel

// Between the coordinators and the database: calls, answers, and what becomes of them on the way.

extension Simulation {
    private static let timeoutMilliseconds = 600

    func ask(_ host: Int, _ request: StoreRequest, afterMilliseconds pause: Int = 0) {
        guard coordinators[host].isAlive else { return }
        callCount += 1
        let call = StoreCall(
            number: callCount, host: host, process: coordinators[host].generation,
            epoch: coordinators[host].epoch ?? Epoch(0), request: request)
        agenda.add(.reachesStore(call, .begin), at: after(pause + storeLatency()))
    }

    /// Goes on with a call of which the coordinator has had an answer.
    func goOn(_ call: StoreCall, _ phase: StorePhase, afterMilliseconds pause: Int = 0) {
        agenda.add(.reachesStore(call, phase), at: after(pause + storeLatency()))
    }

    private func storeLatency() -> Int {
        guard store.isSlow, random.chance(percent: 30) else { return random.int(0...2) }
        faults.add(.databaseSlow)
        return random.int(100...1_200)
    }

    private func answer(_ call: StoreCall, _ answer: StoreAnswer, afterMilliseconds pause: Int = 0) {
        agenda.add(.storeAnswers(call, answer), at: after(pause + random.int(0...2)))
    }

    // MARK: At the database

    func storeReceives(_ call: StoreCall, _ phase: StorePhase) {
        endIdleSessions()
        let isCut = coordinators[call.host].isCutFromStore
        guard !isCut, store.health != .down else {
            // Of a commit that was asked for, nobody knows whether it got through.
            let lost = phase == .commit || phase == .inquire ? StoreAnswer.doubtful : .unavailable
            answer(call, lost, afterMilliseconds: isCut ? Self.timeoutMilliseconds : 20)
            return
        }
        switch phase {
        case .begin: begin(call)
        case .commit:
            let isLost = isFaulty(.commitLost) && random.chance(percent: 30)
            // Lost before it arrived: the server ends the session with its transaction.
            if isLost, random.chance(percent: 50) {
                store.endSessions { $0.call.number == call.number }
            } else if !store.commit(call) {
                return answer(call, .unavailable)
            }
            if isLost { faults.add(.commitLost) }
            answer(call, isLost ? .doubtful : .done)
        case .inquire:
            let wasCommitted = store.wasCommitted(call)
            answer(call, wasCommitted.map { $0 ? .done : .unavailable } ?? .doubtful, afterMilliseconds: 20)
        }
        checkStore()
    }

    /// The server ends sessions that hold locks and say nothing.
    private func endIdleSessions() {
        let limit = now.advanced(milliseconds: -SimulatedStore.idleMilliseconds)
        store.endSessions { $0.begunAt < limit }
    }

    private func begin(_ call: StoreCall) {
        switch call.request {
        case .readLease: return answer(call, .lease(store.epoch, renewals: store.renewals))
        case .readJobs: return answer(call, .jobs(store.jobs.keys.filter { store.jobs[$0]?.state.isFinal == false }.sorted()))
        default: break
        }
        guard store.health == .well else {
            faults.add(store.health == .full ? .databaseFull : .databaseReadOnly)
            return answer(call, .unavailable)
        }
        if case .takeOver(let evicting) = call.request {
            guard let epoch = store.takeOver(evicting: evicting, now) else { return goOn(call, .begin, afterMilliseconds: 50) }
            trace.add(now, 8, UInt64(bitPattern: epoch.rawValue), UInt64(call.host), "host \(call.host) takes over, \(epoch)")
            storeCheckers.tookOver(epoch)
            return answer(call, .epoch(epoch))
        }
        guard store.holds(call.epoch) else { return answer(call, .epochIsOver) }
        storeCheckers.wrote(call)
        write(call)
    }

    /// Small writes begin and commit at once; a publication is asked to commit.
    private func write(_ call: StoreCall) {
        switch call.request {
        case .renew: store.renew(now)
        case .release: return store.release()
        case .insert(let job): store.insert(job)
        case .save(let job, let change, _): store.update(job) { $0 = change }
        case .setPaused(let job, let isPaused): store.setPaused(job, isPaused, now)
        case .publish(let job, let change):
            let value = change.value ?? 0
            let rows = (0..<SimulatedStore.rowsPerRegion).map {
                SimulatedStore.Row(job: job, epoch: call.epoch, value: mix(value &+ $0))
            }
            store.begin(
                SimulatedStore.Transaction(
                    call: call, job: job, change: change, rows: rows, region: region(of: job), begunAt: now))
            return answer(call, .written, afterMilliseconds: random.int(0...20))
        case .readLease, .takeOver, .readJobs: break
        }
        store.noteCommit(call)
        let isLost = isFaulty(.commitLost) && random.chance(percent: 10)
        if isLost { faults.add(.commitLost) }
        answer(call, isLost ? .doubtful : .done)
    }

    func region(of job: JobID) -> Int { scenario.jobs.first { $0.id == job }?.region ?? 0 }

    /// A reader may look at any moment.
    func checkStore() {
        if let sentence = storeCheckers.verdict(self) { fail(sentence) }
    }

    // MARK: At the coordinator

    func coordinatorGets(_ call: StoreCall, _ answer: StoreAnswer) {
        let host = call.host
        guard coordinators[host].isAlive, coordinators[host].generation == call.process else { return }
        switch answer {
        case .epochIsOver: return stepDown(host)
        case .unavailable:
            if options.shellBug == .failedWriteForgotten, case .save = call.request { return }
            // Hours of computing are not thrown away for a database that restarts.
            return retry(call)
        case .doubtful where options.shellBug == .doubtfulCommitTrusted: break
        case .doubtful:
            if case .takeOver = call.request { return retry(call) }
            return goOn(call, .inquire, afterMilliseconds: 200)
        case .done, .epoch, .lease, .jobs, .written: break
        }
        switch (call.request, answer) {
        case (.readLease, .lease(let epoch, let renewals)): watchLease(host, epoch, renewals)
        case (.takeOver, .epoch(let epoch)): begin(host, epoch)
        case (.readJobs, .jobs(let unfinished)): resume(host, unfinished)
        case (.renew, _): _ = reach(.renewedLease, host)
        case (.insert(let job), _): inserted(host, job)
        case (.setPaused(let job, _), _): pauseIsSaved(host, job)
        case (.save(let job, _, let confirmed), _): saved(host, job, confirmed)
        case (.publish(let job, _), .written):
            if reach(.publishWritten, host, job) { goOn(call, .commit) }
        case (.publish(let job, _), _): published(host, job)
        default: break
        }
    }

    private func retry(_ call: StoreCall) {
        switch call.request {
        // The next sign of life is due soon; who has left in order does not look back.
        case .renew: break
        // Whoever asked is told that it did not work.
        case .setPaused: break
        case .readLease,
            .takeOver where coordinators[call.host].isStandby:
            waitForLease(call.host)
        // What was to be saved may have been overtaken since: a job that has ended is not saved as running.
        case .save(let job, let change, let confirms) where !change.state.isFinal:
            if coordinators[call.host].jobs[job]?.isEnding == false {
                ask(call.host, .save(job, change, confirms: confirms), afterMilliseconds: 200)
            }
        default: ask(call.host, call.request, afterMilliseconds: 200)
        }
    }
}

/// How far a call is.
enum StorePhase { case begin, commit, inquire }
