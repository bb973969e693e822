import ClusterModel
import Foundation

/// Who sent a request.
struct Principal: Hashable, Sendable {
    /// Name of the token; `file:token` for that of the state folder, `jwt:` and the subject for a JWT.
    var name: String
    var role: AccessRole

    static let tokenFile = Principal(name: "file:token", role: .admin)
}

/// What somebody has shown to be let in, without the secret: what a session stands on, and ends with.
struct Grant: Hashable, Sendable {
    enum Origin: Hashable, Sendable {
        /// The token of the state folder, which holds as long as this process.
        case file
        /// A token of the database, by its digest.
        case stored(TokenDigest)
        /// Seconds since 1970.
        case jwt(endsAt: Double)
    }

    var principal: Principal
    var origin: Origin

    static let tokenFile = Grant(principal: .tokenFile, origin: .file)

    /// The same with less to do; never with more.
    func limited(to role: AccessRole?) -> Grant {
        var grant = self
        if let role { grant.principal.role = min(role, principal.role) }
        return grant
    }
}

/// The clocks that access goes by, as arguments so that tests can turn them.
package struct APIClock: Sendable {
    /// Seconds that only grow, for rates and ages.
    var monotonic: @Sendable () -> Double
    /// Seconds since 1970, for when a token ends.
    var wall: @Sendable () -> Double

    package static let system = APIClock(
        monotonic: { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }, wall: { Date().timeIntervalSince1970 })
}

/// Who is let in, and where it is recorded.
package struct AccessSettings: Sendable {
    /// That of the state folder or the environment; its role is admin.
    var token: AccessToken
    var records: any AccessRecords
    var jwt: JWTVerifier?
    var clock: APIClock
    /// Requests without a valid token that one address may send; as many, or the usual number, may come at once.
    var strangersPerSecond: Double
    /// Changes that one caller may make at once.
    var changesBurst = Limits.changesBurstMax
    /// Browsers that are signed in.
    let sessions: SessionDirectory

    package init(
        token: AccessToken, records: any AccessRecords, jwt: JWTVerifier? = nil, clock: APIClock = .system,
        strangersPerSecond: Double? = nil
    ) {
        self.strangersPerSecond = strangersPerSecond ?? Limits.strangerRequestsPerSecondMax
        self.token = token
        self.records = records
        self.jwt = jwt
        self.clock = clock
        sessions = SessionDirectory(clock: clock)
    }

    /// A link that signs one browser in as an admin, once and soon.
    ///
    /// - Parameter url: Where the page is, without a path.
    package func signInLink(_ url: String) -> String {
        SignInCode.link(url, code: sessions.makeCode(for: .tokenFile).secret)
    }
}
