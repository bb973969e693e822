/// One argument that an operator takes.
package struct OperatorArgument: Equatable, Sendable {
    /// What may stand for it when it stands there literally.
    package enum Kind: String, Sendable {
        /// A series, group or number: anything but a string.
        case value
        case number
        case boolean
        /// A string, or a bare word such as `gaussian`.
        case word
    }

    package let name: String
    package let kind: Kind
    /// As the list of operators writes it; nil for one that has to be given.
    package let defaultText: String?

    package init(name: String, kind: Kind, defaultText: String? = nil) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
    }
}

/// What an operator can be called with.
package struct OperatorSignature: Equatable, Sendable {
    package let arguments: [OperatorArgument]
    /// Whether more values than those named may follow, as in `max(x, y, ...)`.
    package let takesMore: Bool

    package init(arguments: [OperatorArgument], takesMore: Bool) {
        self.arguments = arguments
        self.takesMore = takesMore
    }

    /// Reads a definition as lists of operators write it, such as `ts_rank(x, d, constant = 0)`. Kinds follow from defaults.
    ///
    /// - Returns: nil for what is no such text, as the `x < y` of a comparison: its arguments are not known then.
    package init?(definition: String) {
        guard let open = definition.firstIndex(of: "("), let inside = Self.inside(definition[open...]) else { return nil }
        let name = definition[..<open].drop { $0 == " " }
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else { return nil }
        var arguments: [OperatorArgument] = []
        var takesMore = false
        for part in inside {
            if part == "..." || part == ".." || part == "…" { takesMore = true }
            // "range = … or buckets = …" are two that exclude each other.
            for choice in Self.choices(part) where part.contains(where: { $0 != "." && $0 != "…" }) {
                arguments.append(Self.argument(choice))
            }
        }
        self.init(arguments: arguments, takesMore: takesMore)
    }

    private static func argument(_ text: String) -> OperatorArgument {
        let sides = text.split(separator: "=", maxSplits: 1).map(trimmed)
        guard sides.count == 2, let name = sides.first, let value = sides.last else {
            return OperatorArgument(name: trimmed(text[...]), kind: .value)
        }
        let bare = value.filter { $0 != "\"" && $0 != "'" }
        let kind: OperatorArgument.Kind =
            if bare.lowercased() == "nan" {
                .value
            } else if bare != value {
                .word
            } else if ["true", "false"].contains(bare.lowercased()) {
                .boolean
            } else if Double(bare) != nil {
                .number
            } else if bare.utf8.count == 1 {
                // As in "lookback = d": a letter for the number to be given.
                .value
            } else {
                .word
            }
        return OperatorArgument(name: name, kind: kind, defaultText: bare)
    }

    /// The parts between the outer brackets, at commas outside of quotes and inner brackets; nil without an end.
    private static func inside(_ text: Substring) -> [String]? {
        var parts = [""]
        var depth = 0
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "(" {
                depth += 1
                if depth == 1 { continue }
            } else if character == ")" {
                depth -= 1
                if depth == 0 { return parts.map { trimmed($0[...]) }.filter { !$0.isEmpty } }
            } else if character == ",", depth == 1 {
                parts.append("")
                continue
            }
            parts[parts.count - 1].append(character)
        }
        return nil
    }

    private static func choices(_ part: String) -> [String] {
        part.contains("=") ? part.split(separator: " or ").map { trimmed($0) } : [part]
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
