import ClusterModel
import DequeModule
import HeapModule
import Jobs
import Scheduling
import WorkerEngine

/// Runs a correlation job from its first submission to its last merge.
///
/// Real: the plan's stages, the scheduler, the workers' engines, the directory of blocks, the sizes of leases and partials.
/// Modelled: time, lines and block caches, where a message is taken off one line before it goes on to the next.
/// - Parameter cpuSeconds: CPU time of this thread, to tell what the real parts take; a constant in tests.
/// - Throws: `GridError` for settings out of range, and when the job does not end.
package func runModel(
    _ settings: ModelSettings, cpuSeconds: @escaping () -> Double = { 0 }
) throws(GridError) -> ModelOutcome {
    guard (1...Limits.workersMax).contains(settings.hosts), (1...Limits.slotsMax).contains(settings.slots),
        settings.gigaflopsPerSlot > 0, settings.gigabitsPerSecond > 0, settings.overhead > 0,
        settings.mergeGigabytesPerSecond > 0, settings.valueBytes == 4 || settings.valueBytes == 8
    else { throw GridError(.usage, "hosts, slots and speeds of a model must be more than 0, and values have 4 or 8 bytes") }
    let run = ModelRun(settings, try ModelPlan(settings), cpuSeconds)
    return try run.run()
}

/// What travels, and between whom: the coordinator is place 0, host h is place h + 1.
struct Cargo {
    enum Content {
        case toCoordinator(WorkerMessage)
        case toHost(CoordinatorMessage)
        case block(Int)
    }
    let content: Content
    let from: Int
    let to: Int
    let bytes: Int
    /// Control messages and blocks have sockets of their own.
    var connection: Int {
        if case .block = content { 2 * (from << 20 | to) + 1 } else { 2 * (from << 20 | to) }
    }
}

final class ModelRun {
    enum Happening {
        case lineEnds(Int)
        case arrives(Cargo)
        case blockIsAskedFor(Int, by: Int, of: Int)
        case blockIsSought(Int, by: Int, failedAt: Int?)
        case blockIsNoticed(Int, at: Int)
        case directoryTick
        case computed(Int, AttemptRef)
        case mergeEnds(TaskID, TaskSize)
        case submits
        case coordinatorTick
        case hostTick(Int)
    }

    private struct Entry: Comparable {
        let at: MonotonicTime
        let number: Int
        let happening: Happening
        static func < (a: Entry, b: Entry) -> Bool { (a.at, a.number) < (b.at, b.number) }
        static func == (a: Entry, b: Entry) -> Bool { a.number == b.number }
    }

    let settings: ModelSettings
    let plan: ModelPlan
    let cpuSeconds: () -> Double
    let stages: [ModelStage]
    var stageByPlan: [PlanHash: Int] = [:]
    var sizes: [[Int]: TaskSize] = [:]
    var stagesBegun = 0
    var isOver = false

    var now = MonotonicTime(nanoseconds: 0)
    private var agenda = Heap<Entry>()
    private var entryCount = 0
    var scheduler: Scheduler
    var events: Deque<SchedulerEvent> = []
    var isTelling = false
    var tickAt: MonotonicTime?
    /// Of the coordinator's block server; nil where only it has blocks.
    var directory: BlockDirectory?
    var directoryTickAt: MonotonicTime?
    var hosts: [ModelHost]
    /// Of place p: 2p takes things away from it, 2p + 1 brings them.
    var lines: [FairLink<Cargo>]
    private var lineEndsAt: [MonotonicTime?]
    var mergerIsFreeAt = MonotonicTime(nanoseconds: 0)
    var lastMergeAt = MonotonicTime(nanoseconds: 0)
    private var handles: UInt64 = 0
    var leasesMade = 0
    var stageResultBytes = 0
    var failure: String?
    var outcome: ModelOutcome

    /// Header, checksum and frames of a message, roughly.
    static let messageBytes = 200
    static let leasesPerTimed = 16
    private static let submitsAt = MonotonicTime(nanoseconds: 10_000_000)
    /// Without a merge for so long, the job is stuck.
    private static let patienceSeconds = 3_600.0

