import ClusterModel
import Crypto

/// What a program means, as a graph in which equal parts are one node.
///
/// Nodes are made from the leaves up and an equal one is never made twice, so a program whose variables double their
/// size again and again stays as small as its text.
struct CanonicalGraph {
    enum Node: Hashable {
        /// Not negative.
        case number(UInt64)
        case text(String)
        case boolean(Bool)
        case nan
        case name(String)
        case member(Int, String)
        /// Arguments without a name, then those with one, by name.
        case call(String, [Int], names: [String])
        case negation(Int)
        case not(Int)
        /// Two or more operands in order; an operator in which order means nothing.
        case chain(Chain, [Int])
        /// One of `/ ^ == != < <=`.
        case pair(BinaryOperator, Int, Int)
    }

    /// Operators whose operands may be lined up in any order.
    enum Chain: String {
        case sum, product, and, or
    }

    private(set) var nodes: [Node] = []
    /// Of each node: the same for the same meaning in any program, so that operands can be ordered by it.
    private var digests: [[UInt8]] = []
    private var known: [Node: Int] = [:]

    mutating func insert(_ node: Node) -> Int {
        if let old = known[node] { return old }
        nodes.append(node)
        digests.append(digest(of: node))
        known[node] = nodes.count - 1
        return nodes.count - 1
    }

    // MARK: Identities of arithmetic

    mutating func number(_ value: Double) -> Int { insert(.number(value.bitPattern)) }

    mutating func negated(_ node: Int) -> Int {
        if case .negation(let inner) = nodes[node] { return inner }
        return insert(.negation(node))
    }

    /// The node without its sign, and whether it had one.
    private func unsigned(_ node: Int) -> (node: Int, negative: Bool) {
        if case .negation(let inner) = nodes[node] { return (inner, true) }
        return (node, false)
    }

    /// `a * b * c` in any order: signs are taken out, and so are factors of 1.
    mutating func product(_ factors: [Int]) -> Int {
        var negative = false
        var lined: [Int] = []
        for factor in factors {
            let (node, sign) = unsigned(factor)
            negative = negative != sign
            lined.append(node)
        }
        let one = number(1)
        lined = spliced(.product, lined).filter { $0 != one }
        let product =
            switch lined.count {
            case 0: one
            case 1: lined[0]
            default: insert(.chain(.product, lined.sorted(by: precedes)))
            }
        return negative ? negated(product) : product
    }

    /// `a / b` with the signs of both taken out.
    mutating func quotient(_ left: Int, _ right: Int) -> Int {
        let (upper, upperSign) = unsigned(left)
        let (lower, lowerSign) = unsigned(right)
        let quotient = insert(.pair(.divide, upper, lower))
        return upperSign == lowerSign ? quotient : negated(quotient)
    }

    /// Sums, conjunctions and disjunctions in any order.
    mutating func chain(_ chain: Chain, _ operands: [Int]) -> Int {
        insert(.chain(chain, spliced(chain, operands).sorted(by: precedes)))
    }

    /// Operands that are chains of the same kind are replaced by theirs, all of them or, if that is too many, none.
    private func spliced(_ chain: Chain, _ operands: [Int]) -> [Int] {
        var result: [Int] = []
        for operand in operands {
            if case .chain(chain, let inner) = nodes[operand] { result += inner } else { result.append(operand) }
            if result.count > Limits.expressionOperandsMax { return operands }
        }
        return result
    }

    /// Operands of an operator of two in which order means nothing.
    func ordered(_ left: Int, _ right: Int) -> (Int, Int) { precedes(right, left) ? (right, left) : (left, right) }

    // MARK: Order

    /// Numbers, names, then the rest by what it is called; what is negated comes last. Equal only for the same node.
    func precedes(_ a: Int, _ b: Int) -> Bool {
        let (x, y) = (rank(a), rank(b))
        if x.level != y.level { return x.level < y.level }
        if x.word != y.word { return x.word.utf8.lexicographicallyPrecedes(y.word.utf8) }
        if case .number(let left) = nodes[a], case .number(let right) = nodes[b] { return left < right }
        return digests[a].lexicographicallyPrecedes(digests[b])
    }

    private func rank(_ node: Int) -> (level: Int, word: String) {
        switch nodes[node] {
        case .number: (0, "")
        case .boolean(let value): (1, value ? "true" : "false")
        case .nan: (2, "")
        case .text(let text): (3, text)
        case .name(let name): (4, name)
        case .member(_, let name): (5, name)
        case .call(let name, _, _): (6, name)
        case .pair(let infix, _, _): (7, infix.rawValue)
        case .chain(let chain, _): (8, chain.rawValue)
        case .not: (9, "")
        case .negation: (10, "")
        }
    }

    private func digest(of node: Node) -> [UInt8] {
        var hasher = SHA256()
        func add(_ word: String) {
            withUnsafeBytes(of: UInt64(word.utf8.count).littleEndian) { hasher.update(bufferPointer: $0) }
            hasher.update(data: Array(word.utf8))
        }
        func add(_ children: [Int]) {
            for child in children { hasher.update(data: digests[child]) }
        }
        switch node {
        case .number(let bits): add("number \(bits)")
        case .text(let text): add("text " + text)
        case .boolean(let value): add("boolean \(value)")
        case .nan: add("nan")
        case .name(let name): add("name " + name)
        case .member(let base, let name):
            add("member " + name)
            add([base])
        case .call(let name, let arguments, let names):
            add("call \(arguments.count - names.count) " + name)
            names.forEach(add)
            add(arguments)
        case .negation(let inner):
            add("negation")
            add([inner])
        case .not(let inner):
            add("not")
            add([inner])
        case .chain(let chain, let operands):
            add("chain \(operands.count) " + chain.rawValue)
            add(operands)
        case .pair(let infix, let left, let right):
            add("pair " + infix.rawValue)
            add([left, right])
        }
        return Array(hasher.finalize())
    }
}

extension CanonicalGraph.Node {
    var children: [Int] {
        switch self {
        case .number, .text, .boolean, .nan, .name: []
        case .member(let base, _): [base]
        case .call(_, let arguments, _): arguments
        case .negation(let inner), .not(let inner): [inner]
        case .chain(_, let operands): operands
        case .pair(_, let left, let right): [left, right]
        }
    }
}
