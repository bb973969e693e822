import ClusterModel
import DequeModule

// A sample of the tasks is computed again by another worker of the profile, and the bytes are compared.
//
// The second lease goes out as soon as the first result is there and somebody has room, ahead of the job's own queue: kept for
// the end, all of them together would delay the job, while one after another they cost their share of the work. The stage waits
// for those that are out, a little more than a task's time at most, since what is found out later would be published already.

extension Scheduler {
    /// Has a task whose first result has just come computed again, if it is of the sample and somebody could do it.
    mutating func verify(_ task: UInt32, _ job: Int, _ first: Verification.Answer) {
        guard let stage = jobs[job]?.stage, let profile = jobs[job]?.profile, profiles[profile].workers > 1,
            stage.verifications.count < Limits.verificationsPerStageMax, stage.verifications[task] == nil,
            stage.isSampled(task, share: configuration.verifiedShare, salt: configuration.verificationSalt)
        else { return }
        open(Verification(answers: [first]), of: task, job)
        jobs[job]?.stage?.verificationQueue.append(task)
    }

    private mutating func open(_ verification: Verification, of task: UInt32, _ job: Int) {
        jobs[job]?.stage?.verifications[task] = verification
        verificationsOpen += 1
    }

    /// Ends a verification, whatever it has led to. What is still being computed for it is of no use any more.
    mutating func endVerification(of task: UInt32, _ job: Int) {
        guard let verification = jobs[job]?.stage?.verifications.removeValue(forKey: task) else { return }
        jobs[job]?.stage?.verificationQueue.removeAll { $0 == task }
        verificationsOpen -= 1
        if let id = verification.attempt, let attempt = attempts[id] {
            attempts[id]?.state = .doomed
            send(.cancel([id]), to: attempt.worker)
        }
    }

    // MARK: Leases

    /// Leases what waits to be verified, and ends what cannot be verified any more.
    mutating func leaseVerifications() {
        guard verificationsOpen > 0 else { return }
        for job in runOrder where jobs[job]?.stage?.verifications.isEmpty == false {
            guard let profile = jobs[job]?.profile else { continue }
            if mayVerify(job, profile) { leaseVerifications(of: job, profile) }
            settleDisputes(job, profile)
            completeStageIfDone(job)
        }
    }

    /// Not ahead of the tasks of a job that comes before.
    private func mayVerify(_ job: Int, _ profile: Int) -> Bool {
        guard mayLease(job) else { return false }
        guard let first = readyOrder.first(where: { jobs[$0]?.profile == profile }), first != job,
            let mine = jobs[job], let other = jobs[first]
        else { return true }
        return JobRecord.runsBefore(mine, other)
    }

    private mutating func leaseVerifications(of job: Int, _ profile: Int) {
        guard let waiting = jobs[job]?.stage?.verificationQueue.prefix(Limits.verificationsLookedAtMax) else { return }
        for task in waiting {
            guard let verification = jobs[job]?.stage?.verifications[task],
                let worker = freeWorker(for: verification, profile, after: task),
                let attempt = newAttempt(task, job, worker, state: .verifying)
            else { continue }
            jobs[job]?.stage?.verificationQueue.removeAll { $0 == task }
            jobs[job]?.stage?.verifications[task]?.attempt = attempt
        }
    }

    /// One of another party, if there is any: a busy one is waited for.
    private func freeWorker(for verification: Verification, _ profile: Int, after task: UInt32) -> Int? {
        let (idle, topUp) = (profiles[profile].idle, profiles[profile].topUp)
        guard verification.answers.count < Limits.verificationAnswersMax, !idle.isEmpty || !topUp.isEmpty else { return nil }
        func isOther(_ worker: Int) -> Bool {
            verification.isFor(workers[worker].id) && !verification.hasHeard(workers[worker].party)
        }
        if let other = freeWorker(profile, after: task, where: isOther) { return other }
        if !planted(.partiesIgnored),
            workers.indices.contains(where: { workers[$0].leasable && workers[$0].profile == profile && isOther($0) })
        {
            return nil
        }
        return freeWorker(profile, after: task) { verification.isFor(workers[$0].id) }
    }

