import ClusterModel
import Dispatch
import Logging
import Messaging
import Store
import Synchronization

/// What of the keys the database and the log have from this coordinator.
struct KeysCompared: Sendable {
    /// The list whose revocations the database has.
    var told: [KeyFolder.Record]?
    /// Of the revocations that were read last.
    var mark: String?
    var warnedOf: [KeyFolder.Record] = []
    /// What the audit log has.
    var recorded: [String: String]?
    var recordedBarred: [KeyFolder.Record] = []
    /// Whether they are about to be compared, and whether the last time failed.
    var isDue = false
    var isFailing = false
}

// Keys, beyond the list that each coordinator has: what was revoked elsewhere, and what the audit log tells of them.
extension CoordinatorService {
    /// Keeps out what was revoked, as far as the database knows; before anybody can connect.
    func barRevokedKeys() throws(GridError) {
        let outcome: Result<Void, GridError> = keyRecords.sync {
            Result { () throws(GridError) in try exchangeRevocations() }
        }
        try outcome.get()
    }

    /// Has the list compared with the database soon, in order with whatever else is to be, and never on the threads that check
    /// keys. What failed is done again when it is called again, as it is every few seconds.
    func compareKeysSoon() {
        guard configuration.keys != nil else { return }
        let isDue = shared.withLock { shared in
            defer { shared.keys.isDue = true }
            return shared.keys.isDue
        }
        if !isDue { keyRecords.async { [weak self] in self?.compareKeys() } }
    }

    private func compareKeys() {
        let isStopping = shared.withLock { shared in
            shared.keys.isDue = false
            return shared.isStopping
        }
        guard !isStopping else { return }
        do throws(GridError) {
            try exchangeRevocations()
            try recordKeys()
            shared.withLock { $0.keys.isFailing = false }
        } catch {
            let isKnown = shared.withLock { shared in
                defer { shared.keys.isFailing = true }
                return shared.keys.isFailing
            }
            if !isKnown {
                log.warning(
                    "what is revoked elsewhere, and changes of the keys in the audit log, wait for the database",
                    metadata: ["error": "\(error)"])
            }
        }
    }

    /// Tells the database what this one's list has revoked since it was told last, and the ring what all lists have.
    private func exchangeRevocations() throws(GridError) {
        guard let ring = configuration.keys?.ring else { return }
        ring.refresh()
        let list = ring.list
        let known = shared.withLock { $0.keys }
        let news = list == known.told ? [] : list.compactMap(\.revocation)
        if let all = try vital.exchangeRevocations(news, since: known.mark) {
            var revocations: [PublicKey: String] = [:]
            for (key, revoked) in all.times {
                if let key = try? PublicKey(parsing: key, source: "key_revocations") { revocations[key] = revoked }
            }
            ring.bar(revocations)
            shared.withLock { $0.keys.mark = all.mark }
        }
        let barred = ring.barred
        shared.withLock { shared in
            shared.keys.told = list
            shared.keys.warnedOf = barred
        }
        guard !barred.isEmpty, barred != known.warnedOf else { return }
        let names = barred.prefix(20).map { "\($0.name) (added \($0.added), revoked \($0.revoked ?? ""))" }
        log.warning(
            """
            keys that this coordinator's list admits were revoked elsewhere, and are kept out: bring the newer key folder here, \
            or admit a key again in this coordinator's folder with 'alphagrid keys add NAME --public-key KEY'
            """,
            metadata: ["keys": "\(names.joined(separator: ", "))", "count": "\(barred.count)"])
    }

    /// While this one leads, the audit log tells which keys have come and gone, and which are kept out.
    private func recordKeys() throws(GridError) {
        let epoch = epoch
        guard epoch.rawValue > 0, let ring = configuration.keys?.ring else { return }
        let (keys, barred) = (ring.keys, ring.barred)
        let known = shared.withLock { $0.keys }
        guard keys != known.recorded || barred != known.recordedBarred else { return }
        let keptOut = Set(barred).subtracting(known.recordedBarred).compactMap(\.revocation).sorted { $0.name < $1.name }
        try vital.recordKeys(keys, keptOut: keptOut, holder: holder, epoch: epoch)
        shared.withLock { shared in
            shared.keys.recorded = keys
            shared.keys.recordedBarred = barred
        }
    }
}

extension KeyFolder.Record {
    /// As the database is told it; nil while the key is admitted.
    fileprivate var revocation: KeyRevocation? {
        revoked.map { KeyRevocation(publicKey: key.text, name: name, added: added, revoked: $0) }
    }
}
