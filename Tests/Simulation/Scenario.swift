import ClusterModel

/// Everything a seed decides beforehand: the cluster, the jobs, and which faults are on.
package struct Scenario: Sendable {
    package struct Worker: Sendable {
        var name: String
        var host: String
        var slots: Int
        var credit: Int
        /// What it starts with.
        var profile: NumericProfile
        /// What it has measured of its core type and of those it can change to; empty for a worker that measures nothing.
        var coreTypes: [CoreTypeSpeed] = []
        var isRival = false
        /// What it says in its hello; nil for its credit.
        var claimedCredit: Int?
    }

    package struct Job: Sendable {
        var id: JobID
        var seed: UInt64
        var priority: Int
        /// Whose rows it publishes.
        var region: Int
        var stages: [Stage]
        var submitAt: Int64
        var cancelAt: Int64?
        /// Task of the first stage that fails wherever it runs.
        var poison: UInt32?
    }

    package struct Stage: Sendable {
        var taskCount: Int
        var grid: TaskGrid?
        /// Milliseconds a task of this stage usually takes.
        var taskMilliseconds: Int
    }

    package private(set) var faults: [Fault] = []
    package private(set) var workers: [Worker] = []
    package private(set) var jobs: [Job] = []
    /// Where a coordinator is killed: the how many-th time in all that the step is taken.
    package struct Kill: Sendable {
        let step: Step
        let occurrence: Int
        package init(step: Step, occurrence: Int) {
            self.step = step
            self.occurrence = occurrence
        }
    }

    package private(set) var kills: [Kill] = []
    /// One, or two of which the second waits.
    private(set) var coordinatorCount = 1
    var sharesDisk: Bool { coordinatorCount > 1 && isOn(.sharedDisk) }
    /// Those of the faults that change a message's bytes.
    private(set) var damages: [Fault] = []
    /// Milliseconds after which no more faults happen and everybody comes back.
    package private(set) var healAt: Int64 = 0
    private(set) var mergesInFlightMax = 1_000
    private(set) var lossPercent = 0
    private(set) var damagePercent = 0

    package init(seed: UInt64) {
        var random = RandomSource(seed: mix(seed))
        // Swarm testing: a quarter of the faults at a time finds more than all of them at once.
        // Each has its own draw, so that another kind of fault changes nothing for the others.
        faults = Fault.allCases.filter { fault in
            var own = RandomSource(seed: mix(seed) ^ mix(UInt64(fault.position)))
            return own.chance(percent: 25)
        }
        healAt = Int64(random.int(4_000...12_000))
        lossPercent = random.int(2...25)
        damagePercent = random.int(1...8)
        if isOn(.smallMergeQueue) { mergesInFlightMax = random.int(1...2) }
        damages = faults.filter { [.corruption, .truncation, .oversize, .wrongVersion].contains($0) }
        if isOn(.standby) || isOn(.secondCoordinator) { coordinatorCount = 2 }
        if isOn(.killAtStep) { drawKills(&random) }
        drawWorkers(&random)
        drawJobs(&random)
    }

    /// The simulated CPUs' core types; a worker runs one of them and may be able to change to the others.
    private static let cores = ["Haswell", "SkylakeX"]

    /// How long after the faults everything may take before it counts as stuck.
    var patienceMilliseconds: Int64 {
        // Leases beyond a worker's true credit are refused, and go back when they should have arrived: a liar that has nobody
        // beside it gets ahead by hardly more than a task in that time, and lies to the end.
        let taskCount = jobs.flatMap(\.stages).reduce(0) { $0 + $1.taskCount }
        return 90_000 + (isOn(.creditLie) ? 2_000 * Int64(taskCount) : 0)
    }

    package func isOn(_ fault: Fault) -> Bool { faults.contains(fault) }

    private mutating func drawWorkers(_ random: inout RandomSource) {
        let profiles = Self.cores.prefix(random.int(1...2)).map(Self.profile)
        for number in 0..<random.int(1...4) {
            let slots = random.int(1...2)
            var worker = Worker(
                name: "w\(number)", host: "host-\(number)", slots: slots, credit: slots + random.int(0...3),
                profile: profiles[random.int(0...(profiles.count - 1))])
            worker.coreTypes = drawCoreTypes(of: worker.profile, &random)
            workers.append(worker)
        }
        if isOn(.accomplices), workers.count > 1 { workers[1].host = workers[0].host }
        if isOn(.creditLie) {
            let liar = random.int(0...(workers.count - 1))
            workers[liar].claimedCredit = workers[liar].credit + random.int(1...20)
        }
        if isOn(.rival) {
            var rival = workers[0]
            rival.isRival = true
            workers.append(rival)
        }
    }

    private mutating func drawKills(_ random: inout RandomSource) {
        for _ in 0..<random.int(1...4) {
            let step = Step.allCases[random.int(0...(Step.allCases.count - 1))]
            kills.append(Kill(step: step, occurrence: random.int(1...(step.isRare ? 3 : 25))))
        }
    }

    static func profile(_ core: String) -> NumericProfile {
        NumericProfile(blasVersion: "0.3", coreType: core, epilogueVersion: 1)
    }

    private func drawCoreTypes(of present: NumericProfile, _ random: inout RandomSource) -> [CoreTypeSpeed] {
        let kind = random.int(0...3)
        // One of four has measured nothing, another one keeps to its core type.
        if kind == 0 { return [] }
        return Self.cores.filter { kind > 1 || $0 == present.coreType }.map { core in
            let speed = Double(random.int(10...100))
            return CoreTypeSpeed(coreType: core, float32GigaflopsPerSecond: speed, float64GigaflopsPerSecond: speed)
        }
    }

    private mutating func drawJobs(_ random: inout RandomSource) {
        for number in 1...random.int(1...3) { addJob(number, priority: random.int(0...1), from: 0, &random) }
        if isOn(.onDemand) {
            addJob(jobs.count + 1, priority: 100, from: 200, &random)
            // The same region once more; in half of the seeds nothing has changed since.
            jobs[jobs.count - 1].region = jobs[0].region
            if random.chance(percent: 50) {
                jobs[jobs.count - 1].seed = jobs[0].seed
                jobs[jobs.count - 1].stages = jobs[0].stages
            }
        }
        if isOn(.poisonTask) { jobs[0].poison = UInt32(random.int(0...(jobs[0].stages[0].taskCount - 1))) }
        if isOn(.cancel) {
            let position = random.int(0...(jobs.count - 1))
            jobs[position].cancelAt = jobs[position].submitAt + Int64(random.int(1...3_000))
        }
    }

    private mutating func addJob(_ number: Int, priority: Int, from earliest: Int, _ random: inout RandomSource) {
        let stages = (0..<random.int(1...3)).map { _ in drawStage(&random) }
        jobs.append(
            Job(
                id: JobID(Int64(number)), seed: random.next(), priority: priority,
                region: random.int(0...1), stages: stages,
                submitAt: Int64(random.int(earliest...(earliest + 1_500)))))
    }

    private func drawStage(_ random: inout RandomSource) -> Stage {
        let milliseconds = random.int(5...300)
        if random.chance(percent: 50) {
            let grid = TaskGrid(rowBlocks: 0..<random.int(2...6), blockCount: 6, group: random.int(1...3))
            return Stage(taskCount: grid.taskCount, grid: grid, taskMilliseconds: milliseconds)
        }
        return Stage(taskCount: random.int(1...10), grid: nil, taskMilliseconds: milliseconds)
    }

    /// One line for people.
    package var summary: String {
        let workers = workers.map { "\($0.name)\($0.isRival ? "'" : "") \($0.slots)/\($0.credit) \($0.cores)" }
        let jobs = jobs.map { "\($0.id): \($0.stages.map(\.taskCount)) tasks, priority \($0.priority)" }
        let faults = faults.isEmpty ? "none" : faults.map(\.rawValue).joined(separator: " ")
        let kills = kills.map { "\($0.step.name) \($0.occurrence)" }
        return "faults until \(healAt) ms: \(faults)\(kills.isEmpty ? "" : " (\(kills.joined(separator: ", ")))"); "
            + "\(coordinatorCount) coordinators; workers (slots/credit): \(workers.joined(separator: ", ")); "
            + "jobs: \(jobs.joined(separator: "; "))"
    }
}

extension Scenario.Worker {
    /// The core types it can run, the first one first.
    var runnable: [String] { [profile.coreType] + coreTypes.map(\.coreType).filter { $0 != profile.coreType } }

    fileprivate var cores: String { runnable.joined(separator: " or ") }
}
