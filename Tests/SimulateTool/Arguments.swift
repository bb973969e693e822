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

    static let usage = """
        usage: alphagrid-simulate [--seeds N] [--first S]       run N seeds from S on all cores
               alphagrid-simulate --seed X [--verbose]          run one seed; --verbose prints all that happens
               alphagrid-simulate --bench-scheduler [--workers N] [--tasks N]
        options: --plant BUG     plant a mistake in the scheduler, to see it caught
        """

    struct Mistake: Error { let sentence: String }

    init(_ arguments: some Sequence<String>) throws(Mistake) {
        var rest = Array(arguments)[...]
        while let flag = rest.popFirst() {
            switch flag {
            case "--seeds": seeds = try Self.number(flag, rest.popFirst())
            case "--first": first = try Self.number(flag, rest.popFirst())
            case "--seed": seed = try Self.number(flag, rest.popFirst())
            case "--workers": workers = Int(try Self.number(flag, rest.popFirst()))
            case "--tasks": tasks = Int(try Self.number(flag, rest.popFirst()))
            case "--verbose": isVerbose = true
            case "--bench-scheduler": benchesScheduler = true
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
}
