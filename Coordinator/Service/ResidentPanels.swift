import ClusterModel
import Foundation
import Kernels
import Panel
import Store
import Synchronization

/// Panels that stay in memory for questions about single alphas, and what such questions need of them.
///
/// Loaded on first use; every question asks the database first whether anything has changed, and loads again when it has.
/// The least recently used ones go when all together are larger than the bound. Calls block; any thread may call.
final class ResidentPanels: Sendable {
    /// A pool as it is, or was when the database was asked last.
    struct Resident: Equatable, Sendable {
        let settings: RegionSettings
        /// nil for a pool without alphas.
        let panel: Panel?
        let warnings: [String]
        fileprivate let entry: Entry

        static func == (a: Resident, b: Resident) -> Bool {
            a.panel === b.panel && a.settings == b.settings && a.warnings == b.warnings && a.entry === b.entry
        }
    }

    /// One pool of one region.
    fileprivate final class Entry: Sendable {
        struct Content: Sendable {
            var watch: PanelWatch
            var settings: RegionSettings
            var panel: Panel?
            var warnings: [String] = []
            /// Most recently used last.
            var pools: [CandidatePool] = []
            var bytes: Int { (panel?.bytes ?? 0) + pools.reduce(0) { $0 + $1.byteCount } }
        }
        /// Held while the database is asked and the pool loaded, so that nobody loads it twice.
        let turn = Mutex<Void>(())
        /// Never held for long.
        let content = Mutex<Content?>(nil)
    }

    private struct Key: Hashable {
        var region: Region
        var pool: String
    }

    private let store: Store
    private let cache: PanelCache?
    private let bytesMax: Int
    /// With the bytes each held when it was last looked at; most recently used last.
    private let entries = Mutex<[(key: Key, entry: Entry, bytes: Int)]>([])

    /// - Parameter cache: where loads keep panels on disk.
    init(store: Store, cache: PanelCache?) {
        self.store = store
        self.cache = cache
        bytesMax = min(Limits.residentPanelBytesMax, Int(ProcessInfo.processInfo.physicalMemory / 4))
    }

    /// The pool as it was when the database was asked last; nil when it is not there, or is just being loaded.
    func known(_ region: Region, pool: String) -> Resident? {
        let entry = entries.withLock { $0.first { $0.key == Key(region: region, pool: pool) }?.entry }
        guard let entry, let content = entry.content.withLock({ $0 }), content.watch.isReliable else { return nil }
        return Resident(settings: content.settings, panel: content.panel, warnings: content.warnings, entry: entry)
    }

    /// The pool as the database holds it at this moment.
    ///
    /// - Throws: `GridError(.notFound)` for an unknown region or pool.
    func resident(_ region: Region, pool: String) throws(GridError) -> Resident {
        let key = Key(region: region, pool: pool)
        let entry = entries.withLock { entries -> Entry in
            let known = entries.firstIndex { $0.key == key }.map { entries.remove(at: $0) }
            let used = known ?? (key: key, entry: Entry(), bytes: 0)
            entries.append(used)
            return used.entry
        }
        let result = entry.turn.withLock { _ -> Result<Resident, GridError> in
            do throws(GridError) {
                return .success(try refresh(entry, key))
            } catch {
                return .failure(error)
            }
        }
        // An unknown name must not stay.
        if case .failure = result, entry.content.withLock({ $0 == nil }) {
            entries.withLock { $0.removeAll { $0.entry === entry } }
        }
        return try result.get()
    }

