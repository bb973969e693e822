import ClusterModel

/// What a use of the database is for: the words of its error messages.
struct Action: Sendable {
    /// Continues "cannot ...", such as `import PnL of USA`.
    var doing: String
    /// Rights the role needs, such as `INSERT on pnl_usa`.
    var needs: String
    /// Why another session's lock may stand in the way and what to do; nil where nothing more is known.
    var whenLocked: String?
    /// What to do when the database takes too long; nil where nobody can do anything.
    var whenSlow: String?

    init(_ doing: String, needs: String, whenLocked: String? = nil, whenSlow: String? = nil) {
        self.doing = doing
        self.needs = needs
        self.whenLocked = whenLocked
        self.whenSlow = whenSlow
    }
}

/// A failure as libpq reports it. Codes are open: an unknown SQLSTATE is carried like any other.
package struct DatabaseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Five characters, or empty when the server did not say, as when it does not answer.
    package var sqlState: String
    /// `ERROR`, `FATAL` or `PANIC`; empty when the server did not say.
    package var severity: String
    /// The first line of what went wrong, without the statement and without secrets.
    package var message: String
    package var detail: String?
    /// `HOST:PORT/NAME`.
    package var place: String
    package var role: String
    /// The connection cannot be used any more, or was never made.
    package var isDisconnected: Bool

    package var description: String {
        sqlState.isEmpty ? message : "\(message) (SQLSTATE \(sqlState))"
    }

    /// Another session's work got in the way; the same transaction may well succeed when it is repeated.
    var isTransient: Bool { sqlState == "40001" || sqlState == "40P01" }

    /// Another session held a lock for longer than this one was to wait.
    var isLockedOut: Bool { sqlState == "55P03" }

    /// The server has too little of something for anybody, or is on its way up or down.
    private var isServerTrouble: Bool {
        isDisconnected || sqlState.hasPrefix("08") || sqlState.hasPrefix("57P") || sqlState == "53300"
    }

    /// The one sentence a person reads.
    func gridError(_ action: Action) -> GridError {
        if isServerTrouble { return GridError(.unreachable, "cannot reach the database at \(place): \(message)") }
        let what = "cannot \(action.doing)"
        switch sqlState {
        case "22021":
            return GridError(.usage, "\(what): \(message)")
        case "42501":
            return GridError(
                .failed, "\(what): \(message) at \(place); the role '\(role.printable)' needs \(action.needs)")
        case "25006":
            return GridError(.failed, "\(what): the database at \(place) is read-only for the role '\(role.printable)'")
        case "42P01", "42703", "3F000":
            return GridError(
                .conflict, "\(what): \(message) at \(place): run 'alphagrid db init' to make AlphaGrid's tables")
        case "57014":
            let advice = action.whenSlow.map { "; \($0)" } ?? ""
            return GridError(.failed, "\(what): the database at \(place) took too long: \(message)\(advice)")
        case "55P03" where action.whenLocked != nil:
            return GridError(.conflict, "\(what): \(action.whenLocked ?? "")")
        case "55P03":
            return GridError(.conflict, "\(what): another session holds a lock on what it needs: \(message); try again later")
        case "40001", "40P01":
            return GridError(.conflict, "\(what): other sessions keep getting in the way: \(message); try again later")
        case "53100", "53200":
            return GridError(.failed, "\(what): the database at \(place) has run out of resources: \(message)")
        default:
            let more = detail.map { ": \($0.printable)" } ?? ""
            return GridError(.failed, "\(what): the database at \(place) refused it: \(self)\(more)")
        }
    }
}
