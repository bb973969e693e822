/// What the names of a program stand for.
struct NameRoles {
    enum Role: Equatable {
        case field
        /// Assigned by an earlier statement.
        case variable
        case group(String)
        /// `alpha` in a SUPER alpha.
        case symbol
        /// An argument such as `driver = gaussian`.
        case word
        /// `IndClass`, of which the group is a member.
        case groupFamily
    }

    /// By node; nil for nodes that are no names.
    let roles: [Role?]

    init(_ program: Program, _ catalogue: OperatorCatalogue) {
        var roles = [Role?](repeating: nil, count: program.nodes.count)
        var variables: Set<String> = []
        var next = 0
        for statement in program.statements {
            let nodes = next...statement.value
            for node in nodes {
                switch program.nodes[node] {
                case .name(let name): roles[node] = variables.contains(name) ? .variable : Self.role(of: name)
                case .member(let base, let member):
                    if case .name(let family) = program.nodes[base], roles[base] == .field,
                        family.lowercased() == ReservedName.groupFamily
                    {
                        roles[base] = .groupFamily
                        roles[node] = .group(member.lowercased())
                    }
                case .call(let call):
                    for (value, argument) in Self.arguments(of: call, catalogue) where argument?.kind == .word {
                        if roles[value] == .field, case .name = program.nodes[value] { roles[value] = .word }
                    }
                default: break
                }
            }
            next = statement.value + 1
            if let target = statement.target { variables.insert(target) }
        }
        self.roles = roles
    }

    private static func role(of name: String) -> Role {
        if ReservedName.groups.contains(name) { return .group(name) }
        return ReservedName.symbols.contains(name) ? .symbol : .field
    }

    /// What is given to a call, each with the argument it is meant for if that is known.
    static func arguments(
        of call: Program.Call, _ catalogue: OperatorCatalogue
    ) -> [(value: Int, argument: OperatorArgument?)] {
        guard let signature = catalogue.find(call.name)?.signature else { return [] }
        let positional = signature.positional
        return call.positional.enumerated().map { index, value in
            (value, index < positional.count ? positional[index] : nil)
        } + call.named.map { given in (given.value, signature.arguments.first { $0.name == given.name }) }
    }
}

extension OperatorSignature {
    /// Arguments that can be given without their names. Behind `...` a name is needed.
    var positional: [OperatorArgument] { takesMore ? arguments.filter { $0.defaultText == nil } : arguments }
}
