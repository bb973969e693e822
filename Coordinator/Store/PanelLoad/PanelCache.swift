import ClusterModel
import Dispatch
import Foundation
import Panel
import Synchronization

/// Panels kept in a folder, so that the next load of the same pool reads only what has changed.
///
/// Each has two files: the panel, and an entry that says of which moment it is. Both appear whole or not at all, and an
/// entry names its panel by content hash, so that any mixture of old and new files is noticed. Files are written on a
/// thread of the cache's own. Several processes may share a folder: at worst they read more than they had to.
package final class PanelCache: Sendable {
    /// What a panel is of.
    struct Key: Hashable, Sendable {
        /// System identifier and number of the database.
        var database: String
        var region: Region
        var pool: String
        var blockEdge: Int

        /// Says the region, for people, and everything else in its hash.
        var fileName: String {
            let hash = PanelHashing.hash(Array("\(database)\n\(region)\n\(pool)\n\(blockEdge)".utf8)).description
            return "panel-\(region.tableSuffix)-\(hash.prefix(16))"
        }
    }

    struct Entry: Codable, Equatable, Sendable {
        var registration: PanelRegistration
        var contentHash: String
        /// Alphas that were in the pool and had no rows; the others are in the panel.
        var alphasWithoutPnL: [String]
    }

    struct Kept {
        var entry: Entry
        var panel: Panel
    }

    private struct WeakPanel {
        weak var panel: Panel?
    }

    private let directory: String
    private let bytesMax: Int
    /// Told why a kept panel could not be used, or one not be kept; one sentence, for a log.
    let report: @Sendable (String) -> Void
    private let writes = DispatchQueue(label: "alphagrid.panel-cache")
    /// Panels still to be written down.
    private let pending = Mutex<[@Sendable (PanelCache) -> Void]>([])
    /// A panel is written so much later unless `writeSoon` is called, since the job that it was read for needs cores and memory
    /// more.
    private static let writeDelayMilliseconds = 2_000
    /// Panels of this process that somebody still uses: no need to map and check their files again.
    private let inUse = Mutex<[String: WeakPanel]>([:])
    /// The panels used last, the latest at the end: small ones stay, because mapping and checking their files takes longer than
    /// all else of a job for which nothing has changed.
    private let latest = Mutex<[(name: String, panel: Panel)]>([])

    /// - Parameters:
    ///   - directory: made when it is needed.
    ///   - bytesMax: of all its files; the least recently used ones go.
    package init(
        directory: String, bytesMax: Int = Limits.panelCacheBytesDefault, report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.directory = directory
        self.bytesMax = bytesMax
        self.report = report
    }

    /// Returns when the panels of earlier loads are on disk, as far as they can be kept. Loads do this by themselves; a
    /// program does it before it ends.
    package func waitForWrites() { writes.sync { writePending() } }

    /// The job that a panel was read for is over: what is to be written is written now.
    package func writeSoon() { writes.async { self.writePending() } }

    private func writePending() {
        let due = pending.withLock { pending in
            defer { pending = [] }
            return pending
        }
        for write in due { write(self) }
    }

    func path(_ key: Key) -> String { "\(directory)/\(key.fileName)" }

    // MARK: Reading

    /// The panel that is kept, if it is whole.
    func kept(_ key: Key) -> Kept? {
        let path = path(key)
        guard FileManager.default.fileExists(atPath: path + Self.entrySuffix) else { return nil }
        do {
            let entry = try Self.decode(try FileSystem.contents(of: path + Self.entrySuffix), path + Self.entrySuffix)
            let panel = try open(path + Self.panelSuffix, key.fileName, entry)
            // The files used last are the last to go.
            for suffix in [Self.panelSuffix, Self.entrySuffix] {
                try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: path + suffix)
            }
            return Kept(entry: entry, panel: panel)
        } catch {
            report("a kept panel is not used: \(error)")
            return nil
        }
    }

    private func open(_ path: String, _ name: String, _ entry: Entry) throws(GridError) -> Panel {
        let known = inUse.withLock { $0[name]?.panel }
        if let known, known.contentHash.description == entry.contentHash { return known }
        let panel = try Panel.open(path: path)
        guard panel.contentHash.description == entry.contentHash else {
            throw GridError(.failed, "panel file \(path) is not the one its entry names")
        }
        remember(panel, name)
        return panel
    }

    private func remember(_ panel: Panel, _ name: String) {
        inUse.withLock { panels in
            panels = panels.filter { $0.value.panel != nil }
            panels[name] = WeakPanel(panel: panel)
        }
        latest.withLock { panels in
            panels.removeAll { $0.name == name }
            panels.append((name, panel))
            var bytes = panels.reduce(0) { $0 + $1.panel.bytes }
            while bytes > Limits.panelsInMemoryBytesMax { bytes -= panels.removeFirst().panel.bytes }
        }
    }

    // MARK: Writing

    /// Writes a panel and its entry down, later. The folder is there at once, for what others keep beside the panel: a short
    /// job is done before its panel is written.
    ///
    /// - Parameter register: tells the database; nil when the panel must not be kept after all.
    func write(_ key: Key, _ panel: Panel, register: @escaping @Sendable () throws(GridError) -> Entry?) {
        // What is wrong with it is said when the panel is written.
        try? makeDirectory()
        pending.withLock { pending in
            pending.append { cache in
                do throws(GridError) {
                    try cache.writeNow(key, panel, register)
                } catch {
                    cache.report("the panel of pool '\(key.pool)' of region \(key.region) is not kept on disk: \(error.message)")
                }
            }
        }
        writes.asyncAfter(deadline: .now() + .milliseconds(Self.writeDelayMilliseconds)) { [weak self] in self?.writePending() }
    }

    private func writeNow(_ key: Key, _ panel: Panel, _ register: () throws(GridError) -> Entry?) throws(GridError) {
        guard panel.bytes <= bytesMax else {
            throw GridError(.failed, "it has \(panel.bytes) bytes, more than the \(bytesMax) of the folder")
        }
        try makeDirectory()
        guard let entry = try register() else { return }
        let path = path(key)
        let isOnDisk = inUse.withLock { $0[key.fileName]?.panel === panel }
        if !isOnDisk || !FileManager.default.fileExists(atPath: path + Self.panelSuffix) {
            try panel.write(to: path + Self.panelSuffix)
        }
        try Self.write(entry, to: path + Self.entrySuffix)
        remember(panel, key.fileName)
        removeOldest(besides: key.fileName)
    }

    private func makeDirectory() throws(GridError) {
        do {
            // PnL is nobody else's business.
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw GridError(.failed, "cannot make folder \(directory): \(error.localizedDescription)")
        }
    }

    /// Keeps the folder within its bound, and free of what a killed process left half-written.
    private func removeOldest(besides current: String) {
        let manager = FileManager.default
        var files: [(path: String, bytes: Int, used: Date)] = []
        for name in ((try? manager.contentsOfDirectory(atPath: directory)) ?? []).sorted() where name.hasPrefix("panel-") {
            let path = "\(directory)/\(name)"
            guard let found = try? manager.attributesOfItem(atPath: path) else { continue }
            let used = found[.modificationDate] as? Date ?? .distantPast
            if name.hasSuffix(".partial") {
                if used.timeIntervalSinceNow < -Self.partialSecondsMax { try? manager.removeItem(atPath: path) }
            } else {
                files.append((path, (found[.size] as? NSNumber)?.intValue ?? 0, used))
            }
        }
        var total = files.reduce(0) { $0 + $1.bytes }
        for file in files.sorted(by: { ($0.used, $0.path) < ($1.used, $1.path) }) where total > bytesMax {
            guard !file.path.hasPrefix("\(directory)/\(current).") else { continue }
            try? manager.removeItem(atPath: file.path)
            total -= file.bytes
        }
    }

    // MARK: Entries

    private static let panelSuffix = ".panel"
    private static let entrySuffix = ".entry"
    private static let partialSecondsMax = 3_600.0

    /// An entry's file: SHA-256 of the rest in hexadecimal and a line end, then JSON.
    private static func write(_ entry: Entry, to path: String) throws(GridError) {
        let json: [UInt8]
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            json = Array(try encoder.encode(entry))
        } catch { throw GridError(.failed, "cannot write \(path): \(error)") }
        let file = try AtomicFile(path: path)
        try file.write(Array("\(PanelHashing.hash(json))\n".utf8) + json)
        try file.commit()
    }

    private static func decode(_ file: Payload, _ path: String) throws(GridError) -> Entry {
        let bytes = file.withUnsafeBytes { Array($0) }
        let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1)
        guard parts.count == 2, parts[0].elementsEqual(PanelHashing.hash(Array(parts[1])).description.utf8),
            let entry = try? JSONDecoder().decode(Entry.self, from: Data(parts[1]))
        else { throw GridError(.failed, "\(path) is damaged or of another program") }
        return entry
    }
}