    /// What candidates are compared with, made on first use.
    ///
    /// - Throws: `GridError(.usage)` when the window does not fit the panel.
    func pool(
        _ resident: Resident, _ panel: Panel, _ convention: Convention, _ window: Window
    ) throws(GridError) -> CandidatePool {
        let firstDay = try panel.firstDay(of: window)
        let (pool, bytes) = resident.entry.content.withLock { content -> (CandidatePool, Int) in
            // Meanwhile another question may have found a newer panel; this one goes on with its own.
            guard content?.panel === panel, var pools = content?.pools else {
                return (CandidatePool(panel: panel, convention: convention, firstDay: firstDay), content?.bytes ?? 0)
            }
            let known = pools.firstIndex { $0.convention == convention && $0.firstDay == firstDay }.map { pools.remove(at: $0) }
            if known == nil, pools.count == Limits.residentPoolsPerPanelMax { pools.removeFirst() }
            content?.pools = pools
            let pool = known ?? CandidatePool(panel: panel, convention: convention, firstDay: firstDay)
            content?.pools.append(pool)
            return (pool, content?.bytes ?? 0)
        }
        keepWithinBound(resident.entry, bytes: bytes)
        return pool
    }

    /// Lets everything go, and the database forget its watches.
    func removeAll() {
        let all = entries.withLock { entries in
            defer { entries = [] }
            return entries.map(\.entry)
        }
        for entry in all { end(entry) }
    }

    /// With the entry's turn.
    private func refresh(_ entry: Entry, _ key: Key) throws(GridError) -> Resident {
        let old = entry.content.withLock { $0 }
        if let known = old {
            let state = try store.panelState(known.watch)
            if state.isUnchanged {
                entry.content.withLock { $0?.settings = state.settings }
                return Resident(settings: state.settings, panel: known.panel, warnings: known.warnings, entry: entry)
            }
        }
        // Before the panel is loaded, so that what changes meanwhile is noticed the next time.
        var new = Entry.Content(
            watch: try store.watchPanel(region: key.region, pool: key.pool, replacing: old?.watch), settings: RegionSettings())
        let pools = entry.content.withLock { content -> [CandidatePool] in
            defer { content = nil }
            return content?.pools ?? []
        }
        if !new.watch.isReliable {
            new.warnings.append(
                "changes of the PnL are not recorded, so that it is read for every question: run 'alphagrid db init' with the "
                    + "rights of the tables' owner")
        }
        new.settings = try store.panelState(new.watch).settings
        if try !store.poolMembers(key.region, pool: key.pool).isEmpty {
            let loaded = try store.loadPanel(
                region: key.region, pool: key.pool, blockEdge: CorrelationParameters.defaultBlockEdge, cache: cache)
            new.panel = loaded.panel
            // The same values: what was made of them still serves.
            if let old, old.panel?.contentHash == loaded.panel.contentHash { (new.panel, new.pools) = (old.panel, pools) }
            let idle = loaded.alphasWithoutPnL
            if !idle.isEmpty {
                let shown = idle.prefix(5).map(\.printable).joined(separator: ", ") + (idle.count > 5 ? ", ..." : "")
                new.warnings.append("\(idle.count) of the pool's alphas have no PnL: \(shown)")
            }
        }
        entry.content.withLock { $0 = new }
        return Resident(settings: new.settings, panel: new.panel, warnings: new.warnings, entry: entry)
    }

    /// Lets the least recently used panels go. Who still works with one keeps it until then.
    private func keepWithinBound(_ entry: Entry, bytes: Int) {
        let gone = entries.withLock { entries -> [Entry] in
            if let at = entries.firstIndex(where: { $0.entry === entry }) { entries[at].bytes = bytes }
            var total = entries.reduce(0) { $0 + $1.bytes }
            var gone: [Entry] = []
            while total > bytesMax, let first = entries.firstIndex(where: { $0.bytes > 0 }) {
                let used = entries.remove(at: first)
                total -= used.bytes
                gone.append(used.entry)
            }
            return gone
        }
        for entry in gone { end(entry) }
    }

    private func end(_ entry: Entry) {
        // One that is being loaded ends when whoever waits for it has it. A watch that stays is dropped by later ones.
        let watch = entry.turn.withLockIfAvailable { _ in
            entry.content.withLock { content -> PanelWatch? in
                defer { content = nil }
                return content?.watch
            }
        }
        if let watch = watch ?? nil { try? store.endWatch(watch) }
    }
}
