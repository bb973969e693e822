import ClusterModel
import Crypto

/// How a program is written when only its meaning counts.
///
/// Two programs have the same form exactly when they differ only in
/// - blanks, comments, brackets, the writing of numbers, quotes and lists of numbers in strings, the case of operator
///   names, `IndClass.sector` for `sector`, `driver = gaussian` for `driver = "gaussian"`;
/// - variables: names, what is assigned and what is written out, statements the alpha does not need;
/// - the order of named arguments, and of operands where it means nothing: sums and products of any number, `&&`, `||`,
///   `==`, `!=`, `min`, `max`, the two series of `ts_corr` and `ts_covariance`;
/// - operators that are exactly another: `add`, `subtract`, `multiply` (with `filter` false or not given), `divide`,
///   `power`, `reverse`, `inverse`, `and`, `or` for their signs, `?:` for `if_else`, `a - b` for `a + -b`, `>` for `<`;
/// - where a sign is applied in products and quotients, and factors of 1: `-1 * x`, `x * -1` and `-x` are the same.
///
/// With a catalogue they also have the same form when they differ in old and present names of operators, in arguments given
/// with or without their names, and in defaults written or left out.
///
/// Rounding that depends on the order of a sum is not counted as meaning. No other algebra is done:
/// `0 - x` is not `-x`.
package struct CanonicalForm: Equatable, Sendable {
    /// The form as a program, which parses unless it is too long for that, and whose form is itself.
    package let text: String

    /// SHA-256 of the text in UTF-8, 64 lower-case hexadecimal digits.
    package var hash: String {
        SHA256.hash(data: Array(text.utf8)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// - Parameter catalogue: forms and hashes compare only with those of the same catalogue.
    package init(_ program: Program, catalogue: OperatorCatalogue? = nil) {
        let (graph, root) = Canonicalizer.meaning(of: program, catalogue: catalogue)
        var writer = CanonicalWriter(graph, root)
        text = writer.write()
    }
}

extension Program {
    /// The form without any catalogue.
    package var canonicalForm: String { CanonicalForm(self).text }
    package var canonicalHash: String { CanonicalForm(self).hash }
}

/// Writes a graph as a program, in an order that depends on nothing but the graph.
private struct CanonicalWriter {
    private let graph: CanonicalGraph
    private let root: Int
    /// Nodes that the root needs, those below a node before it.
    private var order: [Int] = []
    private var nodes: [Program.Node] = []
    /// Node of the program by node of the graph.
    private var written: [Int: Int] = [:]
    /// Names by node of the program, and those nodes in the order they are assigned.
    private var names: [Int: String] = [:]
    private var assigned: [Int] = []

    /// Deeper parts get a name, so that the form is not nested more than the parser allows: each level of the graph
    /// takes it two levels at most.
    private static let levelsMax = Limits.expressionNestingMax / 2 - 10

    init(_ graph: CanonicalGraph, _ root: Int) {
        self.graph = graph
        self.root = root
        order = orderFromRoot()
    }

    mutating func write() -> String {
        let repeated = partsNamed()
        let bases = basesNamed()
        let prefix = freePrefix()
        var levels: [Int: Int] = [:]
        for node in order {
            let level = 1 + (graph.nodes[node].children.map { levels[$0, default: 0] }.max() ?? 0)
            written[node] = translate(node)
            levels[node] = level
            let isNamed = isNameable(node) && (repeated.contains(node) || level >= Self.levelsMax)
            guard node != root, isNamed || bases.contains(node) else { continue }
            assigned.append(written[node, default: 0])
            names[written[node, default: 0]] = prefix + String(assigned.count)
            levels[node] = 0
        }
        var printer = Printer(nodes, names: names)
        var statements = assigned.map { names[$0, default: ""] + " = " + printer.text($0, defining: true) }
        statements.append(printer.text(written[root, default: 0]))
        return statements.joined(separator: "; ")
    }

    private func orderFromRoot() -> [Int] {
        var order: [Int] = []
        var seen = [Bool](repeating: false, count: graph.nodes.count)
        var waiting = [(node: root, leaving: false)]
        while let (node, leaving) = waiting.popLast() {
            if leaving {
                order.append(node)
            } else if !seen[node] {
                seen[node] = true
                waiting.append((node, true))
                for child in graph.nodes[node].children.reversed() where !seen[child] { waiting.append((child, false)) }
            }
        }
        return order
    }

    /// A sign is written where it is used; it is what it stands before that has the name.
    private func isNameable(_ node: Int) -> Bool {
        if case .negation = graph.nodes[node] { false } else { !graph.nodes[node].children.isEmpty }
    }

    /// Parts whose members are asked for, unless they are names, members or calls: no others can be written before a `.`.
    private func basesNamed() -> Set<Int> {
        var named: Set<Int> = []
        for node in order {
            guard case .member(let base, _) = graph.nodes[node] else { continue }
            switch graph.nodes[base] {
            case .name, .member, .call: break
            default: named.insert(base)
            }
        }
        return named
    }

    /// The parts that are used more than once, if the form would be long with all of them written out; and always chains
    /// within their like, which would be read as one chain.
    private func partsNamed() -> Set<Int> {
        var named: Set<Int> = []
        var sizes: [Int: Int] = [:]
        var uses: [Int: Int] = [:]
        for node in order {
            let children = graph.nodes[node].children
            if case .chain(let chain, _) = graph.nodes[node] {
                named.formUnion(children.filter { if case .chain(chain, _) = graph.nodes[$0] { true } else { false } })
            }
            sizes[node] = min(Limits.expressionFormNodesMax + 1, children.reduce(1) { $0 + sizes[$1, default: 0] })
            if case .negation = graph.nodes[node] { continue }
            for child in children {
                if case .negation(let inner) = graph.nodes[child] {
                    uses[inner, default: 0] += 1
                } else {
                    uses[child, default: 0] += 1
                }
            }
        }
        guard sizes[root, default: 0] > Limits.expressionFormNodesMax else { return named }
        return named.union(uses.keys.filter { uses[$0, default: 0] > 1 })
    }

    /// `t`, or longer if the program knows names like `t1`.
    private func freePrefix() -> String {
        var prefix = "t"
        let taken = order.compactMap { if case .name(let name) = graph.nodes[$0] { name } else { nil } }
        while taken.contains(where: { $0.hasPrefix(prefix) && Int($0.dropFirst(prefix.count)) != nil }) { prefix += "_" }
        return prefix
    }

    private mutating func translate(_ node: Int) -> Int {
        func own(_ child: Int) -> Int { written[child, default: 0] }
        switch graph.nodes[node] {
        case .number(let bits): return add(.number(Double(bitPattern: bits)))
        case .text(let text): return add(.text(text))
        case .boolean(let value): return add(.boolean(value))
        case .nan: return add(.nan)
        case .name(let name): return add(.name(name))
        case .member(let base, let name): return add(.member(own(base), name))
        case .call(let name, let arguments, let names):
            let plain = arguments.count - names.count
            let named = zip(names, arguments[plain...]).map {
                Program.NamedArgument(name: $0, value: own($1), range: 0..<0)
            }
            return add(.call(Program.Call(name: name, positional: arguments[..<plain].map(own), named: named)))
        case .negation(let inner): return add(.unary(.negate, own(inner)))
        case .not(let inner): return add(.unary(.not, own(inner)))
        case .pair(let infix, let left, let right): return add(.binary(infix, own(left), own(right)))
        case .chain(let chain, let operands):
            var result = own(operands[0])
            for operand in operands.dropFirst() {
                if chain == .sum, case .negation(let inner) = graph.nodes[operand] {
                    result = add(.binary(.subtract, result, own(inner)))
                } else {
                    result = add(.binary(chain.infix, result, own(operand)))
                }
            }
            return result
        }
    }

    private mutating func add(_ node: Program.Node) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }
}

extension CanonicalGraph.Chain {
    fileprivate var infix: BinaryOperator {
        switch self {
        case .sum: .add
        case .product: .multiply
        case .and: .and
        case .or: .or
        }
    }
}
