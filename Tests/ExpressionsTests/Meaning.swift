import Expressions

/// What a program evaluates to in arithmetic modulo a large prime, in which sums and products are exact and everything
/// else is a function that scatters its arguments. Programs of different meaning differ there almost surely, and programs
/// that only differ in rounding are equal.
struct Meaning {
    private static let prime: UInt64 = (1 << 61) - 1
    /// Decides the values of fields and the functions.
    let seed: UInt64

    func value(of program: Program) -> UInt64 {
        var values = [UInt64](repeating: 0, count: program.nodes.count)
        var variables: [String: UInt64] = [:]
        var next = 0
        for statement in program.statements {
            for node in next...statement.value { values[node] = value(program.nodes[node], values, variables) }
            next = statement.value + 1
            if let target = statement.target { variables[target] = values[statement.value] }
        }
        return values[program.alpha]
    }

    private func value(_ node: Program.Node, _ values: [UInt64], _ variables: [String: UInt64]) -> UInt64 {
        switch node {
        case .number(let number): number == number.rounded() ? UInt64(number) : scattered("number \(number)", [])
        case .text(let text): scattered("text \(text)", [])
        case .boolean(let value): scattered("boolean \(value)", [])
        case .nan: scattered("nan", [])
        case .name(let name): variables[name] ?? scattered("name \(name)", [])
        case .member(let base, let name): scattered("member \(name)", [values[base]])
        case .unary(.negate, let operand): negated(values[operand])
        case .unary(.not, let operand): truth(values[operand]) ? 0 : 1
        case .binary(let infix, let left, let right): value(infix, values[left], values[right])
        case .conditional(let condition, let yes, let no): truth(values[condition]) ? values[yes] : values[no]
        case .call(let call): value(call, values)
        }
    }

    private func value(_ infix: BinaryOperator, _ a: UInt64, _ b: UInt64) -> UInt64 {
        switch infix {
        case .add: sum(a, b)
        case .subtract: sum(a, negated(b))
        case .multiply: product(a, b)
        case .divide: product(a, inverse(b))
        case .power: scattered("power", [a, b])
        case .less: scattered("less", [a, b])
        case .greater: scattered("less", [b, a])
        case .lessEqual: scattered("lessEqual", [a, b])
        case .greaterEqual: scattered("lessEqual", [b, a])
        case .equal: scattered("equal", [min(a, b), max(a, b)])
        case .notEqual: scattered("notEqual", [min(a, b), max(a, b)])
        case .and: truth(a) && truth(b) ? 1 : 0
        case .or: truth(a) || truth(b) ? 1 : 0
        }
    }

    private func value(_ call: Program.Call, _ values: [UInt64]) -> UInt64 {
        let arguments = call.positional.map { values[$0] }
        switch (call.name.lowercased(), arguments.count) {
        case ("add", 2): return value(.add, arguments[0], arguments[1])
        case ("subtract", 2): return value(.subtract, arguments[0], arguments[1])
        case ("multiply", 2): return value(.multiply, arguments[0], arguments[1])
        case ("divide", 2): return value(.divide, arguments[0], arguments[1])
        case ("power", 2): return value(.power, arguments[0], arguments[1])
        case ("and", 2): return value(.and, arguments[0], arguments[1])
        case ("or", 2): return value(.or, arguments[0], arguments[1])
        case ("reverse", 1): return negated(arguments[0])
        case ("inverse", 1): return inverse(arguments[0])
        case ("if_else", 3): return truth(arguments[0]) ? arguments[1] : arguments[2]
        case ("min", _), ("max", _): return scattered(call.name.lowercased(), arguments.sorted())
        default: return scattered("call " + call.name.lowercased(), arguments)
        }
    }

    // MARK: Arithmetic

    private func sum(_ a: UInt64, _ b: UInt64) -> UInt64 { (a + b) % Self.prime }
    private func negated(_ a: UInt64) -> UInt64 { a == 0 ? 0 : Self.prime - a }
    private func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        return Self.prime.dividingFullWidth((high, low)).remainder
    }

    /// By Fermat's little theorem; of 0 it is 0.
    private func inverse(_ a: UInt64) -> UInt64 {
        var (result, base, exponent) = (UInt64(1), a, Self.prime - 2)
        while exponent > 0 {
            if exponent & 1 == 1 { result = product(result, base) }
            base = product(base, base)
            exponent >>= 1
        }
        return result
    }

    private func truth(_ a: UInt64) -> Bool { a < 2 ? a == 1 : scattered("truth", [a]) & 1 == 1 }

    private func scattered(_ word: String, _ arguments: [UInt64]) -> UInt64 {
        var state = seed
        for byte in word.utf8 {
            var dice = Dice(seed: state ^ UInt64(byte))
            state = dice.next()
        }
        for argument in arguments {
            var dice = Dice(seed: state ^ argument)
            state = dice.next()
        }
        return state % Self.prime
    }
}

