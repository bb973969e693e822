import Scheduling
import Simulation
import Testing

/// Seeds that once went wrong. Each is run as it is, and once more with the mistake it found put back where that can be, which
/// shows that it would still be found: a change of what seeds draw makes a seed another story, and another has to be looked for.
@Suite("Seeds that have found mistakes")
struct KnownSeedsTests {
    struct Known: Sendable, CustomTestStringConvertible {
        let seed: UInt64
        let story: String
        var plantedBug: PlantedBug?
        var shellBug: ShellBug?
        var testDescription: String { "\(seed): \(story)" }
    }

    static let known: [Known] = [
        Known(
            seed: 9, story: "an answer to an earlier coordinator is merged although the job has another profile by now, or none",
            plantedBug: .lateProfileIgnored),
        Known(
            seed: 990, story: "one bit of a header on the way makes another good message of it", shellBug: .headersUnchecked),
        Known(seed: 11_689, story: "an answer that comes twice leaves a dispute to nobody, and its stage waits for ever"),
    ]

    @Test("They go well, and do not when the mistake is put back", arguments: known)
    func runs(known: Known) {
        var options = SimulationOptions()
        #expect(simulate(seed: known.seed, options: options).violation == nil)
        if known.plantedBug == nil, known.shellBug == nil { return }
        options.plantedBug = known.plantedBug
        options.shellBug = known.shellBug
        #expect(simulate(seed: known.seed, options: options).violation != nil, "this seed does not find it any more")
    }
}
