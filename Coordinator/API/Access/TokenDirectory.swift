import ClusterModel
import Logging
import Synchronization

/// The tokens of the database as it last had them, looked up again while requests come.
///
/// So a token that was revoked opens nothing any more after `Limits.tokensLookSeconds`, and after
/// `Limits.tokensTrustedSeconds` also when the database does not answer: neither with an error nor at all.
final class TokenDirectory: Sendable {
    private struct State {
        var tokens: [StoredToken] = []
        /// When the look-up that gave `tokens` began; nil before the first.
        var askedAt: Double?
        /// When the last one began, whatever came of it.
        var triedAt: Double?
        var look: SharedLook?
    }

    private let records: any AccessRecords
    private let clock: APIClock
    private let logger: Logger
    private let patience: Duration
    private let state = Mutex(State())

    init(
        records: any AccessRecords, clock: APIClock, logger: Logger,
        patience: Duration = .seconds(Limits.tokensPatienceSeconds)
    ) {
        self.patience = patience
        self.records = records
        self.clock = clock
        self.logger = logger
    }

    /// - Returns: nil when the database has not said for too long which tokens are valid.
    func tokens() async -> [StoredToken]? {
        // One look-up at a time, whoever is waiting for it.
        let look = state.withLock { state -> SharedLook? in
            if let look = state.look { return look }
            let now = clock.monotonic()
            if let triedAt = state.triedAt, now - triedAt < Limits.tokensLookSeconds { return nil }
            state.triedAt = now
            let look = SharedLook(patience: patience) {
                await self.look(askedAt: now)
            } overdue: {
                self.logger.warning("the access tokens are still being looked up", metadata: ["after": "\(self.patience)"])
            }
            state.look = look
            return look
        }
        await look?.wait()
        let now = clock.monotonic()
        return state.withLock { state in
            guard let askedAt = state.askedAt, now - askedAt < Limits.tokensTrustedSeconds else { return nil }
            return state.tokens
        }
    }

    private func look(askedAt: Double) async {
        var found: [StoredToken]?
        do {
            found = try await records.validTokens()
        } catch {
            logger.warning("cannot look up the access tokens", metadata: ["error": "\(error)"])
        }
        state.withLock { state in
            state.look = nil
            guard let found else { return }
            state.tokens = Array(found.prefix(Limits.tokensMax))
            state.askedAt = askedAt
        }
    }
}