/// Writes a tree in other words that mean the same.
struct Respelling {
    private var dice: Dice
    private var statements: [String] = []

    static func write(_ tree: Tree, seed: UInt64) -> String {
        var respelling = Respelling(dice: Dice(seed: seed))
        let alpha = respelling.text(tree)
        return (respelling.statements + [alpha]).joined(separator: respelling.dice.pick(["; ", ";\n\t", "/* ; */ ;"]))
    }

    private mutating func text(_ tree: Tree) -> String {
        let text = spelled(tree)
        guard dice.roll(6) == 0 else { return text }
        let name = "v\(statements.count)"
        statements.append("\(name) = \(text)")
        return name
    }

    private mutating func spelled(_ tree: Tree) -> String {
        switch tree {
        case .number(let value): return dice.pick(["\(value)", "\(value).", "\(value).00", "\(value)e0", "0\(value)"])
        case .field(let name): return dice.pick([name, "(\(name))", " \(name) "])
        case .sign("-", let operand):
            let inner = text(operand)
            return dice.pick(["(-(\(inner)))", "(-1 * \(inner))", "(\(inner) * -1)", "Reverse(\(inner))", "(-1. * 1 * \(inner))"])
        case .sign(_, let operand): return dice.pick(["(!(\(text(operand))))", "(not \(text(operand)))"])
        case .conditional(let condition, let yes, let no):
            let parts = [text(condition), text(yes), text(no)]
            return dice.pick(["((\(parts[0])) ? \(parts[1]) : \(parts[2]))", "If_Else(\(parts.joined(separator: " , ")))"])
        case .call(let name, let arguments):
            let parts = arguments.map { text($0) }
            let swaps = ["min", "max", "add", "multiply"].contains(name) && dice.roll(2) == 0
            let spelledName = dice.pick([name, name.uppercased()])
            let filter = ["add", "subtract", "multiply"].contains(name) ? dice.pick(["", ", filter = False"]) : ""
            return "\(spelledName)(\((swaps ? parts.reversed() : parts).joined(separator: ","))\(filter))"
        case .infix(let infix, let left, let right): return infixText(infix, left, right)
        }
    }

    private mutating func infixText(_ infix: String, _ left: Tree, _ right: Tree) -> String {
        if dice.roll(3) == 0, ["+", "*", "&&", "||"].contains(infix), case .infix(infix, let first, let second) = left {
            return "(\(text(first)) \(infix) (\(text(second)) \(infix) \(text(right))))"
        }
        let (l, r) = (text(left), text(right))
        switch infix {
        case "+": return dice.pick(["(\(l) + \(r))", "(\(r)+\(l))", "add(\(l), \(r))", "(\(l) - -\(r))", "(\(l)--1*\(r))"])
        case "-": return dice.pick(["(\(l) - \(r))", "(\(l) + -\(r))", "(-\(r) + \(l))", "Subtract(\(l), \(r))"])
        case "*": return dice.pick(["(\(l) * \(r))", "(\(r)*\(l))", "multiply(\(r), \(l))", "(-\(l) * -\(r))"])
        case "/": return dice.pick(["(\(l) / \(r))", "divide(\(l), \(r))", "(-\(l) / -\(r))", "(-(-\(l) / \(r)))"])
        case "^": return dice.pick(["(\(l) ^ \(r))", "power(\(l), \(r))"])
        case "&&": return dice.pick(["(\(l) && \(r))", "(\(r) AND \(l))", "and(\(l), \(r))"])
        case "||": return dice.pick(["(\(l) || \(r))", "(\(r) or \(l))", "or(\(l), \(r))"])
        case "==", "!=": return dice.pick(["(\(l) \(infix) \(r))", "(\(r) \(infix) \(l))"])
        case "<", "<=", ">", ">=":
            let mirrored = infix.contains("<") ? infix.replacing("<", with: ">") : infix.replacing(">", with: "<")
            return dice.pick(["(\(l) \(infix) \(r))", "(\(r) \(mirrored) \(l))"])
        default: return "(\(l) \(infix) \(r))"
        }
    }
}
