import ClusterModel
import Scheduling
import WorkerEngine

package struct SimulationOptions: Sendable {
    /// A mistake to plant in the scheduler; tests check that it is caught.
    package var plantedBug: PlantedBug?
    /// Keep a line of text for everything that happens; slow.
    package var isRecording = false
    /// Let the scheduler check its own books too; without, only what can be seen from outside counts.
    package var checksBooks = true
    package init() {}
}

package struct SimulationOutcome: Sendable {
    package var seed: UInt64
    /// The first invariant that broke, as a sentence; nil when all held.
    package var violation: String?
    package var summary: String
    /// Equal for two runs of one seed.
    package var traceHash: UInt64
    /// The lines of a recorded run.
    package var trace: [String]
    package var faults: FaultCounts
    /// Of all the coordinators of the run.
    package var counters: [SchedulerCounters]
    package var eventCount: Int
    package var milliseconds: Int64

    /// Of a recorded run: the lines about the task that the violation names, or the last ones if it names none.
    package var story: [String] {
        let named = (violation ?? "").split(separator: " ").first { $0.count { $0 == "/" } == 2 }
        guard let named else { return Array(trace.suffix(60)) }
        let task = named.trimmingPrefix("(")
        return trace.filter { line in
            guard let found = line.firstRange(of: task) else { return false }
            return found.upperBound == line.endIndex || !line[found.upperBound].isNumber
        }
    }
}

/// Runs a cluster of one coordinator and a few workers through the faults that a seed draws, and checks every step.
package func simulate(seed: UInt64, options: SimulationOptions = SimulationOptions()) -> SimulationOutcome {
    let simulation = Simulation(seed: seed, options: options)
    simulation.run()
    return SimulationOutcome(
        seed: seed, violation: simulation.violation, summary: simulation.scenario.summary,
        traceHash: simulation.trace.hash, trace: simulation.trace.lines, faults: simulation.faults, counters: simulation.counters,
        eventCount: simulation.eventCount, milliseconds: simulation.now.nanoseconds / 1_000_000)
}

/// The simulated world. Everything that happens comes from the agenda, in the order of its time.
final class Simulation {
    let scenario: Scenario
    let options: SimulationOptions
    let configuration: SchedulerConfiguration
    let workerConfiguration: WorkerConfiguration

    var random: RandomSource
    var agenda = Agenda()
    var now = MonotonicTime(nanoseconds: 0)
    var trace: Trace
    var faults = FaultCounts()
    var checkers: [any Checker]
    var violation: String?
    var eventCount = 0

    var coordinator = SimulatedCoordinator()
    var counters: [SchedulerCounters] = []
    var workers: [SimulatedWorker]
    var store = SimulatedStore()
    var peerCount: UInt64 = 0
    var workerByPeer: [Peer: Int] = [:]
    var incarnations: UInt64 = 0
    var hasHealed = false

    /// How long after the faults everything may take, and how many things may happen, before it counts as stuck.
    static let patienceMilliseconds: Int64 = 90_000
    static let eventsMax = 200_000

    init(seed: UInt64, options: SimulationOptions) {
        scenario = Scenario(seed: seed)
        self.options = options
        random = RandomSource(seed: mix(seed &+ 0x5EED))
        trace = Trace(isRecording: options.isRecording)
        workers = scenario.workers.map { SimulatedWorker($0) }
        checkers = allCheckers(withBooks: options.checksBooks)

        // The product's times, three to five times as fast, so that less heartbeats happen per task.
        var configuration = SchedulerConfiguration(blockPort: 5711)
        configuration.heartbeatMilliseconds = 500
        configuration.lostAfterMilliseconds = 3_000
        configuration.forgetAfterMilliseconds = 20_000
        configuration.leaseInFlightMilliseconds = 1_000
        configuration.stragglerMilliseconds = 500
        configuration.stragglerUnknownMilliseconds = 10_000
        configuration.lookahead = 4
        configuration.mergesInFlightMax = scenario.mergesInFlightMax
        self.configuration = configuration
        var workerConfiguration = WorkerConfiguration()
        workerConfiguration.heartbeatMilliseconds = 500
        workerConfiguration.coordinatorSilentAfterMilliseconds = 3_000
        workerConfiguration.resultResendMilliseconds = 1_000
        workerConfiguration.drainMilliseconds = 5_000
        self.workerConfiguration = workerConfiguration
    }

    func after(_ milliseconds: Int) -> MonotonicTime { now.advanced(milliseconds: Int64(milliseconds)) }

