import ClusterModel
import LocalPostgres
import Messaging

/// The private PostgreSQL of a cluster on this machine: started, watched, and started again when it has died.
///
/// It is no child of this process, so nobody tells of its end: somebody has to look.
@MainActor
final class ClusterDatabase {
    private let postgres: LocalPostgres
    private let onEnd: @Sendable (ProcessIdentity) -> Void
    private var server: RunningPostgres?
    private var watch: (identity: ProcessIdentity, task: Task<Void, Never>)?
    private var policy: RestartPolicy?

    private static let restartsMax = 4
    private static let lookEveryMilliseconds = 500

    /// - Parameters:
    ///   - directory: The state folder.
    ///   - onEnd: Called once for each server that ends without `stop`, from any thread.
    init(directory: String, onEnd: @escaping @Sendable (ProcessIdentity) -> Void) {
        postgres = LocalPostgres(directory: directory)
        self.onEnd = onEnd
    }

    /// The same after every start; empty before the first one.
    var url: String { server?.url ?? "" }
    var log: String { server?.log ?? "" }

    /// Blocks for seconds, on the first start for longer.
    func start() throws(GridError) {
        let server = try postgres.start(insteadOf: server)
        guard let identity = ProcessIdentity(server.processID) else {
            throw GridError(.failed, "PostgreSQL ended as soon as it had started, log in \(server.log)")
        }
        self.server = server
        if policy == nil {
            policy = RestartPolicy(attemptsMax: Self.restartsMax, startedAt: .now())
        } else {
            policy?.started(at: .now())
        }
        let onEnd = onEnd
        let task = Task.detached {
            while identity.isAlive {
                do { try await Task.sleep(for: .milliseconds(Self.lookEveryMilliseconds)) } catch { return }
            }
            onEnd(identity)
        }
        watch = (identity, task)
    }

    /// - Returns: false when it is not the present server, such as after `stop`.
    func forget(_ identity: ProcessIdentity) -> Bool {
        guard watch?.identity == identity else { return false }
        watch = nil
        return true
    }

    /// After an end, or a start that failed.
    ///
    /// - Returns: Milliseconds after which to start it again; nil when that makes no sense any more.
    func restartDelay() -> Int64? { policy?.ended(at: .now()) }

    func stop() throws(GridError) {
        watch?.task.cancel()
        watch = nil
        try postgres.stop()
    }
}
