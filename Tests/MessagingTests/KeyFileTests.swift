import ClusterModel
import Foundation
import Messaging
import Testing

@Suite struct KeyFileTests {
    /// A folder that goes away with the test, private as key folders are.
    private final class Scratch {
        let path = FileManager.default.temporaryDirectory.path + "/alphagrid-keys-\(UUID().uuidString)"

        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }

        func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
            let file = "\(path)/\(name)"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            try chmod(mode, file)
            return file
        }

        func chmod(_ mode: Int, _ file: String) throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func worker(_ name: String = "host-1") throws -> WorkerKey {
        WorkerKey(name: name, pair: try .make(), coordinator: try KeyPair.make().publicKey)
    }

    private func complaint(_ file: String) -> String {
        do {
            _ = try WorkerKey(reading: file)
            return "nothing"
        } catch { return error.message }
    }

    @Test("A worker's key file comes back as it was written, and a secret shows nowhere else")
    func roundTrip() throws {
        let scratch = try Scratch()
        let key = try worker()
        let read = try WorkerKey(reading: try scratch.write(key.text, to: "key"))
        #expect(read.name == "host-1" && read.coordinator == key.coordinator)
        #expect(read.pair.publicKey == key.pair.publicKey && read.pair.secret == key.pair.secret)
        var dumped = ""
        dump(read, to: &dumped)
        #expect(key.text.contains(key.pair.secretText))
        for text in ["\(read)", String(reflecting: read), dumped] { #expect(!text.contains(key.pair.secretText), "\(text)") }
        #expect("\(read.pair.secret)" == "a secret key" && !dumped.contains("\(key.pair.secret.bytes[0]), "))
    }

    @Test("A key file that others can read is refused with a sentence that says what to do")
    func permissions() throws {
        let scratch = try Scratch()
        let file = try scratch.write(try worker().text, to: "key")
        for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
            try scratch.chmod(mode, file)
            #expect(complaint(file) == "key file \(file) can be read by others: run 'chmod 600 \(file)'")
        }
        for mode in [0o600, 0o400] {
            try scratch.chmod(mode, file)
            #expect(complaint(file) == "nothing")
        }
    }

    @Test("Root may give a key file to the group of whoever reads it, and to nobody else")
    func ofRoot() {
        for mode: mode_t in [0o440, 0o640, 0o400] { #expect(KeyFile.isPrivate(mode: mode, owner: 0, reader: 997)) }
        for mode: mode_t in [0o444, 0o644, 0o660, 0o450, 0o441] {
            #expect(!KeyFile.isPrivate(mode: mode, owner: 0, reader: 997))
        }
        #expect(!KeyFile.isPrivate(mode: 0o440, owner: 997, reader: 997))
        #expect(!KeyFile.isPrivate(mode: 0o440, owner: 0, reader: 0))
    }

    @Test("Files that are no key files are refused by name, without a word of what is in them")
    func damaged() throws {
        let scratch = try Scratch()
        let key = try worker()
        let lines = key.text.split(separator: "\n").map(String.init)
        func without(_ field: String) -> String { lines.filter { !$0.hasPrefix(field) }.joined(separator: "\n") }
        let cases = [
            "", "secret", without("secret"), without("name") + "\nname a/b\n",
            without("public") + "\npublic \(key.coordinator)\n",
            without("secret") + "\nsecret hunter2hunter2\n",
            without("coordinator") + "\ncoordinator \(String(repeating: "~", count: 40))",
            key.text + "secret \(key.pair.secretText)\n", key.text + "more \(key.pair.secretText)\n",
            key.text + String(repeating: "#", count: 5_000), "\u{0}\u{1}\u{FFFD}",
        ]
        for (number, text) in cases.enumerated() {
            let file = try scratch.write(text, to: "key\(number)")
            let said = complaint(file)
            #expect(said.contains(file) && !said.contains(key.pair.secretText) && !said.contains("hunter2"), "\(said)")
        }
        #expect(complaint("\(scratch.path)/none").contains("is not there"))
        #expect(complaint(scratch.path) == "key file \(scratch.path) is not a file")
    }

    @Test("A key folder is used only when it is private, and its ring follows the file of workers")
    func folder() throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: scratch.path)
        let pair = try KeyPair.make()
        _ = try scratch.write(KeyFile.text(of: pair), to: "coordinator.key")
        let first = KeyFolder.Record(name: "a", key: try KeyPair.make().publicKey, added: "2026-01-01T00:00:00Z")
        var second = KeyFolder.Record(name: "b", key: try KeyPair.make().publicKey, added: "2026-01-01T00:00:00Z")
        _ = try scratch.write(KeyFolder.text(of: [second, first]), to: "workers")
        #expect(try folder.records() == [first, second])
        for (mode, file, word) in [
            (0o750, scratch.path, "chmod 700"), (0o644, folder.coordinatorFile, "chmod 600"),
            (0o644, folder.workersFile, "chmod 600"),
        ] {
            try scratch.chmod(mode, file)
            let error = #expect(throws: GridError.self) { try folder.serverKeys { _ in } }
            #expect(error?.message.contains("\(word) \(file)") == true, "\(String(describing: error))")
            try scratch.chmod(file == scratch.path ? 0o700 : 0o600, file)
        }

        let reported = Reported()
        let keys = try folder.serverKeys { reported.add($0) }
        #expect(keys.pair.publicKey == pair.publicKey)
        #expect(keys.ring.name(of: first.key) == "a" && keys.ring.name(of: second.key) == "b")
        second.revoked = "2026-01-02T00:00:00Z"
        _ = try scratch.write(KeyFolder.text(of: [first, second]), to: "workers")
        keys.ring.refresh()
        #expect(keys.ring.name(of: first.key) == "a" && keys.ring.name(of: second.key) == nil && keys.ring.removals == 1)
        // Damaged or gone: what is known stays, and it is said once.
        _ = try scratch.write("nonsense\n", to: "workers")
        keys.ring.refresh()
        keys.ring.refresh()
        try FileManager.default.removeItem(atPath: folder.workersFile)
        keys.ring.refresh()
        keys.ring.refresh()
        #expect(keys.ring.name(of: first.key) == "a")
        #expect(reported.count == 2)
    }

    @Test("A list of keys that was cut, at whatever place, is refused in one sentence and changes nothing")
    func cut() throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: scratch.path)
        _ = try scratch.write(KeyFile.text(of: try .make()), to: "coordinator.key")
        let records = try ["a", "b", "end"].map { name in
            KeyFolder.Record(name: name, key: try KeyPair.make().publicKey, added: "2026-01-01T00:00:00Z")
        }
        let whole = KeyFolder.text(of: records)
        _ = try scratch.write(whole, to: "workers")
        let reported = Reported()
        let ring = try folder.serverKeys { reported.add($0) }.ring
        func expectRefused(_ text: String, _ what: String, _ place: SourceLocation = #_sourceLocation) throws {
            _ = try scratch.write(text, to: "workers")
            let error = #expect(throws: GridError.self, "\(what)", sourceLocation: place) { try folder.records() }
            #expect(error?.kind == .usage && error?.message.contains("\n") == false, "\(what)", sourceLocation: place)
            ring.refresh()
            for record in records { #expect(ring.name(of: record.key) == record.name, "\(what)", sourceLocation: place) }
        }
        for length in 0..<whole.utf8.count { try expectRefused(String(whole.prefix(length)), "the first \(length) bytes") }
        #expect(reported.count == whole.utf8.count)
        let lines = whole.split(separator: "\n").map(String.init)
        try expectRefused((lines[..<2] + lines[3...]).joined(separator: "\n") + "\n", "a line less")
        try expectRefused(lines[1...].joined(separator: "\n") + "\n", "no first line")
        try expectRefused(lines.dropLast().joined(separator: "\n") + "\n", "as earlier releases wrote it")
        try expectRefused(whole + lines[1] + "\n", "a line more")
        try expectRefused(lines.joined(separator: "\r\n") + "\r\n", "other ends of lines")
        let error = #expect(throws: GridError.self) { try folder.records() }
        #expect(error?.message.contains("of an earlier release") == true && error?.message.contains("keys init") == true)

        // A list without any key is one that somebody made.
        _ = try scratch.write(KeyFolder.text(of: []), to: "workers")
        #expect(try folder.records() == [])
        ring.refresh()
        #expect(records.allSatisfy { ring.name(of: $0.key) == nil })
    }

    @Test("Times of a list sort as they are, to the second or the millisecond; a list with what is none is refused by its line")
    func times() throws {
        let sorted = [
            "0001-01-01T00:00:00Z", "2026-01-31T23:59:59Z", "2026-01-31T23:59:59.001Z", "2026-02-01T00:00:00.000Z",
            "2028-02-29T12:00:00Z", "9999-12-31T23:59:59.999Z",
        ]
        let keys = try sorted.map { try #require(KeyTime.sortable($0)) }
        #expect(keys == keys.sorted() && Set(keys.map(\.utf8.count)) == [24])
        #expect(KeyTime.sortable("2026-02-01T00:00:00Z") == KeyTime.sortable("2026-02-01T00:00:00.000Z"))

        let scratch = try Scratch()
        let folder = KeyFolder(path: scratch.path)
        _ = try scratch.write(KeyFile.text(of: try .make()), to: "coordinator.key")
        let good = KeyFolder.Record(
            name: "a", key: try KeyPair.make().publicKey, added: sorted[1], revoked: sorted[2])
        _ = try scratch.write(KeyFolder.text(of: [good]), to: "workers")
        #expect(try folder.records() == [good])
        for none in [
            "yesterday", "infinity", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31T23:59:60Z", "2026-01-31T24:00:00Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
            "2026-01-00T00:00:00Z", "0000-01-01T00:00:00Z", "2026-01-31T23:59:59.1Z", "2026-01-31T23:59:59.0001Z",
            "2026-01-31T23:59:59+01", "2026-01-31t23:59:59z", "12026-01-31T23:59:5Z",
        ] {
            for record in [
                KeyFolder.Record(name: "a", key: good.key, added: none),
                KeyFolder.Record(name: "a", key: good.key, added: sorted[1], revoked: none),
            ] {
                _ = try scratch.write(KeyFolder.text(of: [record]), to: "workers")
                let error = #expect(throws: GridError.self, "\(none)") { try folder.records() }
                #expect(error?.kind == .usage && error?.message.contains("line 2 is not valid") == true, "\(none)")
            }
        }
    }

    @Test("A list that admits a name or a key by two lines is refused: revoking it would take one of them")
    func admittedTwice() throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: scratch.path)
        _ = try scratch.write(KeyFile.text(of: try .make()), to: "coordinator.key")
        func record(_ name: String, _ key: PublicKey, revoked: String? = nil) -> KeyFolder.Record {
            KeyFolder.Record(name: name, key: key, added: "2026-01-31T23:59:59.000Z", revoked: revoked)
        }
        let (one, other) = (try KeyPair.make().publicKey, try KeyPair.make().publicKey)
        for records in [[record("w", one), record("w", other)], [record("v", one), record("w", one)]] {
            _ = try scratch.write(KeyFolder.text(of: records), to: "workers")
            let error = #expect(throws: GridError.self) { try folder.records() }
            #expect(error?.kind == .usage && error?.message.contains("'w' or its key is admitted by two lines") == true)
        }
        let replaced = [record("w", one, revoked: "2026-02-01T00:00:00.000Z"), record("w", other), record("v", one)]
        _ = try scratch.write(KeyFolder.text(of: replaced), to: "workers")
        #expect(try folder.records().count == 3)
    }

    @Test("A list that was brought with the wrong mode is read once the mode is right")
    func modePutRight() throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: scratch.path)
        _ = try scratch.write(KeyFile.text(of: try .make()), to: "coordinator.key")
        var record = KeyFolder.Record(name: "a", key: try KeyPair.make().publicKey, added: "2026-01-01T00:00:00Z")
        _ = try scratch.write(KeyFolder.text(of: [record]), to: "workers")
        let reported = Reported()
        let ring = try folder.serverKeys { reported.add($0) }.ring
        record.revoked = "2026-01-02T00:00:00Z"
        _ = try scratch.write(KeyFolder.text(of: [record]), to: "workers", mode: 0o644)
        ring.refresh()
        ring.refresh()
        #expect(ring.name(of: record.key) == "a" && reported.count == 1)
        // The times of files go on in steps of some milliseconds.
        Thread.sleep(forTimeInterval: 0.05)
        try scratch.chmod(0o600, folder.workersFile)
        ring.refresh()
        #expect(ring.name(of: record.key) == nil && reported.count == 1)
    }

    private final class Reported: @unchecked Sendable {
        // Used by the test's own thread alone.
        private(set) var count = 0
        func add(_ sentence: String) { count += 1 }
    }
}
