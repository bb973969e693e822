import ClusterModel
import Logging

/// Says who presents a token.
struct Authenticator: Sendable {
    enum Verdict: Hashable, Sendable {
        case known(Principal)
        /// No valid token: unknown, expired, revoked or malformed; nobody is told which.
        case stranger
        /// The database does not say which tokens are valid.
        case unavailable
    }

    private let fileDigest: TokenDigest
    private let directory: TokenDirectory
    private let jwt: JWTVerifier?
    private let clock: APIClock

    init(_ settings: AccessSettings, logger: Logger) {
        fileDigest = settings.token.digest
        jwt = settings.jwt
        clock = settings.clock
        directory = TokenDirectory(records: settings.records, clock: settings.clock, logger: logger)
    }

    func identify(_ presented: Substring) async -> Verdict { Verdict(await look(at: presented)) }

    /// What a token grants, for a session to stand on.
    enum Finding: Sendable {
        case granted(Grant)
        case stranger, unavailable
    }

    func look(at presented: Substring) async -> Finding {
        guard presented.utf8.count <= AccessToken.bytesMax else { return .stranger }
        let digest = TokenDigest(of: presented.utf8)
        if fileDigest.matches(digest) { return .granted(.tokenFile) }
        if let jwt, JWTVerifier.looksLikeOne(presented) {
            return await jwt.grant(presented, now: clock.wall()).map(Finding.granted) ?? .stranger
        }
        // What cannot be one of them is no reason to ask the database.
        guard presented.hasPrefix(AccessToken.prefix) else { return .stranger }
        return await find(digest)
    }

    /// Whether what a session stands on still holds: one whose token was revoked ends with it.
    func identify(_ grant: Grant) async -> Verdict {
        switch grant.origin {
        case .file: return .known(grant.principal)
        case .jwt(let endsAt): return clock.wall() < endsAt ? .known(grant.principal) : .stranger
        case .stored(let digest):
            let present = await find(digest)
            guard case .granted(let now) = present else { return Verdict(present) }
            return .known(now.limited(to: grant.principal.role).principal)
        }
    }

    private func find(_ digest: TokenDigest) async -> Finding {
        guard let tokens = await directory.tokens() else { return .unavailable }
        return Self.find(digest, in: tokens, now: clock.wall()).map {
            .granted(Grant(principal: $0, origin: .stored(digest)))
        } ?? .stranger
    }

    /// Compares with every token, also behind the one that matches, so that time does not tell which it was.
    static func find(_ digest: TokenDigest, in tokens: [StoredToken], now: Double) -> Principal? {
        var found: Int?
        for (index, token) in tokens.enumerated() {
            let matches = TokenDigest(bytes: token.digest).matches(digest)
            let isOver = token.expiresAt.map { $0 <= now } ?? false
            if matches, !isOver { found = index }
        }
        return found.map { Principal(name: tokens[$0].name, role: tokens[$0].role) }
    }
}

extension Authenticator.Verdict {
    init(_ finding: Authenticator.Finding) {
        switch finding {
        case .granted(let grant): self = .known(grant.principal)
        case .stranger: self = .stranger
        case .unavailable: self = .unavailable
        }
    }
}