    func fail(_ sentence: String) {
        if violation == nil { violation = sentence }
    }

    // MARK: The course of the world

    func run() {
        startCoordinator()
        for worker in workers.indices where !workers[worker].scenario.isRival { startWorker(worker) }
        for (position, job) in scenario.jobs.enumerated() {
            store.insert(job.id)
            agenda.add(.jobArrives(position), at: after(Int(job.submitAt)))
            if let cancelAt = job.cancelAt { agenda.add(.jobIsCancelled(position), at: after(Int(cancelAt))) }
        }
        planFaults()
        agenda.add(.heals, at: after(Int(scenario.healAt)))
        let end = after(Int(scenario.healAt + Self.patienceMilliseconds))
        while violation == nil, let next = agenda.next() {
            now = next.at
            eventCount += 1
            if now > end || eventCount > Self.eventsMax {
                fail(stuckSentence())
                break
            }
            happen(next.happening)
            if hasHealed, store.areAllFinal, isQuiet { break }
        }
        if violation == nil { checkEnd() }
        if let scheduler = coordinator.scheduler { counters.append(scheduler.counters) }
    }

    func happen(_ happening: Happening) {
        switch happening {
        case .jobArrives, .jobIsCancelled:
            // People ask again when nobody answers.
            if coordinator.backlog != nil { agenda.add(happening, at: after(100)) } else { happensToCoordinator(happening) }
        case .reachesCoordinator, .coordinatorTick, .mergeEnds:
            if coordinator.backlog != nil {
                coordinator.backlog?.append(happening)
            } else {
                happensToCoordinator(happening)
            }
        case .reachesWorker(let worker, _, _, _), .workerTick(let worker), .workerConnects(let worker, _),
            .computed(let worker, _, _, _):
            if workers[worker].backlog != nil {
                workers[worker].backlog?.append(happening)
            } else {
                happens(happening, toWorker: worker)
            }
        case .faultBegins(let fault, let worker): begin(fault, worker)
        case .faultEnds(let fault, let worker): end(fault, worker)
        case .heals: heal()
        }
    }

    func happensToCoordinator(_ happening: Happening) {
        switch happening {
        case .reachesCoordinator(let peer, let parcel): coordinatorReceives(parcel, from: peer)
        case .coordinatorTick:
            guard coordinator.tickAt.map({ $0 <= now }) ?? false else { return }
            coordinator.tickAt = nil
            tell(.tick)
        case .mergeEnds(let generation, let ref, let handle): mergeEnds(generation, ref, handle)
        case .jobArrives(let position): jobArrives(scenario.jobs[position])
        case .jobIsCancelled(let position): jobIsCancelled(scenario.jobs[position])
        default: break
        }
    }

    // MARK: The end

    /// Nothing is in anybody's hands any more.
    var isQuiet: Bool {
        guard let scheduler = coordinator.scheduler, scheduler.emptinessCheck().isEmpty, coordinator.payloads.isEmpty
        else { return false }
        return workers.allSatisfy { worker in
            guard let engine = worker.engine else { return true }
            return engine.runningCount == 0 && engine.queuedCount == 0 && engine.unacknowledgedCount == 0
                && worker.tasks.isEmpty && worker.partials.isEmpty
        }
    }

    private func stuckSentence() -> String {
        var sentences: [String] = []
        for job in scenario.jobs where store.jobs[job.id]?.state.isFinal != true {
            sentences.append(coordinator.scheduler?.explain(job.id, at: now) ?? "there is no coordinator")
        }
        if sentences.isEmpty {
            sentences = coordinator.scheduler?.emptinessCheck().map { "left: \($0)" } ?? []
            sentences += workers.filter { $0.engine != nil }.map { worker in
                "\(worker.scenario.name) still has \(worker.engine?.unacknowledgedCount ?? 0) unacknowledged answers"
            }
        }
        return
            "not everything ended within \(Self.patienceMilliseconds) ms of the last fault: \(sentences.joined(separator: "; "))"
    }

    private func checkEnd() {
        for job in scenario.jobs {
            guard let stored = store.jobs[job.id] else { continue }
            switch stored.state {
            case .done where stored.value != ToyJob.value(of: job):
                fail("job \(job.id) published another value than one process computes")
            case .done where job.poison != nil:
                fail("job \(job.id) is done although one of its tasks always fails")
            case .cancelled where job.cancelAt == nil:
                fail("job \(job.id) was cancelled by nobody")
            default:
                break
            }
        }
    }
}
