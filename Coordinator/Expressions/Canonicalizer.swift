/// Takes the meaning out of a program's trees, statement by statement, into one graph.
struct Canonicalizer {
    private let program: Program
    private let catalogue: OperatorCatalogue?
    private(set) var graph = CanonicalGraph()
    /// What each node of the program means; -1 for one that is part of a longer chain.
    private var meaning: [Int]
    /// Nodes that continue the chain of their parent, as `a + b` does in `a + b + c`.
    private var continues: [Bool]
    private var variables: [String: Int] = [:]

    /// - Returns: a graph and the node of the alpha. Statements that the alpha does not need are not reachable from it.
    static func meaning(
        of program: Program, catalogue: OperatorCatalogue?
    ) -> (graph: CanonicalGraph, root: Int) {
        var canonicalizer = Canonicalizer(program, catalogue)
        let root = canonicalizer.run()
        return (canonicalizer.graph, root)
    }

    private init(_ program: Program, _ catalogue: OperatorCatalogue?) {
        self.program = program
        self.catalogue = catalogue
        meaning = [Int](repeating: -1, count: program.nodes.count)
        continues = [Bool](repeating: false, count: program.nodes.count)
        for case .binary(let infix, let left, let right) in program.nodes {
            guard let chain = infix.chain else { continue }
            continues[left] = chainOf(left) == chain
            // In a - (b + c) the brackets mean something.
            continues[right] = infix != .subtract && chainOf(right) == chain
        }
    }

    private func chainOf(_ node: Int) -> CanonicalGraph.Chain? {
        if case .binary(let infix, _, _) = program.nodes[node] { infix.chain } else { nil }
    }

    private mutating func run() -> Int {
        var next = 0
        for statement in program.statements {
            // A statement's nodes follow those of the one before and end with its value.
            for node in next...statement.value where !continues[node] { meaning[node] = insert(node) }
            next = statement.value + 1
            if let target = statement.target { variables[target] = meaning[statement.value] }
        }
        return meaning[program.alpha]
    }

    private mutating func insert(_ node: Int) -> Int {
        switch program.nodes[node] {
        case .number(let value): graph.number(value)
        case .text(let text): graph.insert(.text(Self.spelledOnce(text)))
        case .boolean(let value): graph.insert(.boolean(value))
        case .nan: graph.insert(.nan)
        case .name(let name): variables[name] ?? graph.insert(.name(name))
        case .member(let base, let name): member(base, name)
        case .call(let call): insert(call)
        case .unary(.negate, let operand): graph.negated(meaning[operand])
        case .unary(.not, let operand): graph.insert(.not(meaning[operand]))
        case .binary(let infix, let left, let right): insert(infix, node, left, right)
        case .conditional(let condition, let yes, let no):
            graph.insert(.call("if_else", [meaning[condition], meaning[yes], meaning[no]], names: []))
        }
    }

    /// Groups were once members of `IndClass`. What is a keyword where it stands alone stays a member.
    private mutating func member(_ base: Int, _ name: String) -> Int {
        if case .name(let word) = program.nodes[base], variables[word] == nil, word.lowercased() == ReservedName.groupFamily,
            Keyword(name) == nil
        {
            return graph.insert(.name(name.lowercased()))
        }
        return graph.insert(.member(meaning[base], name))
    }

    private mutating func insert(_ infix: BinaryOperator, _ node: Int, _ left: Int, _ right: Int) -> Int {
        switch infix {
        case .add, .subtract: return graph.chain(.sum, operands(of: node, .sum))
        case .multiply: return graph.product(operands(of: node, .product))
        case .and: return graph.chain(.and, operands(of: node, .and))
        case .or: return graph.chain(.or, operands(of: node, .or))
        case .divide: return graph.quotient(meaning[left], meaning[right])
        case .power, .less, .lessEqual: return graph.insert(.pair(infix, meaning[left], meaning[right]))
        case .greater: return graph.insert(.pair(.less, meaning[right], meaning[left]))
        case .greaterEqual: return graph.insert(.pair(.lessEqual, meaning[right], meaning[left]))
        case .equal, .notEqual:
            let (first, second) = graph.ordered(meaning[left], meaning[right])
            return graph.insert(.pair(infix, first, second))
        }
    }

    /// Everything that a chain lines up; what is subtracted comes negated.
    private mutating func operands(of top: Int, _ chain: CanonicalGraph.Chain) -> [Int] {
        var result: [Int] = []
        var waiting = [(node: top, negative: false)]
        while let (node, negative) = waiting.popLast() {
            if node == top || continues[node], case .binary(let infix, let left, let right) = program.nodes[node] {
                waiting.append((right, infix == .subtract))
                waiting.append((left, false))
            } else {
                result.append(negative ? graph.negated(meaning[node]) : meaning[node])
            }
        }
        return result
    }

    // MARK: Calls

    private mutating func insert(_ written: Program.Call) -> Int {
        var call = resolved(written)
        let filters = ["add", "subtract", "multiply"].contains(call.name)
        if filters { call.named.removeAll { $0.name == "filter" && program.nodes[$0.value] == .boolean(false) } }
        let arguments = call.positional.map { meaning[$0] }
        // A boolean among the operands of these three may be the filter.
        let plain = call.named.isEmpty && !(filters && arguments.contains(where: isBoolean))
        if plain, let same = asOperator(call.name, arguments) { return same }
        let named = call.named.sorted { bytewise($0.name, $1.name) }
        let values = named.map { value(of: $0) }
        return graph.insert(.call(call.name, orderedArguments(call.name, arguments) + values, names: named.map(\.name)))
    }

