/// A word and how often it stands in a program.
package struct WordUsage: Equatable, Sendable {
    package let name: String
    /// Empty when not known.
    package let category: String
    /// Whether the list of operators or fields has it; true for fields when there is no list.
    package let isKnown: Bool
    /// Times it is written; at least 1.
    package let count: Int

    package init(name: String, category: String, isKnown: Bool, count: Int) {
        self.name = name
        self.category = category
        self.isKnown = isKnown
        self.count = count
    }
}

/// The operators and data fields of a program, as they are written in it.
///
/// Operators are calls and signs, each by its name: `+` counts as `add`, unary `-` as `reverse` (but the sign of a number
/// belongs to the number), `?:` as `if_else`. A call by an old name counts under the present one. Statements that the alpha
/// does not need count too; what a variable stands for counts once, where it is assigned. Variables, groups, `alpha` and
/// words like `gaussian` are no data fields.
package struct ExpressionUsage: Equatable, Sendable {
    /// Bytewise by name.
    package let operators: [WordUsage]
    /// Bytewise by name.
    package let fields: [WordUsage]
    /// Variables in the order they are first assigned.
    package let variables: [String]
    /// Groups, bytewise, each once; `IndClass.sector` is `sector`.
    package let groups: [String]

    package var operatorCount: Int { operators.reduce(0) { $0 + $1.count } }
    package var fieldCount: Int { fields.reduce(0) { $0 + $1.count } }

    /// - Parameters:
    ///   - catalogue: for categories, present names and which arguments are words; unknown operators count all the same.
    ///   - list: for categories; a field that is not on it counts all the same.
    package init(_ program: Program, catalogue: OperatorCatalogue = .standard, fields list: FieldList? = nil) {
        var operators: [String: Int] = [:]
        var fields: [String: Int] = [:]
        var groups: Set<String> = []
        let roles = NameRoles(program, catalogue).roles
        for (node, content) in program.nodes.enumerated() {
            if let word = Self.operatorName(content, in: program) { operators[catalogue.presentName(word), default: 0] += 1 }
            switch (roles[node], content) {
            case (.group(let group), _): groups.insert(group)
            case (.field, .name(let name)): fields[name, default: 0] += 1
            default: break
            }
        }
        var seen: Set<String> = []
        variables = program.statements.compactMap(\.target).filter { seen.insert($0).inserted }
        self.groups = groups.sorted(by: bytewise)
        self.operators = operators.keys.sorted(by: bytewise).map { name in
            let known = catalogue.find(name)
            let sign = SignName.all.contains(name)
            return WordUsage(
                name: name, category: known?.category ?? (sign ? SignName.category(of: name) : ""),
                isKnown: known != nil || sign, count: operators[name, default: 0])
        }
        self.fields = fields.keys.sorted(by: bytewise).map { name in
            let known = list?.find(name)
            return WordUsage(
                name: name, category: known?.category ?? "", isKnown: list == nil || known != nil,
                count: fields[name, default: 0])
        }
    }

    private static func operatorName(_ node: Program.Node, in program: Program) -> String? {
        switch node {
        case .number, .text, .boolean, .nan, .name, .member: return nil
        case .call(let call): return call.name
        case .unary(.negate, let operand):
            if case .number = program.nodes[operand] { return nil }
            return "reverse"
        case .unary(.not, _): return "not"
        case .binary(let infix, _, _): return SignName.of(infix)
        case .conditional: return "if_else"
        }
    }
}

/// The names of operators that are written as signs.
enum SignName {
    static let all: Set<String> = Set(BinaryOperator.allCases.map(of)).union(["reverse", "not", "if_else"])

    static func of(_ infix: BinaryOperator) -> String {
        switch infix {
        case .or: "or"
        case .and: "and"
        case .equal: "equal"
        case .notEqual: "not_equal"
        case .less: "less"
        case .lessEqual: "less_equal"
        case .greater: "greater"
        case .greaterEqual: "greater_equal"
        case .add: "add"
        case .subtract: "subtract"
        case .multiply: "multiply"
        case .divide: "divide"
        case .power: "power"
        }
    }

    /// For catalogues that do not list the signs.
    static func category(of name: String) -> String {
        ["add", "subtract", "multiply", "divide", "power", "reverse"].contains(name) ? "Arithmetic" : "Logical"
    }
}

extension OperatorCatalogue {
    /// The name an operator has in the catalogue, or its lower-case name if it is not there.
    func presentName(_ name: String) -> String { find(name)?.name ?? name.lowercased() }
}

func bytewise(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