    /// A free slot, or else credit; from a place on that differs from task to task, so that all workers look after each other.
    private func freeWorker(_ profile: Int, after task: UInt32, where isWanted: (Int) -> Bool) -> Int? {
        let start = Int(task) % max(1, workers.count)
        for set in [profiles[profile].idle, profiles[profile].topUp] {
            for range in [start..<workers.count, 0..<start] {
                var next = set.next(from: range.lowerBound)
                while let worker = next, worker < range.upperBound {
                    if isWanted(worker) { return worker }
                    next = set.next(from: worker + 1)
                }
            }
        }
        return nil
    }

    /// Whether anybody could still give another answer, now or later.
    private func hasJudge(_ verification: Verification, _ profile: Int) -> Bool {
        verification.attempt != nil
            || verification.answers.count < Limits.verificationAnswersMax
                && workers.contains { $0.leasable && $0.profile == profile && verification.isFor($0.id) }
    }

    // MARK: Answers

    /// Tasks are pure, so two results of one task by workers of one profile are the same bytes, or somebody computes wrongly.
    /// It does not matter why there are two: a sample, a straggler, a worker that was thought lost.
    mutating func compare(_ checksum: UInt32?, _ ref: AttemptRef, _ job: Int, _ worker: Int) {
        let task = ref.task.index
        let isAwaited = jobs[job]?.stage?.verifications[task]?.attempt == ref.attempt
        if isAwaited { jobs[job]?.stage?.verifications[task]?.attempt = nil }
        let answer = checksum.map { self.answer(of: worker, $0) }
        guard let answer, workers[worker].profile == jobs[job]?.profile, let known = answers(of: task, job),
            !planted(.verificationIgnored)
        else {
            if isAwaited { endVerification(of: task, job) }
            completeStageIfDone(job)
            return
        }
        if known.contains(where: { $0.checksum != answer.checksum }) {
            disagree(answer, known, ref, job)
        } else if !known.contains(where: { $0.worker == answer.worker }) {
            counters.tasksVerified += 1
            keepAnswer(of: task, job)
            endVerification(of: task, job)
            completeStageIfDone(job)
        }
    }

    func answer(of worker: Int, _ checksum: UInt32) -> Verification.Answer {
        Verification.Answer(worker: workers[worker].id, party: workers[worker].party, checksum: checksum)
    }

    /// Whoever is still at it, was thought lost, or computes a lease twice that came twice, may answer when the verification has
    /// ended: that is compared with this.
    private mutating func keepAnswer(of task: UInt32, _ job: Int) {
        guard let record = jobs[job], let stage = record.stage, let verification = stage.verifications[task],
            !verification.isDisputed, let known = verification.answers.first
        else { return }
        note(TaskID(job: record.id, plan: stage.plan, index: task), job) { note, _ in note.answer = note.answer ?? known }
    }

    private func answers(of task: UInt32, _ job: Int) -> [Verification.Answer]? {
        guard let stage = jobs[job]?.stage else { return nil }
        if let verification = stage.verifications[task] { return verification.answers }
        if let merge = stage.merges[task] {
            return merge.answer.map { [$0] }
        }
        return stage.notes[task]?.answer.map { [$0] }
    }

    private mutating func disagree(
        _ answer: Verification.Answer, _ known: [Verification.Answer], _ ref: AttemptRef, _ job: Int
    ) {
        let task = ref.task.index
        if let before = known.first(where: { $0.worker == answer.worker }) {
            // Sent again, or by another attempt, an answer of a dispute tells nothing new: somebody else has to be asked.
            if before.checksum == answer.checksum { return queueVerification(of: task, job) }
            // It was asked to decide a dispute, perhaps; somebody else has to.
            queueVerification(of: task, job)
            let sentence = "worker \(answer.worker) gave two different results of \(subject(task, job))"
            suspect(answer.worker, sentence, task: ref.task)
            return
        }
        note(ref.task, job) { $0.add(.differs, attempt: ref.attempt, worker: answer.worker, at: $1) }
        if known.count == 1 {
            counters.disagreements += 1
            alarm(
                "worker \(answer.worker) computed other bytes for \(subject(task, job)) than worker \(known[0].worker): "
                    + "one of them computes wrongly", worker: answer.worker, task: ref.task)
        }
        if jobs[job]?.stage?.verifications[task] == nil { open(Verification(answers: known), of: task, job) }
        jobs[job]?.stage?.verifications[task]?.answers.append(answer)
        queueVerification(of: task, job)
        decide(task, job)
    }

