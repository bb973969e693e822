import ClusterModel

// The way of a lease: queued, running, answered, acknowledged.

extension WorkerEngine {
    mutating func lease(_ lease: Lease, _ payload: PayloadHandle?) {
        guard let payload else {
            if !holds(lease.ref.attempt) {
                answer(lease.ref, .failed(TaskFailure(ref: lease.ref, message: "the lease came without its task")), payload: nil)
            }
            return
        }
        let held = queue.count + running.count
        let credit = Int(identity.credit)
        let isTooMuch = held >= credit || held + answers.count >= 2 * credit
        if holds(lease.ref.attempt) {
            effects.append(.release(payload))
        } else if isDraining || isTooMuch {
            // Not an answer, since nobody is to blame: the list of what is in hand tells the coordinator to take it back.
            effects.append(.release(payload))
            sayHelloUnlessJustSaid()
        } else {
            queue.append(LeasedTask(ref: lease.ref, kind: lease.kind, payload: payload))
            startNext()
        }
    }

    private func holds(_ attempt: AttemptID) -> Bool {
        queue.contains { $0.ref.attempt == attempt } || running.contains { $0.ref.attempt == attempt }
            || answers.contains { $0.ref.attempt == attempt }
    }

    mutating func startNext() {
        while running.count < Int(identity.slots), !queue.isEmpty {
            let task = queue.removeFirst()
            running.append(task)
            effects.append(.start(task.ref, kind: task.kind, payload: task.payload))
        }
    }

    mutating func finished(_ ref: AttemptRef, _ payload: PayloadHandle, computeSeconds: Double, flops: Double) {
        guard endRunning(ref) else {
            effects.append(.release(payload))
            return
        }
        flopsTotal += flops
        busySecondsTotal += computeSeconds
        answer(ref, .result(TaskResult(ref: ref, computeSeconds: computeSeconds, flops: flops)), payload: payload)
        startNext()
    }

    /// The task fails here, and is computed elsewhere. A machine to which this happens again is not to be trusted with any.
    mutating func damaged(_ ref: AttemptRef, _ message: String) {
        if !endRunning(ref) {
            // Or its answer waits to be acknowledged.
            guard answers.contains(where: { $0.ref == ref && $0.payload != nil }) else { return }
            acknowledged(ref.attempt)
        }
        answer(ref, .failed(TaskFailure(ref: ref, message: message)), payload: nil)
        damageCount += 1
        if damageCount < Limits.damagesPerWorkerMax {
            startNext()
        } else {
            if link != .absent { effects.append(.send(.goodbye)) }
            exit(.machineSuspect(message))
        }
    }

    /// Takes a task from its slot and lets go of its payload; false when it was not running.
    mutating func endRunning(_ ref: AttemptRef) -> Bool {
        guard let position = running.firstIndex(where: { $0.ref == ref }) else { return false }
        effects.append(.release(running.remove(at: position).payload))
        return true
    }

    /// A task that has started is finished all the same: its result may still be of use, and is compared if not.
    mutating func cancel(_ attempts: [AttemptID]) {
        for attempt in attempts {
            guard let position = queue.firstIndex(where: { $0.ref.attempt == attempt }) else { continue }
            let task = queue.remove(at: position)
            effects.append(.release(task.payload))
            answer(task.ref, .failed(TaskFailure(ref: task.ref, message: "cancelled before it started")), payload: nil)
        }
    }

    mutating func answer(_ ref: AttemptRef, _ message: WorkerMessage, payload: PayloadHandle?) {
        let wait = configuration.resultResendMilliseconds
        answers.append(
            Answer(
                ref: ref, message: message, payload: payload, sendAgainAt: now.advanced(milliseconds: wait),
                waitMilliseconds: wait))
        // To a coordinator that does not know the connection it would be a stranger's; the welcome sends it.
        if link == .welcomed { effects.append(.send(message, payload: payload)) }
    }

    mutating func acknowledged(_ attempt: AttemptID) {
        guard let position = answers.firstIndex(where: { $0.ref.attempt == attempt }) else { return }
        if let payload = answers.remove(at: position).payload { effects.append(.release(payload)) }
    }

    /// Sends what is due, or everything on a connection that is new to the coordinator.
    mutating func sendAnswers(all: Bool) {
        let first = configuration.resultResendMilliseconds
        for position in answers.indices where all || answers[position].sendAgainAt <= now {
            let wait = all ? first : min(2 * answers[position].waitMilliseconds, 8 * first)
            answers[position].waitMilliseconds = wait
            answers[position].sendAgainAt = now.advanced(milliseconds: wait)
            effects.append(.send(answers[position].message, payload: answers[position].payload))
        }
    }
}
