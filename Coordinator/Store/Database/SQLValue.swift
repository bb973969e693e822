import ClusterModel

/// A parameter of a statement. Values travel beside the SQL, never inside it.
enum SQLValue: Sendable {
    case null
    case text(String)
    case integer(Int64)
    case real(Double)
    case boolean(Bool)
    /// `text[]`.
    case texts([String])

    static func optional(_ value: String?) -> SQLValue { value.map(SQLValue.text) ?? .null }
    static func optional(_ value: Double?) -> SQLValue { value.map(SQLValue.real) ?? .null }
    static func optional(_ value: Int?) -> SQLValue { value.map { .integer(Int64($0)) } ?? .null }

    /// PostgreSQL's text form; nil for NULL.
    var literal: String? {
        switch self {
        case .null: nil
        case .text(let value): value
        case .integer(let value): String(value)
        case .real(let value): value.isNaN ? "NaN" : value.description
        case .boolean(let value): value ? "t" : "f"
        case .texts(let values): Self.arrayLiteral(values)
        }
    }

    /// `{"a","b"}` with quotes and backslashes escaped, so that every text is one element.
    static func arrayLiteral(_ values: [String]) -> String {
        var out = "{"
        for (index, value) in values.enumerated() {
            out += index == 0 ? "\"" : ",\""
            for scalar in value.unicodeScalars {
                if scalar == "\"" || scalar == "\\" { out += "\\" }
                out.unicodeScalars.append(scalar)
            }
            out += "\""
        }
        return out + "}"
    }
}

/// A name inside double quotes, for the few names that become part of a statement.
func quoted(identifier: String) -> String { "\"" + doubling(["\""], in: identifier) + "\"" }

/// A text inside single quotes, for statements that take no parameters, such as COPY.
func quoted(literal: String) -> String { "E'" + doubling(["'", "\\"], in: literal) + "'" }

/// By scalar, never by character: to Swift a quote with an accent on it is one character and no quote, to PostgreSQL it is the
/// end of the text.
private func doubling(_ special: Set<Unicode.Scalar>, in text: String) -> String {
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if special.contains(scalar) { out.append(scalar) }
        out.append(scalar)
    }
    return String(out)
}
