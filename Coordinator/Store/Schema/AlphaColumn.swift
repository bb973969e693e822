/// A column of `alphas` and `alphas_unsubmitted` that describes an alpha, beside its id, region and type.
package struct AlphaColumn: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        case real, integer, timestamp
        /// Text of at most so many characters, or of any length.
        case text(charactersMax: Int?)
    }

    package let name: String
    let kind: Kind
    var defaultValue: String?

    /// In the order of the tables.
    static let all: [AlphaColumn] = [
        real("prod_correlation"), real("self_correlation"), real("is_sharpe"), real("is_fitness"), real("is_returns"),
        real("is_drawdown"), AlphaColumn(name: "is_longcount", kind: .integer),
        AlphaColumn(name: "is_shortcount", kind: .integer), real("is_turnover"), real("is_margin"), real("rn_sharpe"),
        real("rn_fitness"), AlphaColumn(name: "code", kind: .text(charactersMax: nil)),
        AlphaColumn(name: "description", kind: .text(charactersMax: nil)), text50("universe"),
        AlphaColumn(name: "delay", kind: .integer), text50("neutralization"), text50("decay"),
        AlphaColumn(name: "date_added", kind: .timestamp, defaultValue: "CURRENT_TIMESTAMP"),
        AlphaColumn(name: "last_updated", kind: .timestamp),
    ]

    private static func real(_ name: String) -> AlphaColumn { AlphaColumn(name: name, kind: .real) }
    private static func text50(_ name: String) -> AlphaColumn { AlphaColumn(name: name, kind: .text(charactersMax: 50)) }

    var castType: String {
        switch kind {
        case .real: "double precision"
        case .integer: "integer"
        case .timestamp: "timestamp"
        case .text(let charactersMax): charactersMax.map { "varchar(\($0))" } ?? "text"
        }
    }

    var sqlType: String { castType + (defaultValue.map { " DEFAULT \($0)" } ?? "") }
}
