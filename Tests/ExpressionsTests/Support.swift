import Expressions
import Testing

/// SplitMix64: the same numbers for the same seed on any machine.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 ..< bound.
    mutating func roll(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[roll(elements.count)] }
}

/// Printing gives something that parses to the same tree, and prints the same again.
func expectRoundTrip(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let program = try Program.parse(text)
    let printed = program.description
    let again = try Program.parse(printed)
    #expect(again == program, "\(text) printed as \(printed)", sourceLocation: sourceLocation)
    #expect(again.description == printed, sourceLocation: sourceLocation)
}

/// Formulas as users write them today.
enum Examples {
    static let all = [
        "group_rank(ts_rank(est_eps/close, 60), industry)",
        "-ts_corr(est_ptp, est_fcf, 252)",
        """
        slope = ts_regression(ts_backfill(news_pct_1min,60), ts_step(1), 5, rettype=2);
        winsorize(-ts_backfill(news_max_up_ret,60) * abs(slope), std = 4)
        """,
        """
        stats = generate_stats(alpha);
        ic = self_corr(stats.returns, 500); /* of each member */
        1 - reduce_max(if_else(ic == 1.0, nan, ic))
        """,
        "trade_when(ts_arg_max(volume, 5) < 1 && !is_nan(close), -rank(ts_delta(close, 2)), abs(returns) > .1)",
        "bucket(rank(cap), range=\"0, 1, 0.1\") # ten groups",
        "g = bucket(rank(cap), buckets = '2,5,6,7,10'); // five\ngroup_neutralize(quantile(x, driver=gaussian), g);",
    ]
}

/// A tree of the tests' own, written with a bracket around everything, whose value is known without the parser.
indirect enum Tree {
    case number(Int)
    case field(String)
    case sign(String, Tree)
    case infix(String, Tree, Tree)
    case conditional(Tree, Tree, Tree)
    case call(String, [Tree])

    static let infixes = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "^"]

    static func random(_ dice: inout Dice, depth: Int) -> Tree {
        if depth == 0 || dice.roll(8) == 0 {
            return dice.roll(3) == 0 ? .number(dice.roll(4)) : .field(dice.pick(["a", "b", "c", "d"]))
        }
        switch dice.roll(10) {
        case 0: return .sign(dice.pick(["-", "-", "!"]), random(&dice, depth: depth - 1))
        case 1:
            return .conditional(
                random(&dice, depth: depth - 1), random(&dice, depth: depth - 1), random(&dice, depth: depth - 1))
        case 2:
            let name = dice.pick(["abs", "min", "max", "add", "subtract", "multiply", "divide", "reverse", "inverse"])
            let count = ["abs", "reverse", "inverse"].contains(name) ? 1 : 2
            return .call(name, (0..<count).map { _ in random(&dice, depth: depth - 1) })
        default:
            return .infix(dice.pick(infixes), random(&dice, depth: depth - 1), random(&dice, depth: depth - 1))
        }
    }

    var bracketed: String {
        switch self {
        case .number(let value): "\(value)"
        case .field(let name): name
        case .sign(let sign, let operand): "(\(sign)\(operand.bracketed))"
        case .infix(let infix, let left, let right): "(\(left.bracketed) \(infix) \(right.bracketed))"
        case .conditional(let condition, let yes, let no):
            "(\(condition.bracketed) ? \(yes.bracketed) : \(no.bracketed))"
        case .call(let name, let arguments): "\(name)(\(arguments.map(\.bracketed).joined(separator: ", ")))"
        }
    }
}
