import ClusterModel
import Synchronization

/// Browsers that are signed in, and the one-time codes that sign them in. Both live in memory alone and end with the
/// process; of their secrets only digests are kept.
package final class SessionDirectory: Sendable {
    private struct Entry {
        var digest: TokenDigest
        var grant: Grant
        /// By the clock that only grows.
        var endsAt: Double
    }

    private struct State {
        /// Both in the order in which they were made, so that the first is the oldest.
        var codes: [Entry] = []
        var sessions: [Entry] = []
    }

    private let clock: APIClock
    private let state = Mutex(State())

    init(clock: APIClock) { self.clock = clock }

    /// A new code; where too many wait, the oldest opens nothing any more.
    func makeCode(for grant: Grant) -> AccessToken {
        let code = AccessToken.random()
        let now = clock.monotonic()
        state.withLock { state in
            Self.sweep(&state.codes, now, leaving: Limits.signInCodesMax - 1)
            state.codes.append(Entry(digest: code.digest, grant: grant, endsAt: now + Limits.signInCodeSeconds))
        }
        return code
    }

    /// What a code grants, which it does once.
    func redeem(_ code: Substring) -> Grant? {
        let digest = TokenDigest(of: code.utf8)
        let now = clock.monotonic()
        return state.withLock { state in
            guard let index = Self.find(digest, in: state.codes, now) else { return nil }
            return state.codes.remove(at: index).grant
        }
    }

    /// - Returns: The secret of a new session, and how many seconds it lasts.
    func open(_ grant: Grant) -> (secret: AccessToken, seconds: Double) {
        let secret = AccessToken.random()
        let now = clock.monotonic()
        state.withLock { state in
            Self.sweep(&state.sessions, now, leaving: Limits.sessionsMax - 1)
            let own = state.sessions.indices.filter { state.sessions[$0].grant.principal.name == grant.principal.name }
            if own.count >= Limits.sessionsPerNameMax, let oldest = own.first { state.sessions.remove(at: oldest) }
            state.sessions.append(Entry(digest: secret.digest, grant: grant, endsAt: now + Limits.sessionSeconds))
        }
        return (secret, Limits.sessionSeconds)
    }

    /// What the session with this secret stands on; whether that still holds is for the authenticator to say.
    func find(_ secret: Substring) -> Grant? { session(secret)?.grant }

    /// Seconds until it ends by itself; nil when there is none.
    func secondsLeft(_ secret: Substring) -> Double? { session(secret).map { $0.endsAt - clock.monotonic() } }

    func close(_ secret: Substring) {
        let digest = TokenDigest(of: secret.utf8)
        let now = clock.monotonic()
        state.withLock { state in
            if let index = Self.find(digest, in: state.sessions, now) { state.sessions.remove(at: index) }
        }
    }

    var sessionCount: Int { state.withLock { $0.sessions.count } }
    var codeCount: Int { state.withLock { $0.codes.count } }

    private func session(_ secret: Substring) -> Entry? {
        guard secret.utf8.count <= AccessToken.bytesMax else { return nil }
        let digest = TokenDigest(of: secret.utf8)
        let now = clock.monotonic()
        return state.withLock { state in Self.find(digest, in: state.sessions, now).map { state.sessions[$0] } }
    }

    /// Compares with every entry, also behind the one that matches, so that time does not tell which it was.
    private static func find(_ digest: TokenDigest, in entries: [Entry], _ now: Double) -> Int? {
        var found: Int?
        for (index, entry) in entries.enumerated() {
            let matches = entry.digest.matches(digest)
            if matches, now < entry.endsAt { found = index }
        }
        return found
    }

    private static func sweep(_ entries: inout [Entry], _ now: Double, leaving most: Int) {
        entries.removeAll { $0.endsAt <= now }
        entries.removeFirst(max(0, entries.count - most))
    }
}

/// How a code is handed over: behind `#`, which a browser keeps to itself, so that no log of a server or proxy has it.
package enum SignInCode {
    package static func link(_ url: String, code: String) -> String { "\(url)/#code=\(code)" }
}