    init(_ settings: ModelSettings, _ plan: ModelPlan, _ cpuSeconds: @escaping () -> Double) {
        (self.settings, self.plan, self.cpuSeconds) = (settings, plan, cpuSeconds)
        stages = plan.stages()
        for (number, stage) in stages.enumerated() { stageByPlan[stage.stage.plan] = number }
        scheduler = Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 5_711))
        hosts = (0..<settings.hosts).map {
            ModelHost(number: $0, settings, blockCount: plan.plan.layout.blockCount)
        }
        lines = Array(repeating: FairLink(gigabitsPerSecond: settings.gigabitsPerSecond), count: 2 * settings.hosts + 2)
        lineEndsAt = Array(repeating: nil, count: lines.count)
        outcome = ModelOutcome(settings: settings)
    }

    func run() throws(GridError) -> ModelOutcome {
        outcome.tasks = stages.reduce(0) { $0 + $1.stage.taskCount }
        outcome.largestStageTasks = stages.map(\.stage.taskCount).max() ?? 0
        if settings.servesPeers { openDirectory() }
        for host in hosts.indices { tell(host, .connected) }
        expect(.submits, at: Self.submitsAt)
        while !isOver, failure == nil, let entry = agenda.popMin() {
            now = entry.at
            happen(entry.happening)
            if now.seconds(since: lastMergeAt) > Self.patienceSeconds {
                failure = "nothing was merged for an hour: \(scheduler.explain(JobID(1), at: now))"
            }
        }
        if let failure { throw GridError(.failed, "the modelled job does not end: \(failure)") }
        outcome.seconds = lastMergeAt.seconds(since: Self.submitsAt)
        outcome.tasksMerged = scheduler.counters.tasksMerged
        outcome.speculativeLeases = scheduler.counters.speculativeLeases
        outcome.coordinatorBytesSent = lines[0].bytesThrough
        outcome.resultBytes = lines[1].bytesThrough
        outcome.sendingSeconds = lines[0].busySeconds
        outcome.receivingSeconds = lines[1].busySeconds
        return outcome
    }

    func expect(_ happening: Happening, at moment: MonotonicTime) {
        entryCount += 1
        agenda.insert(Entry(at: max(moment, now), number: entryCount, happening: happening))
    }

    func after(seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: now.nanoseconds + Int64((seconds * 1e9).rounded()))
    }

    private func happen(_ happening: Happening) {
        switch happening {
        case .lineEnds(let line): lineEnds(line)
        case .arrives(let cargo): arrives(cargo)
        case .blockIsAskedFor(let block, let host, let place):
            serve(block, to: host, from: place)
        case .blockIsSought(let block, let host, let failedAt): seek(block, for: host, failedAt: failedAt)
        case .blockIsNoticed(let block, let host):
            tellDirectory(.notice(BlockNotice(hash: Self.hash(block), asker: UInt64(host + 1))))
        case .directoryTick:
            guard directoryTickAt == now else { return }
            directoryTickAt = nil
            tellDirectory(.tick)
        case .computed(let host, let ref): computed(ref, on: host)
        case .mergeEnds(let task, let size): mergeEnds(task, size)
        case .submits: submitNext()
        case .coordinatorTick:
            guard tickAt == now else { return }
            tickAt = nil
            tell(.tick)
        case .hostTick(let host):
            guard hosts[host].tickAt == now else { return }
            hosts[host].tickAt = nil
            tell(host, .tick)
        }
    }

    // MARK: Lines

    func send(_ content: Cargo.Content, bytes: Int, from: Int, to: Int) {
        let cargo = Cargo(content: content, from: from, to: to, bytes: bytes)
        lines[2 * from].send(cargo, bytes: bytes, connection: cargo.connection, at: now)
        watch(2 * from)
    }

    private func watch(_ line: Int) {
        guard let end = lines[line].nextEnd else { return }
        if let planned = lineEndsAt[line], planned <= end { return }
        lineEndsAt[line] = max(end, now)
        expect(.lineEnds(line), at: max(end, now))
    }

    private func lineEnds(_ line: Int) {
        // More connections may have come meanwhile, so that nothing is through yet.
        guard lineEndsAt[line] == now else { return }
        lineEndsAt[line] = nil
        for cargo in lines[line].takeThrough(at: now) {
            if line % 2 == 1 {
                expect(.arrives(cargo), at: MonotonicTime(nanoseconds: now.nanoseconds + settings.roundTripNanoseconds / 2))
            } else {
                lines[2 * cargo.to + 1].send(cargo, bytes: cargo.bytes, connection: cargo.connection, at: now)
                watch(2 * cargo.to + 1)
            }
        }
        watch(line)
    }

    private func arrives(_ cargo: Cargo) {
        switch cargo.content {
        case .toCoordinator(let message):
            handles += 1
            var payload: PayloadHandle?
            if case .result = message { payload = PayloadHandle(handles) }
            tell(.received(from: Peer(UInt64(cargo.from)), message, payload: payload, checksum: 1))
        case .toHost(let message):
            let host = cargo.to - 1
            var payload: PayloadHandle?
            if case .lease(let lease) = message {
                payload = hosts[host].newHandle()
                // As a worker does: blocks are on their way before a slot is free.
                for block in blocks(of: lease.ref) where !hosts[host].held.use(block) { hosts[host].want(block) }
                askForBlocks(host)
            }
            tell(host, .received(message, payload: payload))
        case .block(let block):
            let host = cargo.to - 1
            noticed(block, at: host)
            for ref in hosts[host].receive(block) { compute(ref, on: host) }
            askForBlocks(host)
        }
    }
}
