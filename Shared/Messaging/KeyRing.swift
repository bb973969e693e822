import ClusterModel
import Synchronization

/// The public keys that a listening socket admits, each with the name of whom it was given to. Shared by the sockets of a
/// program and whoever changes it; any thread may ask.
///
/// They are those that the list admits, less those that were revoked elsewhere since the list's record of them was made: such a
/// list is an older copy. Each list is judged by all that is known to be revoked before any of it counts.
package final class KeyRing: Sendable {
    private struct State {
        var list: [KeyFolder.Record] = []
        var revocations: [PublicKey: String] = [:]
        var names: [PublicKey: String] = [:]
        var barred: [KeyFolder.Record] = []
        var userIDs: Set<String> = []
        var removals: UInt64 = 0
        var observer: (@Sendable () -> Void)?

        /// - Returns: whether others are admitted than before.
        mutating func judge() -> Bool {
            var names: [PublicKey: String] = [:]
            barred = []
            for var record in list where record.revoked == nil {
                if let revoked = revocations[record.key], (KeyTime.sortable(record.added) ?? "") <= revoked {
                    record.revoked = revoked
                    barred.append(record)
                } else {
                    names[record.key] = record.name
                }
            }
            guard names != self.names else { return false }
            if self.names.contains(where: { names[$0.key] != $0.value }) { removals += 1 }
            self.names = names
            userIDs = Set(names.map { KeyRing.userID(name: $0.value, key: $0.key) })
            return true
        }
    }

    private let state = Mutex(State())
    private let changes = Atomic<UInt64>(0)
    private let source: (@Sendable () -> [KeyFolder.Record]?)?
    private let refreshing = Mutex(())

    /// - Parameter source: asked about once a second by the threads that admit peers; nil says that nothing has changed.
    package init(_ list: [KeyFolder.Record], source: (@Sendable () -> [KeyFolder.Record]?)? = nil) {
        self.source = source
        replace(list)
    }

    /// A ring of keys that stand in no list.
    package convenience init(_ names: [PublicKey: String] = [:]) { self.init(Self.records(names)) }

    package func replace(_ names: [PublicKey: String]) { replace(Self.records(names)) }

    private static func records(_ names: [PublicKey: String]) -> [KeyFolder.Record] {
        names.map { KeyFolder.Record(name: $0.value, key: $0.key, added: "") }.sorted { $0.name < $1.name }
    }

    /// All that the list has now, revoked keys too.
    package func replace(_ list: [KeyFolder.Record]) {
        let told = state.withLock { state -> (isOther: Bool, observer: (@Sendable () -> Void)?)? in
            guard list != state.list else { return nil }
            state.list = list
            return (state.judge(), state.observer)
        }
        guard let told else { return }
        if told.isOther { changes.add(1, ordering: .acquiringAndReleasing) }
        told.observer?()
    }

    /// Keeps out what was revoked, whoever did it and whatever a list says that was written no later.
    ///
    /// - Parameter revocations: all that are known, each with its time in the form of `KeyTime.sortable`.
    package func bar(_ revocations: [PublicKey: String]) {
        let isOther = state.withLock { state in
            state.revocations = revocations
            return state.judge()
        }
        if isOther { changes.add(1, ordering: .acquiringAndReleasing) }
    }

    /// Told after each change of the list, on the thread that has noticed it; never waits for whoever is told.
    package func observe(_ observer: @escaping @Sendable () -> Void) { state.withLock { $0.observer = observer } }

    /// What the list has, revoked keys too.
    package var list: [KeyFolder.Record] { state.withLock { $0.list } }

    /// What the list admits although it was revoked, in the order of the list, each with that time.
    package var barred: [KeyFolder.Record] { state.withLock { $0.barred } }

    /// Public key by name, of those that are admitted.
    package var keys: [String: String] {
        state.withLock { Dictionary($0.names.map { ($0.value, $0.key.text) }) { first, _ in first } }
    }

    /// Asks the source now, as the threads that admit peers do about once a second.
    ///
    /// One at a time, from the question until the answer counts: an older list that one thread has read must not take the
    /// place of a newer one that another has brought meanwhile, since the source would not tell that one again.
    package func refresh() {
        guard let source else { return }
        refreshing.withLock { _ in
            if let list = source() { replace(list) }
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