    /// The call as the catalogue, if there is one, would have it: by its present name, arguments without a default in
    /// their order and without their names, the others with them unless they say what they would by default.
    private func resolved(_ call: Program.Call) -> Program.Call {
        var result = call
        result.name = catalogue?.presentName(call.name) ?? call.name.lowercased()
        guard let signature = catalogue?.find(call.name)?.signature else { return result }
        let places = signature.positional
        let needed = signature.arguments.filter { $0.defaultText == nil }
        // A call that does not fit is left as it is, and so is one whose order would be lost.
        guard signature.takesMore || call.positional.count <= places.count, Array(places.prefix(needed.count)) == needed
        else { return result }
        let given =
            zip(places, call.positional).map { (name: $0.name, value: $1) }
            + call.named.map { (name: $0.name, value: $0.value) }
        var values: [String: Int] = [:]
        for (name, value) in given where values.updateValue(value, forKey: name) != nil { return result }
        guard needed.allSatisfy({ values[$0.name] != nil }),
            given.allSatisfy({ one in signature.arguments.contains { $0.name == one.name } })
        else { return result }
        result.positional = needed.compactMap { values[$0.name] } + call.positional.dropFirst(places.count)
        result.named = signature.arguments.compactMap { argument in
            guard argument.defaultText != nil, let value = values[argument.name], !isDefault(value, argument) else { return nil }
            return Program.NamedArgument(name: argument.name, value: value, range: 0..<0)
        }
        return result
    }

    /// Whether a literal says what the argument would be by default.
    private func isDefault(_ node: Int, _ argument: OperatorArgument) -> Bool {
        guard let text = argument.defaultText else { return false }
        switch program.nodes[node] {
        case .number(let value): return argument.kind == .number && Double(text) == value
        case .boolean(let value): return argument.kind == .boolean && text.lowercased() == (value ? "true" : "false")
        case .text(let word):
            return argument.kind == .word && Self.spelledOnce(word).lowercased() == Self.spelledOnce(text).lowercased()
        case .name(let word): return argument.kind == .word && variables[word] == nil && word.lowercased() == text.lowercased()
        case .nan, .member, .call, .unary, .binary, .conditional: return false
        }
    }

    /// Operators that have a sign for exactly what they do.
    private mutating func asOperator(_ name: String, _ arguments: [Int]) -> Int? {
        switch (name, arguments.count) {
        case ("add", 2): return graph.chain(.sum, arguments)
        case ("subtract", 2):
            let subtracted = graph.negated(arguments[1])
            return graph.chain(.sum, [arguments[0], subtracted])
        case ("multiply", 2...): return graph.product(arguments)
        case ("divide", 2): return graph.quotient(arguments[0], arguments[1])
        case ("power", 2): return graph.insert(.pair(.power, arguments[0], arguments[1]))
        case ("reverse", 1): return graph.negated(arguments[0])
        case ("inverse", 1):
            let one = graph.number(1)
            return graph.quotient(one, arguments[0])
        case ("and", 2...): return graph.chain(.and, arguments)
        case ("or", 2...): return graph.chain(.or, arguments)
        default: return nil
        }
    }

    /// Arguments of operators that take some of them in any order.
    private func orderedArguments(_ name: String, _ arguments: [Int]) -> [Int] {
        switch (name, arguments.count) {
        // With a filter; one that stands without its name must stay where it is.
        case ("add", 2), ("multiply", 2...):
            return arguments.contains(where: isBoolean) ? arguments : arguments.sorted(by: graph.precedes)
        case ("min", 2...), ("max", 2...): return arguments.sorted(by: graph.precedes)
        case ("ts_corr", 3), ("ts_covariance", 3), ("correlation", 3), ("covariance", 3):
            let (first, second) = graph.ordered(arguments[0], arguments[1])
            return [first, second, arguments[2]]
        default: return arguments
        }
    }

    private func isBoolean(_ node: Int) -> Bool {
        if case .boolean = graph.nodes[node] { true } else { false }
    }

    /// The name of a distribution may stand with or without quotes.
    private mutating func value(of argument: Program.NamedArgument) -> Int {
        if argument.name == "driver" {
            switch program.nodes[argument.value] {
            case .name(let word) where variables[word] == nil: return graph.insert(.text(word.lowercased()))
            case .text(let word): return graph.insert(.text(word.lowercased()))
            default: break
            }
        }
        return meaning[argument.value]
    }

    /// A list of numbers in a string, such as `"0, 1, 0.1"`, without blanks and with its numbers written one way.
    private static func spelledOnce(_ text: String) -> String {
        guard text.utf8.allSatisfy({ "0123456789.eE+-, ".utf8.contains($0) }) else { return text }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            Double(String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
        }
        guard parts.allSatisfy({ $0?.isFinite == true }) else { return text }
        return parts.compactMap { $0.map(Printer.text) }.joined(separator: ",")
    }
}

extension BinaryOperator {
    /// The chain that the operator lines its operands up in; a difference is a sum with one of them negated.
    var chain: CanonicalGraph.Chain? {
        switch self {
        case .add, .subtract: .sum
        case .multiply: .product
        case .and: .and
        case .or: .or
        case .divide, .power, .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual: nil
        }
    }
}
