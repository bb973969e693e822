/// Writes programs so that they read back as the same trees, with brackets where precedence asks for them.
///
/// Work waits on a list of its own rather than on the stack, so that long expressions can be written.
struct Printer {
    enum Work {
        case text(String)
        /// A node that has to bind at least so tightly, or stands in brackets.
        case node(Int, Precedence)
    }

    private let nodes: [Program.Node]
    /// Nodes that are written by their name.
    private let names: [Int: String]
    private var work: [Work] = []
    private var output = ""

    init(_ nodes: [Program.Node], names: [Int: String] = [:]) {
        self.nodes = nodes
        self.names = names
    }

    /// - Parameter defining: whether a node that has a name is the one that the name is given to.
    mutating func text(_ root: Int, defining: Bool = false) -> String {
        output = ""
        if defining { expand(root, .conditional) } else { work = [.node(root, .conditional)] }
        while let next = work.popLast() {
            switch next {
            case .text(let text): output += text
            case .node(let node, let loosest):
                if let name = names[node] { output += name } else { expand(node, loosest) }
            }
        }
        return output
    }

    private mutating func expand(_ node: Int, _ loosest: Precedence) {
        let parts = Self.parts(of: nodes[node])
        let bracketed = nodes[node].precedence < loosest
        if bracketed { work.append(.text(")")) }
        work += parts.reversed()
        if bracketed { work.append(.text("(")) }
    }

    /// What a node is written as, from left to right.
    static func parts(of node: Program.Node) -> [Work] {
        switch node {
        case .number(let value): [.text(text(of: value))]
        case .text(let value): [.text(quoted(value))]
        case .boolean(let value): [.text(value ? "true" : "false")]
        case .nan: [.text("nan")]
        case .name(let name): [.text(name)]
        case .member(let base, let name): [.node(base, .atom), .text("." + name)]
        case .call(let call): parts(of: call)
        case .unary(.negate, let operand): [.text("-"), .node(operand, .negation)]
        case .unary(.not, let operand): [.text("!"), .node(operand, .not)]
        case .binary(let infix, let left, let right):
            [
                .node(left, infix.groupsToTheRight ? infix.precedence.tighter : infix.precedence),
                .text(" \(infix.rawValue) "),
                .node(right, infix.groupsToTheRight ? infix.precedence : infix.precedence.tighter),
            ]
        case .conditional(let condition, let yes, let no):
            [
                .node(condition, Precedence.conditional.tighter), .text(" ? "), .node(yes, .conditional), .text(" : "),
                .node(no, .conditional),
            ]
        }
    }

    private static func parts(of call: Program.Call) -> [Work] {
        var parts: [Work] = [.text(call.name + "(")]
        for (index, argument) in call.positional.enumerated() {
            if index > 0 { parts.append(.text(", ")) }
            parts.append(.node(argument, .conditional))
        }
        for (index, argument) in call.named.enumerated() {
            parts.append(.text((index + call.positional.count > 0 ? ", " : "") + argument.name + " = "))
            parts.append(.node(argument.value, .conditional))
        }
        return parts + [.text(")")]
    }

    /// The shortest digits that read back as the same number; whole ones without a point.
    static func text(of number: Double) -> String {
        let text = number.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A string holds at most one of the two quotes, since it has no escapes.
    private static func quoted(_ value: String) -> String {
        // By bytes: a quote with a mark that combines with it is another character.
        value.utf8.contains(UInt8(ascii: "\"")) ? "'\(value)'" : "\"\(value)\""
    }
}

extension Program.Node {
    var precedence: Precedence {
        switch self {
        case .number, .text, .boolean, .nan, .name, .member, .call: .atom
        case .unary(.negate, _): .negation
        case .unary(.not, _): .not
        case .binary(let infix, _, _): infix.precedence
        case .conditional: .conditional
        }
    }
}

extension Program: CustomStringConvertible {
    /// The program on one line, as it parses to an equal one: no comments, single blanks, the fewest brackets.
    package var description: String {
        var printer = Printer(nodes)
        return statements.map { statement in
            (statement.target.map { $0 + " = " } ?? "") + printer.text(statement.value)
        }.joined(separator: "; ")
    }
}
