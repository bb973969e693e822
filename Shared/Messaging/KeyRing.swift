import ClusterModel
import Synchronization

/// The public keys that a listening socket admits, each with the name of whom it was given to. Shared by the sockets of a
/// program and whoever changes it; any thread may ask.
package final class KeyRing: Sendable {
    private struct State {
        var names: [PublicKey: String] = [:]
        var userIDs: Set<String> = []
        var removals: UInt64 = 0
        var observer: (@Sendable ([String: String]) -> Void)?

        /// Public key by name.
        var keys: [String: String] { Dictionary(names.map { ($0.value, $0.key.text) }) { first, _ in first } }

        /// - Returns: whether anything changes.
        mutating func replace(_ names: [PublicKey: String]) -> Bool {
            guard names != self.names else { return false }
            if self.names.contains(where: { names[$0.key] != $0.value }) { removals += 1 }
            self.names = names
            userIDs = Set(names.map { KeyRing.userID(name: $0.value, key: $0.key) })
            return true
        }
    }

    private let state = Mutex(State())
    private let changes = Atomic<UInt64>(0)
    private let source: (@Sendable () -> [PublicKey: String]?)?
    private let refreshing = Mutex(())

    /// - Parameter source: asked about once a second by the threads that admit peers; nil says that nothing has changed.
    package init(_ names: [PublicKey: String] = [:], source: (@Sendable () -> [PublicKey: String]?)? = nil) {
        self.source = source
        replace(names)
    }

    package func replace(_ names: [PublicKey: String]) {
        let told = state.withLock { state -> (keys: [String: String], observer: (@Sendable ([String: String]) -> Void)?)? in
            state.replace(names) ? (state.keys, state.observer) : nil
        }
        guard let told else { return }
        changes.add(1, ordering: .acquiringAndReleasing)
        told.observer?(told.keys)
    }

    /// Tells the public key of each name, now and after each change; never waits for whoever is told.
    package func observe(_ observer: @escaping @Sendable ([String: String]) -> Void) {
        let keys = state.withLock { state in
            state.observer = observer
            return state.keys
        }
        observer(keys)
    }

    /// Asks the source now, as the threads that admit peers do about once a second.
    ///
    /// One at a time, from the question until the answer counts: an older list that one thread has read must not take the
    /// place of a newer one that another has brought meanwhile, since the source would not tell that one again.
    package func refresh() {
        guard let source else { return }
        refreshing.withLock { _ in
            if let names = source() { replace(names) }
        }
    }

    /// Changes whenever the ring has; asked for every message.
    var revision: UInt64 { changes.load(ordering: .acquiring) }

    /// How often keys were taken off; what only those left may know is made anew then.
    package var removals: UInt64 { state.withLock { $0.removals } }

    package func name(of key: PublicKey) -> String? { state.withLock { $0.names[key] } }

    /// What libzmq attaches to each message of an admitted peer. Not the name alone: a key that was revoked must not pass
    /// for the one that its owner was given instead.
    func userID(of key: PublicKey) -> String? { name(of: key).map { Self.userID(name: $0, key: key) } }

    func admits(userID: String) -> Bool { state.withLock { $0.userIDs.contains(userID) } }

    private static func userID(name: String, key: PublicKey) -> String { "\(name) \(key)" }
    static func name(inUserID text: String) -> String { String(text.prefix { $0 != " " }) }

    /// Whose key may speak for this worker: an id belongs to the key of its name, or to the key with the longest name that
    /// the id continues after a hyphen or a dot. Nil when nobody's does.
    package func owner(of worker: WorkerID) -> String? {
        let names = state.withLock { Set($0.names.values) }
        return Self.names(fitting: worker).first { names.contains($0) }
    }

    /// Whether a worker with this id can belong to the key of this name.
    package static func fits(_ worker: WorkerID, name: String) -> Bool { names(fitting: worker).contains(name) }

    /// The id itself and its beginnings before a hyphen or a dot, the longest first.
    private static func names(fitting worker: WorkerID) -> [String] {
        let text = worker.rawValue
        let ends = text.indices.reversed().filter { text[$0] == "-" || text[$0] == "." }
        return [text] + ends.map { String(text[..<$0]) }
    }
}

/// What a listening socket needs to keep strangers out.
package struct ServerKeys: Sendable {
    package let pair: KeyPair
    package let ring: KeyRing

    package init(pair: KeyPair, ring: KeyRing) {
        self.pair = pair
        self.ring = ring
    }
}

/// Who may be at the other end of a socket, and how it is proved.
package enum SocketSecurity: Sendable {
    /// Anybody; what is said can be read on the way.
    case none
    /// Only peers whose keys are on the ring are let in; everything is encrypted.
    case server(ServerKeys)
    /// Shows its own key, and speaks only to the holder of the server's.
    case client(KeyPair, server: PublicKey)

    package var isKeyed: Bool { if case .none = self { false } else { true } }
}
