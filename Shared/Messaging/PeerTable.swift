import ClusterModel

/// Which routing id of a ROUTER socket each `Peer` handle stands for, and back.
///
/// Anybody who can connect makes entries, so those that the owner has not vouched for (`keep`) are bounded: beyond
/// `unknownMax` the oldest is forgotten. It loses nothing but its handle: if it speaks again it gets a new one.
struct PeerTable {
    private struct Entry {
        let route: [UInt8]
        /// What the ring called the sender's key; nil where there are no keys.
        let userID: String?
        var address: String?
        var descriptor: Int32?
        var isKept = false
        /// Its key was revoked.
        var isMute = false
    }

    private let unknownMax: Int
    private let keptMax: Int
    private var peers: [[UInt8]: Peer] = [:]
    private var entries: [Peer: Entry] = [:]
    /// Unknown peers in order of arrival, among them stale ones that were kept or forgotten since.
    private var arrivals: [Peer] = []
    private var firstArrival = 0
    private(set) var keptCount = 0
    private var lastPeer: UInt64 = 0

    init(unknownMax: Int = Limits.peersUnknownMax, keptMax: Int = Limits.workersMax) {
        precondition(unknownMax >= 1)
        self.unknownMax = unknownMax
        self.keptMax = keptMax
    }

    var count: Int { entries.count }

    /// The handle of whoever has this routing id and this key, a new one if it has none: a peer chooses its routing id and
    /// might take that of one who has gone, but a handle stands for one key.
    mutating func peer(route: [UInt8], userID: String? = nil) -> Peer {
        if let peer = peers[route] {
            if entries[peer]?.userID == userID { return peer }
            forget(peer)
        }
        if entries.count - keptCount >= unknownMax { forgetOldestUnknown() }
        lastPeer += 1
        let peer = Peer(lastPeer)
        peers[route] = peer
        entries[peer] = Entry(route: route, userID: userID)
        arrivals.append(peer)
        return peer
    }

    func route(of peer: Peer) -> [UInt8]? { entries[peer]?.route }

    func userID(of peer: Peer) -> String? { entries[peer]?.userID }

    func address(of peer: Peer) -> String? { entries[peer]?.address }

    /// What its connection was when it first spoke.
    func descriptor(of peer: Peer) -> Int32? { entries[peer]?.descriptor }

    /// - Parameter connection: asked only when it is not known yet.
    mutating func note(_ peer: Peer, connection: () -> (address: String?, descriptor: Int32)) {
        guard let entry = entries[peer], entry.address == nil else { return }
        let (address, descriptor) = connection()
        entries[peer]?.address = address ?? "an unknown address"
        entries[peer]?.descriptor = descriptor
    }

    /// The handle of a sender that was heard before; nil when there is none.
    func known(route: [UInt8], userID: String) -> (peer: Peer, isMute: Bool)? {
        guard let peer = peers[route], let entry = entries[peer], entry.userID == userID else { return nil }
        return (peer, entry.isMute)
    }

    /// Those vouched for, in the order they came.
    var kept: [Peer] { entries.filter { $0.value.isKept && !$0.value.isMute }.keys.sorted() }

    /// Marks those whose key is admitted no more.
    /// - Returns: them, in the order they came.
    mutating func mute(unless isAdmitted: (String) -> Bool) -> [Peer] {
        let found = entries.filter { entry in !entry.value.isMute && entry.value.userID.map(isAdmitted) == false }
        for peer in found.keys { entries[peer]?.isMute = true }
        return found.keys.sorted()
    }

    /// Exempts a peer from being pushed out by newcomers.
    /// - Returns: false when the peer is gone or too many are kept already.
    @discardableResult mutating func keep(_ peer: Peer) -> Bool {
        guard let entry = entries[peer] else { return false }
        if entry.isKept { return true }
        guard keptCount < keptMax else { return false }
        entries[peer]?.isKept = true
        keptCount += 1
        return true
    }

    mutating func forget(_ peer: Peer) {
        guard let entry = entries.removeValue(forKey: peer) else { return }
        peers[entry.route] = nil
        if entry.isKept { keptCount -= 1 }
        trimArrivals()
    }

    private mutating func forgetOldestUnknown() {
        while firstArrival < arrivals.count {
            let peer = arrivals[firstArrival]
            firstArrival += 1
            if entries[peer]?.isKept == false {
                forget(peer)
                return
            }
        }
    }

    /// Stale arrivals would otherwise pile up as peers come, are kept and go.
    private mutating func trimArrivals() {
        guard arrivals.count > 2 * (unknownMax + 16) else { return }
        arrivals = arrivals[firstArrival...].filter { entries[$0]?.isKept == false }
        firstArrival = 0
    }
}