    /// Has a dispute that waits for nobody's answer decided by somebody, ahead of what nobody doubts.
    private mutating func queueVerification(of task: UInt32, _ job: Int) {
        guard let verification = jobs[job]?.stage?.verifications[task], verification.attempt == nil,
            jobs[job]?.stage?.verificationQueue.contains(task) == false
        else { return }
        jobs[job]?.stage?.verificationQueue.prepend(task)
    }

    /// Whoever is alone against two others, of different parties, computes wrongly.
    private mutating func decide(_ task: UInt32, _ job: Int) {
        guard let name = jobs[job]?.id, let plan = jobs[job]?.stage?.plan,
            let verification = jobs[job]?.stage?.verifications[task],
            let right = verification.majority(ofParties: !planted(.partiesIgnored))
        else { return }
        let (subject, id) = (subject(task, job), TaskID(job: name, plan: plan, index: task))
        let others = verification.answers.filter { $0.checksum == right }.map(\.worker.rawValue).joined(separator: " and ")
        endVerification(of: task, job)
        for answer in verification.answers where answer.checksum != right {
            let sentence = "worker \(answer.worker) computed other bytes for \(subject) than \(others), which agree"
            suspect(answer.worker, sentence, task: id)
        }
        completeStageIfDone(job)
    }

    /// Fails a job with a dispute that nobody is left to decide: one of its partials is wrong, and may be the merged one.
    private mutating func settleDisputes(_ job: Int, _ profile: Int) {
        for task in jobs[job]?.stage?.verificationQueue ?? [] {
            guard let verification = jobs[job]?.stage?.verifications[task], verification.isDisputed,
                !hasJudge(verification, profile)
            else { continue }
            let names = verification.answers.map(\.worker.rawValue).joined(separator: ", ")
            failJob(
                job,
                "workers \(names) computed different bytes for \(subject(task, job)), and there is no other worker of their "
                    + "numeric profile, best of all with another key or on another host, to say who is right: have their memory "
                    + "and CPU checked")
            return
        }
    }

    private func subject(_ task: UInt32, _ job: Int) -> String {
        "task \(task) of job \(jobs[job].map { "\($0.id)" } ?? "?"), stage \(stageName(job))"
    }

    /// An attempt at a verification has ended without an answer.
    mutating func unverified(_ id: AttemptID, _ attempt: Attempt, failed: Bool) {
        let task = attempt.task.index
        guard let job = jobByID[attempt.task.job], jobs[job]?.stage?.plan == attempt.task.plan,
            jobs[job]?.stage?.verifications[task]?.attempt == id
        else { return }
        if !failed { keepAnswer(of: task, job) }
        jobs[job]?.stage?.verifications[task]?.attempt = nil
        if failed { jobs[job]?.stage?.verifications[task]?.failedOn.append(workers[attempt.worker].id) }
        if let verification = jobs[job]?.stage?.verifications[task], !verification.isDisputed,
            verification.failedOn.count >= configuration.distinctWorkersFailedMax
        {
            counters.verificationsGivenUp += 1
            endVerification(of: task, job)
            completeStageIfDone(job)
            return
        }
        jobs[job]?.stage?.verificationQueue.append(task)
    }

    // MARK: The end of a stage

    /// Ends what would keep a stage waiting whose tasks are all merged: what nobody could take now, and everything undisputed
    /// when its time is over.
    mutating func giveUpVerifications(_ job: Int) {
        guard let stage = jobs[job]?.stage, let since = stage.allMergedAt, let profile = jobs[job]?.profile else { return }
        let usual = 2 * (stage.usualMilliseconds ?? 0)
        let isOver = now >= since.advanced(milliseconds: max(usual, configuration.verificationWaitMilliseconds))
        // Dictionaries have no order that repeats, so what comes out of them is sorted.
        for task in stage.verifications.keys.sorted() {
            guard let verification = stage.verifications[task], !verification.isDisputed else { continue }
            if isOver || !hasJudge(verification, profile) {
                counters.verificationsGivenUp += 1
                // Where another task is disputed, the stage goes on.
                if verification.attempt != nil { keepAnswer(of: task, job) }
                endVerification(of: task, job)
            }
        }
    }
}
