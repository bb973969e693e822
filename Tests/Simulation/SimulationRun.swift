import Scheduling

/// What came of many seeds.
package struct SimulationTotals: Sendable {
    package var seeds = 0
    package var events = 0
    package var simulatedSeconds = 0
    package var faults = FaultCounts()
    package var steps = StepCounts()
    package var stepDowns = 0
    package var partialsReplayed = 0
    package var counters = SchedulerCounters()
    /// Ordered by seed.
    package var violations: [SimulationOutcome] = []
    /// Seeds that were run a second time, and those of them that did not do the same again.
    package var repeated = 0
    package var unrepeatable: [UInt64] = []
    package init() {}

    mutating func add(_ outcome: SimulationOutcome) {
        seeds += 1
        events += outcome.eventCount
        simulatedSeconds += Int(outcome.milliseconds / 1_000)
        faults.add(outcome.faults)
        steps.add(outcome.steps)
        stepDowns += outcome.stepDowns
        partialsReplayed += outcome.partialsReplayed
        for one in outcome.counters { counters.add(one) }
        if outcome.violation != nil { violations.append(outcome) }
    }

    mutating func add(_ other: SimulationTotals) {
        seeds += other.seeds
        events += other.events
        simulatedSeconds += other.simulatedSeconds
        faults.add(other.faults)
        steps.add(other.steps)
        stepDowns += other.stepDowns
        partialsReplayed += other.partialsReplayed
        counters.add(other.counters)
        violations.append(contentsOf: other.violations)
        repeated += other.repeated
        unrepeatable += other.unrepeatable
    }
}

/// Runs the seeds, a share of them on each of `tasks` Swift tasks.
/// - Parameter repeatEvery: every so many-th seed runs twice and must do the same; 0 for none.
package func simulate(
    seeds: Range<UInt64>, options: SimulationOptions = SimulationOptions(), tasks: Int, repeatEvery: UInt64 = 0
) async -> SimulationTotals {
    var totals = await withTaskGroup(of: SimulationTotals.self) { group in
        let stride = UInt64(max(1, tasks))
        for share in 0..<stride {
            group.addTask { simulateShare(seeds, share, stride, options, repeatEvery) }
        }
        return await group.reduce(into: SimulationTotals()) { $0.add($1) }
    }
    totals.violations.sort { $0.seed < $1.seed }
    totals.unrepeatable.sort()
    return totals
}

private func simulateShare(
    _ seeds: Range<UInt64>, _ share: UInt64, _ stride: UInt64, _ options: SimulationOptions, _ repeatEvery: UInt64
) -> SimulationTotals {
    var totals = SimulationTotals()
    var seed = seeds.lowerBound + share
    while seed < seeds.upperBound {
        let outcome = simulate(seed: seed, options: options)
        totals.add(outcome)
        if repeatEvery > 0, seed % repeatEvery == 0 {
            totals.repeated += 1
            if simulate(seed: seed, options: options).traceHash != outcome.traceHash { totals.unrepeatable.append(seed) }
        }
        seed += stride
    }
    return totals
}
