// Who may do what, and the record of who did it: what the HTTP interface needs of the database.

/// What a caller may do; each role may do all that the ones before it may.
package enum AccessRole: String, Codable, Sendable, CaseIterable, Comparable {
    /// Reads, and asks questions that change nothing.
    case viewer
    /// Also submits and cancels jobs and drains workers.
    case `operator`
    /// Also everything that decides who else is let in.
    case admin

    package static func < (a: AccessRole, b: AccessRole) -> Bool { a.rank < b.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .admin: 2
        }
    }

    package init(parsing text: String) throws(GridError) {
        guard let role = AccessRole(rawValue: text) else {
            throw GridError(
                .usage, "role '\(text.printable)' is not valid: expected \(Self.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        self = role
    }
}

/// Name of a token: whoever reads the audit log knows by it who acted.
package struct TokenName: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    /// - Parameter text: Small letters, digits, `.`, `_` and `-`; so it can be no name that this program gives itself, which
    ///   all have a colon.
    package init(_ text: String) throws(GridError) {
        let bytes = Array(text.utf8)
        let isAlphanumeric = { (byte: UInt8) in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let isPlain = bytes.allSatisfy { isAlphanumeric($0) || Array("._-".utf8).contains($0) }
        guard isPlain, let first = bytes.first, isAlphanumeric(first), bytes.count <= Limits.tokenNameBytesMax else {
            throw GridError(
                .usage,
                "token name '\(text.printable)' is not valid: expected 1 to \(Limits.tokenNameBytesMax) small letters, digits, "
                    + "'.', '_' and '-', the first one a letter or digit")
        }
        rawValue = text
    }

    package var description: String { rawValue }
}

/// A token as the database keeps it: nothing in it opens anything.
package struct StoredToken: Hashable, Sendable {
    package var name: String
    package var role: AccessRole
    /// SHA-256 of the token, 32 bytes.
    package var digest: [UInt8]
    /// Seconds since 1970; nil never.
    package var expiresAt: Double?
    package init(name: String, role: AccessRole, digest: [UInt8], expiresAt: Double?) {
        self.name = name
        self.role = role
        self.digest = digest
        self.expiresAt = expiresAt
    }
}

/// A token as people see it; times in ISO 8601 UTC.
package struct TokenView: Codable, Hashable, Sendable {
    package var name: String
    package var role: AccessRole
    /// `valid`, `expired` or `revoked`.
    package var state: String
    package var createdAt: String
    /// Role of the database that added it.
    package var createdBy: String
    package var expiresAt: String?
    package var revokedAt: String?
    package init(
        name: String, role: AccessRole, state: String, createdAt: String, createdBy: String, expiresAt: String?,
        revokedAt: String?
    ) {
        self.name = name
        self.role = role
        self.state = state
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }
}

/// A request over HTTP that changes something, or that was refused.
package struct AuditEntry: Hashable, Sendable {
    /// Name of the token, `jwt:` and the subject, `file:token`, or nil when nobody was known.
    package var actor: String?
    package var role: AccessRole?
    /// What was to be done, such as `cancel job`; `refused` when the request never came that far.
    package var action: String
    package var method: String
    /// Without the query.
    package var path: String
    /// Job or worker it is about.
    package var subject: String?
    /// Of the answer; nil while there is none, and for good when the coordinator ended before it.
    package var status: Int?
    /// Address of the other end of the connection.
    package var peer: String
    /// Requests refused before this one that have no row of their own.
    package var unrecorded = 0

    package init(
        actor: String?, role: AccessRole?, action: String, method: String, path: String, subject: String? = nil,
        status: Int? = nil, peer: String
    ) {
        self.actor = actor
        self.role = role
        self.action = action
        self.method = method
        self.path = path
        self.subject = subject
        self.status = status
        self.peer = peer
    }
}

/// A row of `audit_log`.
package struct AuditView: Codable, Hashable, Sendable {
    package var auditID: Int64
    package var happenedAt: String
    package var actor: String
    package var role: String?
    package var action: String
    package var method: String?
    package var path: String?
    package var region: String?
    package var subject: String?
    package var status: Int?
    package var peer: String?
    package var detail: JSONValue?
    package init(
        auditID: Int64, happenedAt: String, actor: String, role: String?, action: String, method: String?, path: String?,
        region: String?, subject: String?, status: Int?, peer: String?, detail: JSONValue?
    ) {
        self.auditID = auditID
        self.happenedAt = happenedAt
        self.actor = actor
        self.role = role
        self.action = action
        self.method = method
        self.path = path
        self.region = region
        self.subject = subject
        self.status = status
        self.peer = peer
        self.detail = detail
    }
}

/// Which rows of the audit log are wanted; nil for any.
package struct AuditFilter: Hashable, Sendable {
    /// Empty for rows of nobody known.
    package var actor: String?
    package var action: String?
    /// Seconds since 1970.
    package var since: Double?
    /// Only rows with smaller numbers, for the next page.
    package var before: Int64?
    package init(actor: String? = nil, action: String? = nil, since: Double? = nil, before: Int64? = nil) {
        self.actor = actor
        self.action = action
        self.since = since
        self.before = before
    }

    /// What lists say in the place of an empty actor, and what is asked for by it.
    package static let nobody = "(nobody)"
}

/// The database behind the HTTP interface's gate; errors are `GridError`s.
package protocol AccessRecords: Sendable {
    /// Tokens that are neither revoked nor expired, at most `Limits.tokensMax`.
    func validTokens() async throws -> [StoredToken]
    /// Records a change before it is made.
    ///
    /// - Returns: Number of the row, for `finishAudit`.
    func beginAudit(_ entry: AuditEntry) async throws -> Int64
    /// Says how a recorded change ended.
    func finishAudit(_ row: Int64, status: Int, subject: String?) async throws
    func recordRefusals(_ entries: [AuditEntry]) async throws
    /// The newest first, at most `Limits.auditRowsListedMax`.
    func auditRows(limit: Int, _ filter: AuditFilter) async throws -> [AuditView]
}
