import CLibpq
import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One session with the server, the owner of a libpq handle.
///
/// Calls block. Used by one thread at a time: the pool hands it from one thread to another under its lock, which is
/// why it may cross threads unchecked.
package final class Connection: @unchecked Sendable {
    let handle: OpaquePointer
    /// `HOST:PORT/NAME`, for messages.
    let place: String
    let role: String
    /// A protocol state that nobody wants to repair; the pool drops the connection.
    private(set) var isBroken = false
    /// Names of statements that the server has been given on this session, by their text.
    private var preparedNames: [String: String] = [:]

    private init(adopting handle: OpaquePointer) {
        self.handle = handle
        place = Self.place(of: handle)
        role = PQuser(handle).map { String(cString: $0) } ?? ""
        // The SQLSTATE of a failed connect is only in its verbose text.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
    }

    deinit { PQfinish(handle) }

    /// Connects within `Limits.databaseConnectSeconds` or the URL's own `connect_timeout`.
    static func open(
        _ url: DatabaseURL, statementMilliseconds: Int = Limits.databaseStatementMilliseconds
    ) throws(DatabaseError) -> Connection {
        let connection = Connection(adopting: try start(url))
        let wanted = url.value(of: "connect_timeout").flatMap { Int($0) } ?? 0
        let seconds = wanted > 0 ? min(wanted, 3_600) : Limits.databaseConnectSeconds
        let outcome = finishConnecting(connection.handle, seconds: seconds)
        guard outcome == .connected else {
            var error = connection.lastError()
            if outcome == .timedOut { error.message = "no answer within \(seconds) second\(seconds == 1 ? "" : "s")" }
            error.isDisconnected = true
            throw error
        }
        try connection.execute(sessionSettings + "; SET statement_timeout = \(statementMilliseconds)")
        return connection
    }

    /// UTC because the tables' `timestamp` columns carry no zone; no JIT because statements are short or mere copies;
    /// keepalives because a host that lost its power must not hold the coordinator's lease for hours.
    private static let sessionSettings = """
        SET timezone = 'UTC'; SET datestyle = 'ISO'; SET client_min_messages = 'warning'; SET jit = off; \
        SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; \
        SET lock_timeout = \(Limits.databaseLockMilliseconds); \
        SET idle_in_transaction_session_timeout = \(Limits.databaseStatementMilliseconds)
        """

    /// Runs a statement to its end. Without parameters it may be several, separated by `;`.
    @discardableResult
    func execute(_ sql: String, _ parameters: [SQLValue] = []) throws(DatabaseError) -> QueryResult {
        let literals = try literals(parameters)
        return try finished(
            parameters.isEmpty
                ? PQexec(handle, sql)
                : withCStrings(literals) { PQexecParams(handle, sql, Int32(parameters.count), nil, $0, nil, nil, 0) })
    }

    /// Runs a statement that is asked again and again: the server takes its text apart and plans it once per session, which for
    /// questions about catalogues costs it several times as long as the answer.
    ///
    /// - Parameter sql: one of a few texts, as the session remembers all of them.
    func execute(prepared sql: String, _ parameters: [SQLValue]) throws(DatabaseError) -> QueryResult {
        let literals = try literals(parameters)
        let name = try preparedName(sql)
        return try finished(
            withCStrings(literals) { PQexecPrepared(handle, name, Int32(parameters.count), $0, nil, nil, 0) })
    }

    private func preparedName(_ sql: String) throws(DatabaseError) -> String {
        if let known = preparedNames[sql] { return known }
        let name = "alphagrid_\(preparedNames.count)"
        _ = try finished(PQprepare(handle, name, sql, 0, nil))
        preparedNames[sql] = name
        return name
    }

    private func literals(_ parameters: [SQLValue]) throws(DatabaseError) -> [String?] {
        let literals = parameters.map(\.literal)
        // A zero byte would silently cut the value: libpq takes C strings.
        if literals.contains(where: { $0?.utf8.contains(0) == true }) {
            throw failure("22021", "a text holds a zero byte, which PostgreSQL cannot store")
        }
        return literals
    }

    private func finished(_ result: OpaquePointer?) throws(DatabaseError) -> QueryResult {
        guard let result else { throw lastError() }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return QueryResult(adopting: result)
        default:
            defer { PQclear(result) }
            throw error(of: result)
        }
    }

    /// Whether an idle connection may be used: the server has not ended it, nor said anything unasked.
    var isHealthy: Bool {
        guard !isBroken, PQstatus(handle) == CONNECTION_OK, PQtransactionStatus(handle) == PQTRANS_IDLE else { return false }
        var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) == 0
    }

    /// Gives the connection up: it is in the middle of something nobody will finish.
    func abandon() { isBroken = true }

    // MARK: Errors

    func error(of result: OpaquePointer) -> DatabaseError {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        guard let message = field("M") else { return lastError() }
        return DatabaseError(
            sqlState: field("C") ?? "", severity: field("V") ?? "", message: message, detail: field("D"), place: place,
            role: role, isDisconnected: noteDisconnection())
    }

    /// The failure libpq itself noticed, such as a server that went away: the server has said nothing, so nobody knows what has
    /// become of the statement. libpq's own state need not say so: after a write that failed while news of the server's end was
    /// still to be read, it calls the connection sound.
    func lastError() -> DatabaseError {
        let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        let failure = ConnectFailure(text)
        isBroken = true
        return DatabaseError(
            sqlState: failure.sqlState, severity: "", message: failure.message, place: place, role: role, isDisconnected: true)
    }

    func failure(_ sqlState: String, _ message: String) -> DatabaseError {
        DatabaseError(
            sqlState: sqlState, severity: "ERROR", message: message, place: place, role: role, isDisconnected: false)
    }

    private func noteDisconnection() -> Bool {
        guard PQstatus(handle) == CONNECTION_BAD else { return false }
        isBroken = true
        return true
    }
}

