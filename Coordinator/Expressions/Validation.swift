/// Something in a program that the platform would not accept, although it is well formed.
package struct ExpressionDiagnostic: Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case unknownOperator, unknownField, argumentCount, unknownArgument, argumentType, assignment
    }

    package let kind: Kind
    /// The operator, field or variable it is about, as written.
    package let name: String
    /// A sentence without its place and without a full stop.
    package let message: String
    package let position: SourcePosition

    package var description: String { "\(position): \(message)" }
}

extension OperatorCatalogue {
    /// Everything in a program that does not fit the operators and fields, in the order of the text.
    ///
    /// Nothing hides anything else: the arguments of an unknown operator are looked at like any others.
    /// - Parameter fields: nil to take any name for a field.
    package func validate(_ program: Program, fields: FieldList? = nil) -> [ExpressionDiagnostic] {
        Validator(program: program, catalogue: self, fields: fields).diagnostics()
    }
}

private struct Validator {
    let program: Program
    let catalogue: OperatorCatalogue
    let fields: FieldList?

    private typealias Finding = (offset: Int, diagnostic: ExpressionDiagnostic)

    func diagnostics() -> [ExpressionDiagnostic] {
        let roles = NameRoles(program, catalogue).roles
        let targets = Set(program.statements.compactMap(\.target))
        var findings = program.statements.compactMap(assignment)
        for (node, content) in program.nodes.enumerated() {
            switch content {
            case .name(let name) where roles[node] == .field: findings += field(name, node, targets).map { [$0] } ?? []
            case .member(_, let name): findings += group(name, node, roles[node]).map { [$0] } ?? []
            case .call(let call): findings += self.call(call, node)
            default: break
            }
        }
        // Of equal offsets the one found first stays first, so that the order is always the same.
        return findings.enumerated().sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }
            .map(\.element.diagnostic)
    }

    private func finding(
        _ kind: ExpressionDiagnostic.Kind, _ name: String, _ range: Range<Int>, _ message: String
    ) -> Finding {
        let position = program.source.position(of: range)
        return (range.lowerBound, ExpressionDiagnostic(kind: kind, name: name, message: message, position: position))
    }

    private func assignment(_ statement: Program.Statement) -> Finding? {
        guard let target = statement.target else { return nil }
        let what: String
        if ReservedName.groups.contains(target) {
            what = "a group"
        } else if ReservedName.symbols.contains(target) {
            what = "a word of the language"
        } else if fields?.find(target) != nil {
            what = "a data field"
        } else {
            return nil
        }
        return finding(.assignment, target, statement.targetRange, "'\(target)' is \(what) and cannot be assigned to")
    }

    private func field(_ name: String, _ node: Int, _ targets: Set<String>) -> Finding? {
        guard let fields, fields.find(name) == nil else { return nil }
        let reason =
            if targets.contains(name) {
                "'\(name)' is used before it is assigned"
            } else if catalogue.find(name) != nil {
                "'\(name)' is an operator and stands here without its arguments"
            } else {
                "'\(name)' is neither a data field nor a variable"
            }
        return finding(.unknownField, name, program.ranges[node], reason)
    }

    private func group(_ name: String, _ node: Int, _ role: NameRoles.Role?) -> Finding? {
        guard case .group(let group) = role, !ReservedName.groups.contains(group) else { return nil }
        return finding(.unknownField, name, program.ranges[node], "'\(name)' is no known group")
    }

    // MARK: Calls

    private func call(_ call: Program.Call, _ node: Int) -> [Finding] {
        let start = program.ranges[node].lowerBound
        let nameRange = start..<(start + call.name.utf8.count)
        guard let known = catalogue.find(call.name) else {
            return [finding(.unknownOperator, call.name, nameRange, "'\(call.name)' is no known operator")]
        }
        guard let signature = known.signature else { return [] }
        return count(call, signature, nameRange) + names(call, signature) + types(call)
    }

    private func count(_ call: Program.Call, _ signature: OperatorSignature, _ nameRange: Range<Int>) -> [Finding] {
        let positional = signature.positional
        if call.positional.count > positional.count, !signature.takesMore {
            let most = positional.isEmpty ? "no arguments" : "at most \(positional.count): \(list(positional))"
            return [
                finding(
                    .argumentCount, call.name, program.ranges[call.positional[positional.count]],
                    "'\(call.name)' takes \(most); \(call.positional.count) are given")
            ]
        }
        let missing = positional.dropFirst(call.positional.count).filter { argument in
            argument.defaultText == nil && !call.named.contains { $0.name == argument.name }
        }
        guard !missing.isEmpty else { return [] }
        return [
            finding(
                .argumentCount, call.name, nameRange,
                "'\(call.name)' lacks its argument\(missing.count > 1 ? "s" : "") \(list(Array(missing)))")
        ]
    }

    private func names(_ call: Program.Call, _ signature: OperatorSignature) -> [Finding] {
        call.named.compactMap { given in
            guard let index = signature.arguments.firstIndex(where: { $0.name == given.name }) else {
                let known = signature.arguments.isEmpty ? "" : "; it has \(list(signature.arguments))"
                return finding(
                    .unknownArgument, call.name, given.range, "'\(call.name)' has no argument '\(given.name)'\(known)")
            }
            let argument = signature.arguments[index]
            guard let place = signature.positional.firstIndex(of: argument), place < call.positional.count else { return nil }
            return finding(
                .argumentCount, call.name, given.range, "the argument '\(given.name)' of '\(call.name)' is given twice")
        }
    }

    private func types(_ call: Program.Call) -> [Finding] {
        NameRoles.arguments(of: call, catalogue).compactMap { value, argument in
            guard let literal = literal(value) else { return nil }
            let wanted: String
            switch (argument?.kind ?? .value, literal) {
            case (.value, .word): wanted = "a value, not a string"
            case (.number, .word), (.number, .boolean): wanted = "a number"
            case (.boolean, .word), (.boolean, .number): wanted = "true or false"
            case (.word, .number), (.word, .boolean): wanted = "a string"
            case (.value, _), (.number, _), (.boolean, _), (.word, _): return nil
            }
            let name = argument.map { "the argument '\($0.name)' of '\(call.name)'" } ?? "'\(call.name)'"
            return finding(.argumentType, call.name, program.ranges[value], "\(name) takes \(wanted)")
        }
    }

    /// What a node literally is; nil for what has to be computed.
    private func literal(_ node: Int) -> OperatorArgument.Kind? {
        switch program.nodes[node] {
        case .number: .number
        case .text: .word
        case .boolean: .boolean
        case .unary(.negate, let operand): literal(operand) == .number ? .number : nil
        case .nan, .name, .member, .call, .unary, .binary, .conditional: nil
        }
    }

    private func list(_ arguments: [OperatorArgument]) -> String { arguments.map(\.name).joined(separator: ", ") }
}
