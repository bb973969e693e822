import ClusterModel
import Foundation

/// Who sent a request.
struct Principal: Hashable, Sendable {
    /// Name of the token; `file:token` for that of the state folder, `jwt:` and the subject for a JWT.
    var name: String
    var role: AccessRole

    static let tokenFile = Principal(name: "file:token", role: .admin)
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

    package init(
        token: AccessToken, records: any AccessRecords, jwt: JWTVerifier? = nil, clock: APIClock = .system
    ) {
        self.token = token
        self.records = records
        self.jwt = jwt
        self.clock = clock
    }
}
