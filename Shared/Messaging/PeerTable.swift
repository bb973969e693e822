import ClusterModel

/// Which routing id of a ROUTER socket each `Peer` handle stands for, and back.
///
/// Anybody who can connect makes entries, so those that the owner has not vouched for (`keep`) are bounded: beyond
/// `unknownMax` the oldest is forgotten. It loses nothing but its handle: if it speaks again it gets a new one.
struct PeerTable {
    private struct Entry {
        let route: [UInt8]
        var isKept: Bool
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

    /// The handle of whoever has this routing id, a new one if it has none.
    mutating func peer(route: [UInt8]) -> Peer {
        if let peer = peers[route] { return peer }
        if entries.count - keptCount >= unknownMax { forgetOldestUnknown() }
        lastPeer += 1
        let peer = Peer(lastPeer)
        peers[route] = peer
        entries[peer] = Entry(route: route, isKept: false)
        arrivals.append(peer)
        return peer
    }

    func route(of peer: Peer) -> [UInt8]? { entries[peer]?.route }

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
