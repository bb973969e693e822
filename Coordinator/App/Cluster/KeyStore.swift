import ClusterModel
import Foundation
import Messaging

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Changes a folder of keys, one program at a time; each file appears complete or not at all.
struct KeyStore {
    let folder: KeyFolder

    /// The folder a coordinator uses; nil when none is named and the state folder has none.
    static func folder(flag: String?, state: String) -> KeyFolder? {
        if let flag { return KeyFolder(path: URL(fileURLWithPath: flag).standardizedFileURL.path) }
        let folder = KeyFolder(path: "\(state)/keys")
        return folder.exists ? folder : nil
    }

    /// Makes the coordinator's key, and a list of workers without any. Where only the list is lost, the key stays, since workers
    /// know the coordinator by it.
    ///
    /// - Returns: the key, and whether it was there already.
    /// - Throws: `GridError(.conflict)` when both are there.
    @discardableResult
    func makeCoordinatorKey() throws(GridError) -> (key: PublicKey, isOld: Bool) {
        guard mkdir(folder.path, 0o700) == 0 || errno == EEXIST else {
            throw GridError(.failed, "cannot make the key folder \(folder.path.singleLine): \(systemMessage(errno))")
        }
        try folder.expectPrivate()
        return try locked { () throws(GridError) in
            if access(folder.coordinatorFile, F_OK) == 0, access(folder.workersFile, F_OK) != 0 {
                let pair = try folder.coordinatorPair()
                try write([])
                return (pair.publicKey, true)
            }
            guard access(folder.coordinatorFile, F_OK) != 0 else {
                throw GridError(
                    .conflict,
                    "\(folder.coordinatorFile.singleLine) is there already: workers know this coordinator by it; to begin anew, "
                        + "move the folder \(folder.path.singleLine) away first")
            }
            let pair = try KeyPair.make()
            // In this order: what is there without the coordinator's key is made again.
            try PrivateFile.write(Data(KeyFolder.text(of: []).utf8), to: folder.workersFile)
            try PrivateFile.write(Data(KeyFile.text(of: pair).utf8), to: folder.coordinatorFile)
            return (pair.publicKey, false)
        }
    }

    /// Makes a worker's key file, and admits its key.
    ///
    /// - Throws: `GridError(.conflict)` when the name has a key that is admitted, or the file is there.
    func add(_ name: String, file: String) throws(GridError) -> KeyFolder.Record {
        let coordinator = try folder.coordinatorPair().publicKey
        return try locked { () throws(GridError) in
            let records = try recordsWithRoom(for: name)
            let pair = try KeyPair.make()
            let record = KeyFolder.Record(name: name, key: pair.publicKey, added: try Self.now())
            let key = WorkerKey(name: name, pair: pair, coordinator: coordinator)
            try PrivateFile.write(Data(key.text.utf8), to: file, replacing: false)
            do throws(GridError) {
                try write(records + [record])
            } catch {
                // A key file that opens nothing would only be puzzled over.
                unlink(file)
                throw error
            }
            return record
        }
    }

    /// Admits a key that its worker has already, such as when the list of workers was lost, or after it was revoked. What the
    /// list admits already is admitted anew, later than a revocation which it does not know.
    ///
    /// - Throws: `GridError(.conflict)` when the name has another key that is admitted, or the key another name.
    func admit(_ name: String, _ key: PublicKey) throws(GridError) -> KeyFolder.Record {
        _ = try folder.coordinatorPair()
        return try locked { () throws(GridError) in
            var records = try recordsWithRoom(for: name, key)
            if let owner = records.first(where: { $0.key == key && $0.revoked == nil && $0.name != name }) {
                throw GridError(.conflict, "this key is that of '\(owner.name)': revoke it first, or keep that name")
            }
            let before = records.filter { $0.key == key }.flatMap { [$0.added, $0.revoked].compactMap(\.self) }
            records.removeAll { $0.key == key }
            let record = KeyFolder.Record(name: name, key: key, added: try Self.now(after: before))
            try write(records + [record])
            return record
        }
    }

