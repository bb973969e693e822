import ClusterModel
import Glibc
import Synchronization

/// The folder with a coordinator's own key and the public keys of its workers. `alphagrid keys` writes it; a running
/// coordinator notices.
package struct KeyFolder: Sendable {
    /// What is known of one worker's key. The times are text, as they are shown; `KeyTime` judges them.
    package struct Record: Hashable, Sendable {
        package var name: String
        package var key: PublicKey
        package var added: String
        /// Nil while the key is admitted.
        package var revoked: String?

        package init(name: String, key: PublicKey, added: String, revoked: String? = nil) {
            self.name = name
            self.key = key
            self.added = added
            self.revoked = revoked
        }
    }

    package let path: String
    package init(path: String) { self.path = path }

    package var coordinatorFile: String { "\(path)/coordinator.key" }
    package var workersFile: String { "\(path)/workers" }

    package var exists: Bool { access(path, F_OK) == 0 }

    /// - Throws: `.usage` when others can look into the folder, or it belongs to somebody else.
    package func expectPrivate() throws(GridError) {
        var info = stat()
        guard stat(path, &info) == 0 else {
            throw GridError(.notFound, "there are no keys in \(KeyFile.shown(path)): make them with 'alphagrid keys init'")
        }
        guard info.st_mode & S_IFMT == S_IFDIR else {
            throw GridError(.usage, "\(KeyFile.shown(path)) is not a folder: expected one with keys")
        }
        guard info.st_uid == geteuid() else {
            throw GridError(.usage, "the key folder \(KeyFile.shown(path)) belongs to another user")
        }
        guard info.st_mode & 0o077 == 0 else {
            throw GridError(
                .usage, "the key folder \(KeyFile.shown(path)) is open to others: run 'chmod 700 \(KeyFile.shown(path))'")
        }
    }

    package func coordinatorPair() throws(GridError) -> KeyPair {
        try expectPrivate()
        return try KeyFile.coordinatorPair(reading: coordinatorFile)
    }

    // MARK: Workers

    private static let header = "# Public keys of AlphaGrid workers: name, key, added, revoked. Written by 'alphagrid keys'."
    private static func end(_ count: Int) -> String { "end \(count)" }

    /// All keys that are known, revoked ones too, in the order of the names. A name has one that is admitted at most, and may
    /// have had others before: that these were revoked is a fact which older copies of the list do not know.
    ///
    /// - Throws: `.usage` for a list that is not whole: what was cut would pass for one with fewer keys, and revoke the others.
    package func records() throws(GridError) -> [Record] {
        let bytesMax = Limits.keysMax * 256
        let text = try KeyFile.content(of: workersFile, bytesMax: bytesMax, hint: "make it with 'alphagrid keys init'")
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first.map(String.init) == Self.header, lines.popLast()?.isEmpty == true, let end = lines.popLast() else {
            throw notWhole
        }
        var records: [Record] = []
        for (number, line) in lines.enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, KeyFile.isName(words[0]), records.count < Limits.keysMax,
                KeyTime.sortable(words[2]) != nil, words[3] == "-" || KeyTime.sortable(words[3]) != nil
            else {
                throw GridError(
                    .usage,
                    "\(KeyFile.shown(workersFile)): line \(number + 1) is not valid: expected NAME KEY ADDED REVOKED with times "
                        + "such as 2026-01-31T22:30:00.000Z, or '-' for a key that is not revoked, and at most "
                        + "\(Limits.keysMax) of them")
            }
            let key = try PublicKey(parsing: words[1], source: "\(KeyFile.shown(workersFile)): line \(number + 1)")
            records.append(Record(name: words[0], key: key, added: words[2], revoked: words[3] == "-" ? nil : words[3]))
        }
        guard String(end) == Self.end(records.count) else { throw notWhole }
        // Two of a name, as where lists were put together by hand: revoking the one would leave the other.
        let admitted = records.filter { $0.revoked == nil }
        if let twice = Self.second(admitted, \.name) ?? Self.second(admitted, \.key) {
            throw GridError(
                .usage,
                "\(KeyFile.shown(workersFile)): '\(twice.name)' or its key is admitted by two lines: expected one, so put the "
                    + "time at which the other was revoked, such as 2026-01-31T22:30:00.000Z, in place of its '-'")
        }
        return Self.sorted(records)
    }

    private static func second<T: Hashable>(_ records: [Record], _ property: KeyPath<Record, T>) -> Record? {
        var seen: Set<T> = []
        return records.first { !seen.insert($0[keyPath: property]).inserted }
    }

    /// By name, and the keys of one name by when they were added.
    private static func sorted(_ records: [Record]) -> [Record] {
        records.sorted { one, other in
            guard one.name == other.name else { return one.name < other.name }
            return (KeyTime.sortable(one.added) ?? "") < (KeyTime.sortable(other.added) ?? "")
        }
    }

    private var notWhole: GridError {
        GridError(
            .usage,
            "the list of keys \(KeyFile.shown(workersFile)) is not whole, or of an earlier release: expected the first line that "
                + "'alphagrid keys' writes, and 'end' with the number of keys as the last; bring it anew from the host that has "
                + "it, or move it away and begin one with 'alphagrid keys init'")
    }

    /// The content of the workers' file.
    package static func text(of records: [Record]) -> String {
        let lines = sorted(records).map { "\($0.name) \($0.key) \($0.added) \($0.revoked ?? "-")" }
        return ([header] + lines + [end(records.count)]).joined(separator: "\n") + "\n"
    }

    // MARK: Watching

    /// The coordinator's key and a ring that follows the workers' file.
    ///
    /// - Parameter report: gets a sentence when the file cannot be read any more; the keys known until then stay.
    package func serverKeys(report: @escaping @Sendable (String) -> Void) throws(GridError) -> ServerKeys {
        let pair = try coordinatorPair()
        let watch = KeyWatch(
            stamp: { KeyWatch.Stamp(of: workersFile) }, read: { () throws(GridError) in try records() }, report: report)
        let list = try watch.begin()
        return ServerKeys(pair: pair, ring: KeyRing(list) { watch.changed() })
    }
}
