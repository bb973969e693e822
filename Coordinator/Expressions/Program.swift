/// A program of the expression language (FASTEXPR): statements, the last of which is the alpha.
///
/// The nodes of its trees lie in one array, children before their parents, so that every walk over them is a loop
/// and a long expression cannot exhaust the stack. Programs are equal when their trees are: blanks, comments,
/// brackets that change nothing and the writing of numbers and strings do not count.
package struct Program: Sendable {
    /// At least one.
    package let statements: [Statement]
    /// Positions in `nodes` identify nodes. A program that was parsed has trees in it; one that was made may share parts.
    package let nodes: [Node]
    /// Bytes of each node in the source, brackets around it left out.
    let ranges: [Range<Int>]
    let source: SourceText

    package struct Statement: Sendable {
        /// Name that the value gets; nil for a bare expression.
        package let target: String?
        /// Node of the value.
        package let value: Int
        let targetRange: Range<Int>
    }

    package enum Node: Equatable, Sendable {
        case number(Double)
        case text(String)
        case boolean(Bool)
        case nan
        /// A data field, a variable, a group or a word.
        case name(String)
        case member(Int, String)
        case call(Call)
        case unary(UnaryOperator, Int)
        case binary(BinaryOperator, Int, Int)
        case conditional(Int, Int, Int)
    }

    package struct Call: Equatable, Sendable {
        /// As it was written.
        package var name: String
        package var positional: [Int]
        /// In the order they were written, each name once.
        package var named: [NamedArgument]
    }

    package struct NamedArgument: Sendable {
        package let name: String
        package let value: Int
        /// Bytes of the name in the source.
        let range: Range<Int>
    }

    /// The node of the alpha itself.
    package var alpha: Int { statements[statements.count - 1].value }

    package func position(of node: Int) -> SourcePosition { source.position(of: ranges[node]) }
}

extension Program.NamedArgument: Equatable {
    package static func == (a: Self, b: Self) -> Bool { a.name == b.name && a.value == b.value }
}

extension Program.Statement: Equatable {
    package static func == (a: Self, b: Self) -> Bool { a.target == b.target && a.value == b.value }
}

extension Program: Equatable {
    package static func == (a: Program, b: Program) -> Bool { a.statements == b.statements && a.nodes == b.nodes }
}

extension Program.Node {
    /// Nodes below this one, in the order they were written.
    package var children: [Int] {
        switch self {
        case .number, .text, .boolean, .nan, .name: []
        case .member(let base, _): [base]
        case .call(let call): call.positional + call.named.map(\.value)
        case .unary(_, let operand): [operand]
        case .binary(_, let left, let right): [left, right]
        case .conditional(let condition, let yes, let no): [condition, yes, no]
        }
    }
}

package enum UnaryOperator: String, Sendable {
    case negate = "-"
    case not = "!"
}

package enum BinaryOperator: String, Sendable, CaseIterable {
    case or = "||"
    case and = "&&"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessEqual = "<="
    case greater = ">"
    case greaterEqual = ">="
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case power = "^"
}

/// How tightly things bind, loosest first.
enum Precedence: Int, Comparable, Sendable {
    case conditional, or, and, not, comparison, sum, product, negation, power, atom

    static func < (a: Precedence, b: Precedence) -> Bool { a.rawValue < b.rawValue }

    /// What an operand on the other side of an operator has to bind like, so that equal ones group to one side.
    var tighter: Precedence { Precedence(rawValue: rawValue + 1) ?? .atom }
}

extension BinaryOperator {
    var precedence: Precedence {
        switch self {
        case .or: .or
        case .and: .and
        case .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual: .comparison
        case .add, .subtract: .sum
        case .multiply, .divide: .product
        case .power: .power
        }
    }

    /// `a ^ b ^ c` is `a ^ (b ^ c)`; all others group to the left.
    var groupsToTheRight: Bool { self == .power }
}