    /// All records, less the key that was revoked first where the list is full, for a name that may have this key, or a new one.
    private func recordsWithRoom(for name: String, _ key: PublicKey? = nil) throws(GridError) -> [KeyFolder.Record] {
        guard KeyFile.isName(name) else {
            throw GridError(.usage, "the name '\(name.printable)' is not valid: \(KeyFile.nameRule)")
        }
        var records = try folder.records()
        if records.contains(where: { $0.name == name && $0.revoked == nil && $0.key != key }) {
            throw GridError(.conflict, "'\(name)' has a key already: revoke it first, or choose another name")
        }
        guard records.count >= Limits.keysMax, !records.contains(where: { $0.key == key }) else { return records }
        let revoked = records.indices.filter { records[$0].revoked != nil }
        guard let oldest = revoked.min(by: { Self.revokedAt(records[$0]) < Self.revokedAt(records[$1]) }) else {
            throw GridError(.conflict, "\(Limits.keysMax) keys are admitted already, which is the most: revoke one first")
        }
        records.remove(at: oldest)
        return records
    }

    private static func revokedAt(_ record: KeyFolder.Record) -> String { record.revoked.flatMap(KeyTime.sortable) ?? "" }

    /// Admits the key of this name no more.
    func revoke(_ name: String) throws(GridError) -> KeyFolder.Record {
        try folder.expectPrivate()
        return try locked { () throws(GridError) in
            var records = try folder.records()
            guard let position = records.firstIndex(where: { $0.name == name && $0.revoked == nil }) else {
                if let last = records.filter({ $0.name == name }).max(by: { Self.revokedAt($0) < Self.revokedAt($1) }) {
                    throw GridError(.conflict, "the key '\(name)' was revoked already, at \(last.revoked ?? "")")
                }
                throw GridError(
                    .notFound,
                    "there is no key '\(name.printable)' in \(folder.path.singleLine): 'alphagrid keys list' shows all")
            }
            records[position].revoked = try Self.now(after: [records[position].added])
            try write(records)
            return records[position]
        }
    }

    /// The key file of this machine's own workers, made when there is none: where a cluster's state folder has keys, its
    /// coordinator asks for them.
    func localWorkerFile() throws(GridError) -> String {
        let file = "\(folder.path)/\(Self.localWorker).key"
        if access(file, F_OK) != 0 { _ = try add(Self.localWorker, file: file) }
        return file
    }

    private static let localWorker = "up"

    private func write(_ records: [KeyFolder.Record]) throws(GridError) {
        try PrivateFile.write(Data(KeyFolder.text(of: records).utf8), to: folder.workersFile)
    }

    private func locked<R>(_ body: () throws(GridError) -> R) throws(GridError) -> R {
        let path = "\(folder.path)/lock"
        guard let lock = try FileLock.take(path) else {
            throw GridError(
                .conflict, "\(FileLock.holder(path)) changes the keys in \(folder.path.singleLine) just now: try again")
        }
        defer { lock.release() }
        return try body()
    }

    private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// To the millisecond, and later than what the list says of a key: its revocation and its admission are told apart by their
    /// times, whether they come within one second or after somebody has set the clock back.
    private static func now(after times: [String] = []) throws(GridError) -> String {
        let last = times.compactMap(KeyTime.sortable).max().flatMap { try? Date($0, strategy: timeStyle) }
        // Half a millisecond more than one, since times are cut to whole ones when they are written.
        let text = max(Date(), last?.addingTimeInterval(0.0015) ?? .distantPast).formatted(timeStyle)
        guard KeyTime.sortable(text) != nil else {
            throw GridError(.failed, "the list of keys cannot have the time \(text): set this machine's clock right first")
        }
        return text
    }
}