extension Connection {
    private static func start(_ url: DatabaseURL) throws(DatabaseError) -> OpaquePointer {
        // A dead network is noticed within a minute instead of hours; the URL's own settings come later and win.
        let defaults = [
            ("fallback_application_name", "alphagrid"), ("client_encoding", "UTF8"), ("keepalives_idle", "30"),
            ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "30000"),
        ]
        let all = defaults + url.parameters.map { ($0.keyword, $0.value) }.filter { $0.0 != "client_encoding" }
        let started = withCStrings(all.map(\.0) + [nil]) { keywords in
            withCStrings(all.map(\.1) + [nil]) { PQconnectStartParams(keywords, $0, 0) }
        }
        guard let started else {
            throw DatabaseError(
                sqlState: "53200", severity: "FATAL", message: "out of memory", place: "", role: "", isDisconnected: true)
        }
        return started
    }

    private static func place(of handle: OpaquePointer) -> String {
        func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
        let host = text(PQhost(handle))
        return "\(host.isEmpty ? "localhost" : host):\(text(PQport(handle)))/\(text(PQdb(handle)))"
    }

    private enum ConnectOutcome { case connected, failed, timedOut }

    /// Drives libpq's own connecting, because that alone lets the verbosity be set before the first answer.
    private static func finishConnecting(_ handle: OpaquePointer, seconds: Int) -> ConnectOutcome {
        guard PQstatus(handle) != CONNECTION_BAD else { return .failed }
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(seconds)
        var events = Int16(POLLOUT)
        while clock.now < deadline {
            let left = (deadline - clock.now).components
            let milliseconds = left.seconds * 1_000 + left.attoseconds / 1_000_000_000_000_000
            var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
            let ready = poll(&descriptor, 1, Int32(max(1, milliseconds)))
            if ready < 0 && errno != EINTR { return .failed }
            if ready <= 0 { continue }
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return .connected
            case PGRES_POLLING_READING: events = Int16(POLLIN)
            case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
            default: return .failed
            }
        }
        return .timedOut
    }
}

/// Takes libpq's text of a failure apart: `connection to server ... failed: FATAL:  3D000: database "x" does not exist`.
struct ConnectFailure: Equatable {
    var sqlState = ""
    var message = ""

    init(_ text: String) {
        // One line per address tried; the indented ones only ask whether a server runs at all.
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("\t") && !$0.hasPrefix("LOCATION:") }
        guard let last = lines.last(where: { $0.contains("failed: ") }) ?? lines.first else { return }
        let parts = String(last).split(separator: "failed: ", maxSplits: 1)
        message = String(parts.last ?? "")
        if let match = message.firstMatch(of: /^\p{L}+: +([0-9A-Z]{5}): (.*)$/) {
            sqlState = String(match.1)
            message = String(match.2)
        }
    }
}

/// Calls `body` with an array of C strings that lives as long as the call; nil becomes NULL.
func withCStrings<R>(_ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) throws -> R) rethrows -> R {
    let copies = texts.map { $0.map { UnsafePointer(strdup($0)) } ?? nil }
    defer { copies.forEach { free(UnsafeMutablePointer(mutating: $0)) } }
    return try copies.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else {
            return try withUnsafePointer(to: nil as UnsafePointer<CChar>?) { try body($0) }
        }
        return try body(base)
    }
}
