import ClusterModel
import DequeModule
import WorkerEngine

// The hosts' shells: do what the engines say, fetch blocks, compute for as long as it takes.

extension ModelRun {
    func tell(_ host: Int, _ event: WorkerEvent) {
        for effect in hosts[host].engine.handle(event, at: now) {
            switch effect {
            case .send(let message, let payload):
                var bytes = Self.messageBytes
                if case .result(let result) = message, payload != nil, let size = size(of: result.ref.task) {
                    bytes += size.partialBytes
                }
                send(.toCoordinator(message), bytes: bytes, from: host + 1, to: 0)
            case .start(let ref, _, _): start(ref, on: host)
            case .release: break
            case .reconnect: failure = "host \(host) heard nothing of the coordinator for too long"
            case .exit: failure = "host \(host) left"
            }
        }
        guard let deadline = hosts[host].engine.nextDeadline else { return }
        if let planned = hosts[host].tickAt, planned <= deadline { return }
        let at = max(deadline, MonotonicTime(nanoseconds: now.nanoseconds + 1))
        hosts[host].tickAt = at
        expect(.hostTick(host), at: at)
    }

    func stage(of task: TaskID) -> ModelStage? { stageByPlan[task.plan].map { stages[$0] } }

    func blocks(of ref: AttemptRef) -> [Int] {
        guard let (rows, columns) = stage(of: ref.task)?.blocks(ofTask: Int(ref.task.index)) else { return [] }
        return rows + columns.filter { !rows.contains($0) }
    }

    func size(of task: TaskID) -> TaskSize? {
        guard let number = stageByPlan[task.plan] else { return nil }
        let index = Int(task.index)
        let key = [number] + plan.sizeKey(ofTask: index, in: stages[number])
        if let size = sizes[key] { return size }
        let size = plan.size(ofTask: index, in: stages[number])
        sizes[key] = size
        return size
    }

    func start(_ ref: AttemptRef, on host: Int) {
        let missing = blocks(of: ref).filter { !hosts[host].held.use($0) }
        if missing.isEmpty {
            compute(ref, on: host)
            return
        }
        hosts[host].lacking[ref.attempt] = missing.count
        for block in missing {
            hosts[host].waiting[block, default: []].append(ref)
            hosts[host].want(block)
        }
        askForBlocks(host)
    }

    func askForBlocks(_ host: Int) {
        // As many parts at once as a worker asks for.
        let size = BlockSize(edge: settings.blockEdge, dayCount: settings.days)
        let parts = min(Limits.blockPartsInFlightMax, Limits.blockPartBytesInFlightMax / size.byteCount(ofPart: 0))
        while hosts[host].asked < max(1, parts / size.partCount), let block = hosts[host].wanted.popFirst() {
            hosts[host].asked += 1
            expect(.blockIsSought(block, by: host, failedAt: nil), at: oneWay)
        }
    }

    func compute(_ ref: AttemptRef, on host: Int) {
        guard let size = size(of: ref.task) else { return }
        let seconds = flops(size) / (settings.gigaflopsPerSlot * 1e9) * settings.overhead
        outcome.slotSeconds += seconds
        expect(.computed(host, ref), at: after(seconds: seconds))
    }

    func flops(_ size: TaskSize) -> Double {
        Double(size.tileCount) * 2 * Double(settings.blockEdge * settings.blockEdge * settings.days)
    }

    func computed(_ ref: AttemptRef, on host: Int) {
        guard let size = size(of: ref.task) else { return }
        let handle = hosts[host].newHandle()
        tell(host, .finished(ref, payload: handle, computeSeconds: 0, flops: flops(size)))
    }
}
