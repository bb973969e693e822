import ClusterModel
import GridMetrics
import Logging
import Messaging
import Store
import Synchronization

// Who leads: waiting for the lease, taking it, and losing it.
extension CoordinatorService {
    /// What can be found out before the lease is touched: a standby that could not serve would be none.
    ///
    /// - Parameter probesPort: whether to listen for a moment where workers will connect.
    package func expectUsable(probesPort: Bool = false) throws(GridError) {
        try vital.ping()
        try barRevokedKeys()
        if let directory = configuration.jobLogDirectory { try PartialLog.expectWritable(directory) }
        guard probesPort else { return }
        let endpoint = try Endpoint(parsing: configuration.bind, for: .bind, field: "--bind")
        try ControlSocket(endpoint: endpoint, drivers: drivers, log: log, keys: configuration.keys) { _ in }.stop()
    }

    func takeLease(_ http: String?) throws(GridError) -> Epoch {
        let claim = claim(http)
        if !configuration.isStandby, let lease = try? vital.lease(), !lease.isFree, !isOwnPast(lease) {
            if let refusal = lease.refusal(of: claim) { throw refusal }
            log.warning(
                "ending the reign of another coordinator, unless it is gone already; --standby would wait for it",
                metadata: ["from": "\(lease.holder.printable)", "epoch": "\(lease.epoch.rawValue)"])
        }
        if claim.ignoresKeys, let lease = try? vital.lease(), lease.publicKey?.isEmpty == false,
            lease.publicKey != claim.publicKey
        {
            log.warning(
                "taking the lease from a coordinator with other keys, since --insecure was typed",
                metadata: ["from": "\(lease.holder.printable)", "public_key": "\((lease.publicKey ?? "").printable)"])
        }
        let epoch = try store.takeEpoch(claim, evicting: true)
        // For displays alone: whoever leads now, it is this one until it hears otherwise.
        let lease = try? vital.lease()
        try? vital.removeStandby(holder: holder)
        shared.withLock {
            $0.leader = lease?.epoch == epoch ? lease?.leader : LeaderView(holder: holder, epoch: epoch.rawValue, url: http)
        }
        return epoch
    }

    /// Whether the lease is what the last coordinator of this state folder left. Its process has ended, or this one would not
    /// have the folder: nobody has to wait for its silence, and another standby would know less of its jobs.
    private func isOwnPast(_ lease: LeaseView) -> Bool {
        guard let past = configuration.endedReign else { return false }
        return lease.epoch == past.epoch && lease.holder == HostIdentity.holder(processID: past.processID)
    }

    private func claim(_ http: String?) -> LeaseClaim {
        var claim = LeaseClaim(holder: holder, http: http, publicKey: configuration.keys?.pair.publicKey.text)
        claim.ignoresKeys = configuration.trustsNetwork
        claim.hasWaited = shared.withLock { $0.hasWaited }
        return claim
    }

    // MARK: Waiting

    /// Blocks until the coordinator that holds the lease has left or shows no sign of life.
    ///
    /// - Parameter http: where others reach this one's HTTP interface.
    /// - Returns: false when this one was stopped before.
    /// - Throws: `GridError(.conflict)` when the holder has keys that this one has not.
    package func waitForLease(http: String? = nil) throws(GridError) -> Bool {
        // What this one left when it led before. That is tidiness, and no reason to be no standby.
        try? removeAbandonedLogs()
        var watch = LeaseWatch()
        var saidHolder: String?
        var isSilenceSaid = false
        var shownAt: MonotonicTime?
        var refusal: GridError?
        defer { try? vital.removeStandby(holder: holder) }
        while !shared.withLock({ $0.isStopping }) {
            do throws(GridError) {
                let lease = try vital.lease()
                refusal = lease.refusal(of: claim(http))
                if refusal != nil { break }
                if lease.isFree || isOwnPast(lease)
                    || watch.isStale(lease, at: .now(), staleMilliseconds: configuration.leaseStaleMilliseconds)
                {
                    log.info("taking over", metadata: ["from": "\(lease.holder.printable)", "epoch": "\(lease.epoch.rawValue)"])
                    return true
                }
                shared.withLock {
                    $0.leaderElsewhere = lease.leader
                    $0.hasWaited = true
                }
                if saidHolder != lease.holder { log.info("standing by", metadata: ["leader": "\(lease.holder.printable)"]) }
                saidHolder = lease.holder
                compareKeysSoon()
                let due = shownAt?.advanced(milliseconds: Int64(configuration.leaseRenewMilliseconds)) ?? .now()
                if due <= .now() {
                    // Known or not, it stands by.
                    try? vital.showStandby(holder: holder, http: http)
                    shownAt = .now()
                }
                isSilenceSaid = false
            } catch {
                // Silence of the database, or a lock that somebody holds in it, says nothing about the coordinator.
                watch = LeaseWatch()
                if !isSilenceSaid { log.warning("standing by; the lease cannot be read: \(error)") }
                isSilenceSaid = true
            }
            _ = standbyPause.wait(milliseconds: configuration.leaseStaleMilliseconds / 10)
        }
        if let refusal { throw refusal }
        return false
    }

    /// Ends `waitForLease`.
    package func stopWaiting() {
        shared.withLock { $0.isStopping = true }
        standbyPause.stop()
    }

    // MARK: Losing it

    /// Whether the database has seen no sign of life of this coordinator for twice as long as a standby waits for one, while
    /// somebody stood by: then another may lead, and have no workers because they are all here.
    ///
    /// Where it is the database that is gone, nobody leads, and workers are idle until it is back.
    func isLeadDoubtful(at now: MonotonicTime) -> Bool {
        let (renewedAt, hasStandbys) = shared.withLock { ($0.leaseRenewedAt, !$0.standbys.isEmpty) }
        guard let renewedAt, hasStandbys else { return false }
        return renewedAt.advanced(milliseconds: 2 * Int64(configuration.leaseStaleMilliseconds)) <= now
    }

    /// Whether a write was refused because another coordinator has taken over; from then on this one begins nothing more.
    func isSuperseded(_ error: GridError) -> Bool {
        guard error.kind == .conflict, let lease = try? vital.lease(), lease.epoch != epoch else { return false }
        recorded.writesFenced.add()
        superseded(error)
        return true
    }

    /// Another coordinator has taken over: nothing more is begun, and nothing that ends is recorded here.
    func superseded(_ error: GridError) {
        let successor = (try? vital.lease())?.leader ?? LeaderView(holder: "", epoch: 0)
        let tell = shared.withLock { shared in
            guard !shared.isStopping else { return nil as (@Sendable (GridError) -> Void)? }
            shared.isStopping = true
            shared.leaderElsewhere = successor
            return shared.whenSuperseded
        }
        guard let tell else { return }
        log.error("stepping down: \(error)")
        tell(error)
    }

    package func leaderElsewhere() -> LeaderView? { shared.withLock { $0.leaderElsewhere } }
}
