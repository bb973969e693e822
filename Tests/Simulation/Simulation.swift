import ClusterModel
import Scheduling
import WorkerEngine

package struct SimulationOptions: Sendable {
    /// A mistake to plant in the scheduler; tests check that it is caught.
    package var plantedBug: PlantedBug?
    /// One to plant in the simulated shells and database.
    package var shellBug: ShellBug?
    /// Where a coordinator is killed in every seed, besides where a seed does it.
    package var kills: [Scenario.Kill] = []
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
    package var steps: StepCounts
    /// Coordinators that heard of their successor, and partials that were merged from a log.
    package var stepDowns: Int
    package var partialsReplayed: Int
    /// Of all the coordinators of the run.
    package var counters: [SchedulerCounters]
    package var eventCount: Int
    package var milliseconds: Int64

    /// Of a recorded run: what went wrong when, and who came, went and took over.
    package var faultPlan: [String] {
        trace.filter { line in !line.contains(" <- ") && !line.contains(" -> ") }
    }

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
        traceHash: simulation.trace.hash, trace: simulation.trace.lines, faults: simulation.faults, steps: simulation.steps,
        stepDowns: simulation.stepDowns, partialsReplayed: simulation.partialsReplayed, counters: simulation.counters,
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
    /// Workers that have returned something wrong.
    var erred: Set<WorkerID> = []
    var steps = StepCounts()
    /// Of each coordinator's host.
    var checkers: [[any Checker]]
    var storeCheckers = StoreCheckers()
    var violation: String?
    var eventCount = 0

    /// One per host.
    var coordinators: [SimulatedCoordinator]
    var disks: [SimulatedDisk]
    var stepDowns = 0
    var partialsReplayed = 0
    var counters: [SchedulerCounters] = []
    var workers: [SimulatedWorker]
    var store: SimulatedStore
    var callCount = 0
    /// Hosts whose disk has lost or refused something.
    var diskTroubles: Set<Int> = []
    var peerCount: UInt64 = 0
    var workerByPeer: [Peer: Int] = [:]
    var incarnations: UInt64 = 0
    var hasHealed = false

    /// How many things may happen before it counts as stuck.
    static let eventsMax = 200_000

    init(seed: UInt64, options: SimulationOptions) {
        scenario = Scenario(seed: seed)
        self.options = options
        random = RandomSource(seed: mix(seed &+ 0x5EED))
        trace = Trace(isRecording: options.isRecording)
        workers = scenario.workers.map { SimulatedWorker($0) }
        coordinators = Array(repeating: SimulatedCoordinator(), count: scenario.coordinatorCount)
        disks = coordinators.map { _ in SimulatedDisk() }
        store = SimulatedStore(bug: options.shellBug)
        checkers = coordinators.map { _ in allCheckers(withBooks: options.checksBooks) }

        // The product's times, three to five times as fast, so that less heartbeats happen per task.
        var configuration = SchedulerConfiguration(blockPort: 5711)
        configuration.heartbeatMilliseconds = 500
        configuration.lostAfterMilliseconds = 3_000
        configuration.forgetAfterMilliseconds = 20_000
        configuration.leaseInFlightMilliseconds = 1_000
        configuration.stragglerMilliseconds = 500
        configuration.stragglerUnknownMilliseconds = 10_000
        configuration.lookahead = 4
        configuration.verificationWaitMilliseconds = 500
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
        for host in coordinators.indices where host == 0 || scenario.isOn(.standby) {
            startCoordinator(host, asStandby: host > 0)
        }
        for worker in workers.indices where !workers[worker].scenario.isRival { startWorker(worker) }
        for (position, job) in scenario.jobs.enumerated() {
            agenda.add(.jobArrives(position), at: after(Int(job.submitAt)))
            if let cancelAt = job.cancelAt { agenda.add(.jobIsCancelled(position), at: after(Int(cancelAt))) }
        }
        planFaults()
        agenda.add(.heals, at: after(Int(scenario.healAt)))
        let end = after(Int(scenario.healAt + scenario.patienceMilliseconds))
        while violation == nil, let next = agenda.next() {
            now = next.at
            eventCount += 1
            if now > end || eventCount > Self.eventsMax {
                fail(stuckSentence())
                break
            }
            happen(next.happening)
            if hasHealed, isQuiet { break }
        }
        if violation == nil { checkEnd() }
        for coordinator in coordinators { if let scheduler = coordinator.scheduler { counters.append(scheduler.counters) } }
    }

    func happen(_ happening: Happening) {
        switch happening {
        case .reachesCoordinator(let host, _, _), .coordinatorTick(let host), .mergeEnds(let host, _, _, _),
            .leaseIsDue(let host, _), .panelIsLoaded(let host, _, _), .logIsDue(let host, _, _):
            happens(happening, atHost: host)
        case .storeAnswers(let call, _): happens(happening, atHost: call.host)
        case .reachesWorker(let worker, _, _, _), .workerTick(let worker), .workerConnects(let worker, _),
            .computed(let worker, _, _, _):
            if workers[worker].backlog != nil {
                workers[worker].backlog?.append(happening)
            } else {
                happens(happening, toWorker: worker)
            }
        case .coordinatorStarts(let host, let asStandby): startCoordinator(host, asStandby: asStandby)
        case .reachesStore(let call, let phase): storeReceives(call, phase)
        case .jobArrives(let position): jobArrives(position)
        case .jobIsCancelled(let position): jobIsCancelled(position)
        case .jobIsResumed(let position): jobIsPaused(position, false)
        case .faultBegins(let fault, let place): begin(fault, place)
        case .faultEnds(let fault, let place): end(fault, place)
        case .heals: heal()
        }
    }

    private func happens(_ happening: Happening, atHost host: Int) {
        if coordinators[host].backlog != nil {
            coordinators[host].backlog?.append(happening)
        } else {
            happensToCoordinator(happening)
        }
    }

    func happensToCoordinator(_ happening: Happening) {
        switch happening {
        case .reachesCoordinator(let host, let peer, let parcel): coordinatorReceives(parcel, from: peer, at: host)
        case .coordinatorTick(let host):
            guard coordinators[host].tickAt.map({ $0 <= now }) ?? false else { return }
            coordinators[host].tickAt = nil
            tell(host, SchedulerEvent.tick)
        case .mergeEnds(let host, let generation, let ref, let handle): mergeEnds(host, generation, ref, handle)
        case .leaseIsDue(let host, let generation): leaseIsDue(host, generation)
        case .logIsDue(let host, let generation, let job): logIsDue(host, generation, job)
        case .panelIsLoaded(let host, let generation, let job): panelIsLoaded(host, generation, job)
        case .storeAnswers(let call, let answer): coordinatorGets(call, answer)
        default: break
        }
    }
}
