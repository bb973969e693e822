import ClusterModel
import Simulation

/// What the command line asks for.
struct Arguments {
    var seeds: UInt64 = 1_000
    var first: UInt64 = 0
    var seed: UInt64?
    var isVerbose = false
    var plantedBug: String?
    var benchesScheduler = false
    var workers = 10_000
    var tasks = 1_000_000
    var models = false
    var measuresMemory = false
    var model = ModelSettings()
    var hostCounts = [1, 2, 4, 8, 16, 32, 64, 128]
    var alphaCounts = [100_000, 1_000_000]
    var isJSON = false

    static let usage = """
        usage: alphagrid-simulate [--seeds N] [--first S]       run N seeds from S on all cores
               alphagrid-simulate --seed X [--verbose]          run one seed; --verbose prints all that happens
               alphagrid-simulate --bench-scheduler [--workers N] [--tasks N]
               alphagrid-simulate --model [--alphas N,N] [--days 1250] [--hosts 1,2,4] [--slots 32] [--gflops 200]
                                  [--overhead 1.3] [--gigabits 10] [--cache-gib 4] [--merge-gigabytes 2.5] [--float64]
                                  [--value-bytes 8] [--peer-blocks] [--json]  how long a correlation job would take on a cluster
        options: --plant BUG     plant a mistake in the scheduler, or in what is simulated around it, to see it caught
        """

    struct Mistake: Error { let sentence: String }

    init(_ arguments: some Sequence<String>) throws(Mistake) {
        var rest = Array(arguments)[...]
        while let flag = rest.popFirst() {
            switch flag {
            case "--seeds": seeds = try Self.count(flag, rest.popFirst())
            case "--first": first = try Self.number(flag, rest.popFirst())
            case "--seed": seed = try Self.number(flag, rest.popFirst())
            case "--workers": workers = Int(try Self.count(flag, rest.popFirst()))
            case "--tasks": tasks = Int(try Self.count(flag, rest.popFirst()))
            case "--verbose": isVerbose = true
            case "--bench-scheduler": benchesScheduler = true
            case "--model": models = true
            case "--model-memory": measuresMemory = true
            case "--alphas": alphaCounts = try Self.numbers(flag, rest.popFirst())
            case "--hosts": hostCounts = try Self.numbers(flag, rest.popFirst())
            case "--days": model.days = Int(try Self.count(flag, rest.popFirst()))
            case "--slots": model.slots = Int(try Self.count(flag, rest.popFirst()))
            case "--gflops": model.gigaflopsPerSlot = try Self.decimal(flag, rest.popFirst())
            case "--overhead": model.overhead = try Self.decimal(flag, rest.popFirst())
            case "--gigabits": model.gigabitsPerSecond = try Self.decimal(flag, rest.popFirst())
            case "--merge-gigabytes": model.mergeGigabytesPerSecond = try Self.decimal(flag, rest.popFirst())
            case "--cache-gib": model.cacheBytes = Int(try Self.decimal(flag, rest.popFirst()) * Double(1 << 30))
            case "--float64": model.precision = .float64
            case "--value-bytes": model.valueBytes = Int(try Self.number(flag, rest.popFirst()))
            case "--peer-blocks": model.servesPeers = true
            case "--json": isJSON = true
            case "--plant": plantedBug = rest.popFirst() ?? ""
            default: throw Mistake(sentence: "\(flag) is not an option")
            }
        }
    }

    private static func number(_ flag: String, _ text: String?) throws(Mistake) -> UInt64 {
        guard let text, let value = UInt64(text), value <= 1 << 40 else {
            throw Mistake(sentence: "\(flag) takes a number, not '\(text ?? "")'")
        }
        return value
    }

    /// Nothing at all is no run.
    private static func count(_ flag: String, _ text: String?) throws(Mistake) -> UInt64 {
        let value = try number(flag, text)
        guard value > 0 else { throw Mistake(sentence: "\(flag) is 0: expected 1 or more") }
        return value
    }

    private static func numbers(_ flag: String, _ text: String?) throws(Mistake) -> [Int] {
        var numbers: [Int] = []
        for part in (text ?? "").split(separator: ",", omittingEmptySubsequences: false) {
            numbers.append(Int(try count(flag, String(part))))
        }
        return numbers
    }

    private static func decimal(_ flag: String, _ text: String?) throws(Mistake) -> Double {
        guard let text, let value = Double(text), value > 0, value <= 1e6 else {
            throw Mistake(sentence: "\(flag) takes a number above 0, not '\(text ?? "")'")
        }
        return value
    }
}
