import ClusterModel
import Logging
import Synchronization

/// Whether the coordinator can work. Strangers may ask, so an answer holds for `Limits.readinessHeldSeconds`, all who ask at the
/// same time share one look, and the log tells of changes alone.
final class Readiness: Sendable {
    private struct State {
        /// nil before the first look.
        var isReady: Bool?
        /// When the last look began.
        var askedAt: Double?
        var look: SharedLook?
    }

    private let clock: APIClock
    private let logger: Logger
    private let patience: Duration
    private let ask: @Sendable () async throws -> Void
    private let state = Mutex(State())

    /// - Parameter ask: Throws the reason where there is one.
    init(
        clock: APIClock = .system, logger: Logger, patience: Duration = .seconds(Limits.readinessPatienceSeconds),
        _ ask: @escaping @Sendable () async throws -> Void
    ) {
        self.clock = clock
        self.logger = logger
        self.patience = patience
        self.ask = ask
    }

    func isReady() async -> Bool {
        let look = state.withLock { state -> SharedLook? in
            if let look = state.look { return look }
            let now = clock.monotonic()
            if let askedAt = state.askedAt, now - askedAt < Limits.readinessHeldSeconds { return nil }
            state.askedAt = now
            let look = SharedLook(patience: patience) {
                await self.look()
            } overdue: {
                self.note("nobody can say after \(self.patience)")
            }
            state.look = look
            return look
        }
        await look?.wait()
        return state.withLock { $0.isReady == true }
    }

    private func look() async {
        var reason: String?
        do { try await ask() } catch { reason = "\(error)" }
        note(reason)
        state.withLock { $0.look = nil }
    }

    /// - Parameter reason: nil when it is ready.
    private func note(_ reason: String?) {
        let before = state.withLock { state in
            defer { state.isReady = reason == nil }
            return state.isReady
        }
        if let reason, before != false { logger.warning("not ready", metadata: ["error": "\(reason)"]) }
        if reason == nil, before == false { logger.info("ready again") }
    }
}
