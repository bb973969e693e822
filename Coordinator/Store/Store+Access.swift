import ClusterModel

// Tokens of the HTTP interface. The secrets themselves never come here, only their SHA-256.
extension Store {
    /// When a token ends, in the database's clock.
    package enum TokenLife: Sendable {
        case unlimited
        case seconds(Int64)
    }

    /// - Parameter digest: SHA-256 of the token, 32 bytes.
    /// - Throws: `GridError(.conflict)` when a token of this name is not revoked yet, or there are `Limits.tokensMax`.
    package func addToken(
        _ name: TokenName, role: AccessRole, digest: [UInt8], life: TokenLife
    ) throws(GridError) -> TokenView {
        let action = Action("add a token", needs: "INSERT and DELETE on access_tokens, INSERT on audit_log")
        return try pool.write(action) { connection in
            try connection.lock("access tokens")
            let present = try connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE name = $1) FROM access_tokens WHERE revoked_at IS NULL",
                [.text(name.rawValue)])
            guard present.integer(0, 1) == 0 else {
                throw GridError(
                    .conflict, "there is a token '\(name)' already: revoke it first, or choose another name")
            }
            guard (present.integer(0, 0) ?? 0) < Limits.tokensMax else {
                throw GridError(.conflict, "there are \(Limits.tokensMax) tokens already: revoke those that nobody uses")
            }
            let seconds: SQLValue =
                switch life {
                case .unlimited: .null
                case .seconds(let seconds): .integer(seconds)
                }
            try connection.execute(
                """
                INSERT INTO access_tokens (name, role, sha256, expires_at)
                VALUES ($1, $2, decode($3, 'hex'), clock_timestamp() + $4::bigint * interval '1 second')
                """, [.text(name.rawValue), .text(role.rawValue), .text(Self.hex(digest)), seconds])
            try connection.execute(
                """
                DELETE FROM access_tokens WHERE token_id IN (
                    SELECT token_id FROM access_tokens WHERE revoked_at IS NOT NULL ORDER BY token_id DESC OFFSET $1)
                """, [.integer(Int64(Limits.tokensRevokedKeptMax))])
            try Self.audit("token added", region: nil, subject: name.rawValue, detail: ["role": role.rawValue], connection)
            let views = try Self.tokenViews("WHERE name = $1 AND revoked_at IS NULL", [.text(name.rawValue)], connection)
            guard let view = views.first else { throw GridError(.failed, "the token '\(name)' is gone already") }
            return view
        }
    }

    /// - Throws: `GridError(.notFound)` when no token of this name is left to revoke.
    package func revokeToken(_ name: TokenName) throws(GridError) -> TokenView {
        let action = Action("revoke a token", needs: "UPDATE on access_tokens and INSERT on audit_log")
        return try pool.write(action) { connection in
            let revoked = try connection.execute(
                """
                UPDATE access_tokens SET revoked_at = clock_timestamp()
                WHERE name = $1 AND revoked_at IS NULL RETURNING token_id
                """, [.text(name.rawValue)])
            guard let id = revoked.text(ifAnyRow: 0) else {
                throw GridError(.notFound, "there is no token '\(name)' to revoke: 'alphagrid tokens list' shows those there are")
            }
            try Self.audit("token revoked", region: nil, subject: name.rawValue, detail: [String: String](), connection)
            guard let view = try Self.tokenViews("WHERE token_id = $1::bigint", [.text(id)], connection).first else {
                throw GridError(.failed, "the token '\(name)' is gone")
            }
            return view
        }
    }

    /// All that are not forgotten, the newest last.
    package func tokens() throws(GridError) -> [TokenView] {
        try pool.read(Action("list the tokens", needs: "SELECT on access_tokens")) { try Self.tokenViews("", [], $0) }
    }

    /// Those that open the HTTP interface now, at most `Limits.tokensMax`.
    package func validTokens() throws(GridError) -> [StoredToken] {
        try pool.read(Action("look up the tokens", needs: "SELECT on access_tokens")) { connection in
            let found = try connection.execute(
                """
                SELECT name, role, encode(sha256, 'hex'), extract(epoch FROM expires_at) FROM access_tokens
                WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
                ORDER BY token_id LIMIT $1
                """, [.integer(Int64(Limits.tokensMax))])
            return (0..<found.rowCount).compactMap { row in
                guard let name = found.text(row, 0), let role = AccessRole(rawValue: found.text(row, 1) ?? "") else { return nil }
                return StoredToken(
                    name: name, role: role, digest: Self.bytes(hex: found.text(row, 2) ?? ""), expiresAt: found.real(row, 3))
            }
        }
    }

    private static func tokenViews(_ condition: String, _ values: [SQLValue], _ connection: Connection) throws -> [TokenView] {
        let found = try connection.execute(
            """
            SELECT name, role, \(isoSeconds("created_at")), created_by, \(isoSeconds("expires_at")), \(isoSeconds("revoked_at")),
                CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= clock_timestamp() THEN 'expired'
                ELSE 'valid' END
            FROM access_tokens \(condition) ORDER BY token_id
            """, values)
        return (0..<found.rowCount).map { row in
            TokenView(
                name: found.text(row, 0) ?? "", role: AccessRole(rawValue: found.text(row, 1) ?? "") ?? .viewer,
                state: found.text(row, 6) ?? "", createdAt: found.text(row, 2) ?? "", createdBy: found.text(row, 3) ?? "",
                expiresAt: found.text(row, 4), revokedAt: found.text(row, 5))
        }
    }

    /// An expression for a time in ISO 8601 UTC.
    static func isoSeconds(_ column: String) -> String {
        "to_char(\(column) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private static func bytes(hex: String) -> [UInt8] {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
