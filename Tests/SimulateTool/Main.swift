import Scheduling
import Simulation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `alphagrid-simulate`: many seeds on all cores, one seed in full, the scheduler alone under load, or a model of a cluster.
@main
enum Main {
    static func main() async {
        do throws(Arguments.Mistake) {
            let arguments = try Arguments(CommandLine.arguments.dropFirst())
            var options = SimulationOptions()
            if let name = arguments.plantedBug {
                options.plantedBug = PlantedBug(rawValue: name)
                options.shellBug = ShellBug(rawValue: name)
                if options.plantedBug == nil, options.shellBug == nil {
                    let names = PlantedBug.allCases.map(\.rawValue) + ShellBug.allCases.map(\.rawValue)
                    throw Arguments.Mistake(sentence: "--plant takes one of \(names.joined(separator: ", "))")
                }
            }
            if arguments.measuresMemory {
                showSchedulerMemory(arguments)
            } else if arguments.models {
                exit(showModel(arguments) ? 0 : 1)
            } else if arguments.benchesScheduler {
                benchScheduler(workers: arguments.workers, tasks: arguments.tasks)
            } else if let seed = arguments.seed {
                exit(show(seed, options, isVerbose: arguments.isVerbose) ? 0 : 1)
            } else {
                let last = arguments.first + arguments.seeds
                exit(await runMany(arguments.first..<last, options) ? 0 : 1)
            }
        } catch {
            print("\(error.sentence)\n\(Arguments.usage)")
            exit(2)
        }
    }

    /// - Returns: whether every seed went well.
    private static func runMany(_ seeds: Range<UInt64>, _ options: SimulationOptions) async -> Bool {
        let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let clock = ContinuousClock()
        let begin = clock.now
        let totals = await simulate(seeds: seeds, options: options, tasks: Int(cores), repeatEvery: 100)
        let elapsed = begin.duration(to: clock.now)
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        print("\(totals.seeds) seeds, \(totals.events) events, \(totals.simulatedSeconds) simulated seconds")
        print("\(Int(Double(totals.seeds) / seconds * 60)) seeds per minute on \(cores) cores")
        print("\(totals.repeated) seeds ran twice, \(totals.unrepeatable.count) of them differed")
        print("faults: \(totals.faults.total)")
        for fault in Fault.allCases { print("  \(fault.rawValue): \(totals.faults[fault])") }
        print("coordinators killed at")
        for step in Step.allCases {
            print("  \(step.name): \(totals.steps.kills[step.rawValue]), taken \(totals.steps.taken[step.rawValue]) times")
        }
        print("\(totals.stepDowns) coordinators stepped down, \(totals.partialsReplayed) partials were merged from logs")
        for outcome in totals.violations.prefix(20) {
            print("seed \(outcome.seed): \(outcome.violation ?? "")\n  \(outcome.summary)")
        }
        print("\(totals.violations.count) violations")
        if let worst = totals.violations.first {
            print("\nthe story of seed \(worst.seed):")
            _ = show(worst.seed, options, isVerbose: false)
        }
        return totals.violations.isEmpty && totals.unrepeatable.isEmpty
    }

    private static func show(_ seed: UInt64, _ options: SimulationOptions, isVerbose: Bool) -> Bool {
        var options = options
        options.isRecording = true
        let outcome = simulate(seed: seed, options: options)
        print("seed \(seed): \(outcome.summary)")
        if isVerbose || outcome.violation != nil {
            if !isVerbose {
                for line in outcome.faultPlan { print(line) }
                print("the story:")
            }
            for line in isVerbose ? outcome.trace : outcome.story { print(line) }
        }
        print(
            outcome.violation.map { "VIOLATION: \($0)" }
                ?? "no violation, \(outcome.eventCount) events in \(outcome.milliseconds) ms")
        return outcome.violation == nil
    }
}
