import ClusterModel
import Scheduling
import Simulation
import Testing

@Suite("The simulation of coordinator and workers")
struct SeedTests {
    @Test("A thousand seeds of faults break no invariant, and everything ends", arguments: 0..<10)
    func thousandSeeds(hundred: UInt64) async {
        let totals = await simulate(seeds: (hundred * 100)..<(hundred * 100 + 100), tasks: 1, repeatEvery: 25)
        #expect(totals.seeds == 100)
        #expect(totals.repeated == 4)
        #expect(totals.unrepeatable == [], "these seeds did something else when run again")
        for outcome in totals.violations { report(outcome.seed) }
    }

    @Test("A seed does exactly the same every time, also while it is recorded", arguments: [1, 77, 4_242] as [UInt64])
    func replay(seed: UInt64) {
        var recording = SimulationOptions()
        recording.isRecording = true
        let first = simulate(seed: seed)
        let second = simulate(seed: seed, options: recording)
        #expect(first.traceHash == second.traceHash)
        #expect(first.eventCount == second.eventCount)
        #expect(second.trace.count > 100)
        #expect(simulate(seed: seed + 1).traceHash != first.traceHash)
    }

    @Test("Every kind of fault happens, and every way a result can go is taken")
    func coverage() async {
        let totals = await simulate(seeds: 0..<300, tasks: 2)
        for fault in Fault.allCases { #expect(totals.faults[fault] > 0, "\(fault.rawValue) never happens") }
        for step in Step.allCases { #expect(totals.steps.taken[step.rawValue] > 0, "\(step.name) is never reached") }
        #expect(totals.stepDowns > 0)
        #expect(totals.partialsReplayed > 0)
        let counters = totals.counters
        #expect(counters.speculativeLeases > 0)
        #expect(counters.attemptsAdopted > 0)
        #expect(counters.tasksRequeued > 0)
        #expect(counters.partialsRejected > 0)
        #expect(counters.resultsLateAccepted > 0)
        #expect(counters.resultsDropped > 0)
        #expect(counters.resultsDeferred > 0)
        #expect(counters.workersLost > 0)
        #expect(counters.workersRefused > 0)
        #expect(counters.coreTypeChangesAsked > 20)
        #expect(counters.messagesFromStrangers > 0)
        #expect(counters.messagesUndecodable > 0)
    }

    @Test("A coordinator killed at any one step is followed by one that ends all jobs", arguments: Step.allCases)
    func killedAt(step: Step) async {
        var options = SimulationOptions()
        options.kills = [1, 2].map { Scenario.Kill(step: step, occurrence: $0) }
        let totals = await simulate(seeds: 0..<20, options: options, tasks: 1)
        #expect(totals.steps.kills[step.rawValue] >= 3)
        #expect(totals.violations.map(\.seed) == [], "these seeds went wrong")
    }

    /// Runs the seed again with a record, so that the failure shows what happened to the task.
    private func report(_ seed: UInt64) {
        var options = SimulationOptions()
        options.isRecording = true
        let outcome = simulate(seed: seed, options: options)
        Issue.record(
            """
            seed \(seed): \(outcome.violation ?? "no violation the second time")
            \(outcome.summary)
            \(outcome.faultPlan.joined(separator: "\n"))
            \(outcome.story.joined(separator: "\n"))
            """)
    }
}
