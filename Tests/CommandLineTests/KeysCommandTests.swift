import ClusterModel
import Foundation
import Messaging
import Testing

@testable import alphagrid

/// `alphagrid keys` as it is run: what it writes, for whose eyes, and what it says.
@Suite struct KeysCommandTests {
    private func object(_ run: Run) throws -> [String: Any] {
        #expect(run.status == 0, "\(run.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("Keys are made, listed and revoked, in files that nobody else can read")
    func journey() throws {
        let scratch = try Scratch()
        let state = "\(scratch.path)/state"
        let file = "\(scratch.path)/host1.key"
        let made = try object(try Run(["keys", "init", "--state", state, "--json"]))
        let coordinator = try KeyFolder(path: "\(state)/keys").coordinatorPair()
        #expect(made["public_key"] as? String == coordinator.publicKey.text)
        let added = try object(try Run(["keys", "add", "host1", "--out", file, "--state", state, "--json"]))
        let key = try WorkerKey(reading: file)
        #expect(key.name == "host1" && key.coordinator == coordinator.publicKey)
        #expect(added["public_key"] as? String == key.pair.publicKey.text && added["file"] as? String == file)
        #expect(try mode("\(state)/keys") == 0o700)
        for path in [file, "\(state)/keys/coordinator.key", "\(state)/keys/workers"] {
            #expect(try mode(path) == 0o600, "\(path)")
        }

        let listed = try Run(["keys", "list", "--state", state])
        #expect(listed.output.contains("host1") && listed.output.contains(key.pair.publicKey.text))
        let revoked = try object(try Run(["keys", "revoke", "host1", "--state", state, "--json"]))
        #expect(revoked["revoked"] as? String != nil)
        let keys = try #require(try object(try Run(["keys", "--state", state, "--json"]))["keys"] as? [[String: Any]])
        #expect(keys.count == 1 && keys[0]["name"] as? String == "host1" && keys[0]["revoked"] as? String != nil)
        #expect(try KeyFolder(path: "\(state)/keys").serverKeys { _ in }.ring.name(of: key.pair.publicKey) == nil)

        // The name may have another key then, which is not the old one.
        #expect(try Run(["keys", "add", "host1", "--out", "\(file)2", "--state", state]).status == 0)
        #expect(try WorkerKey(reading: "\(file)2").pair.publicKey != key.pair.publicKey)
        // Nothing that is printed is secret.
        for text in [listed.output, "\(added)", "\(made)", "\(keys)"] {
            #expect(!text.contains(key.pair.secretText) && !text.contains(coordinator.secretText))
        }
        #expect(FileManager.default.fileExists(atPath: file))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "\(state)/keys").sorted() == [
                "coordinator.key", "lock", "workers",
            ])
    }

    @Test("What cannot be done is refused in one sentence, and changes nothing")
    func refusals() throws {
        let scratch = try Scratch()
        let state = "\(scratch.path)/state"
        let file = "\(scratch.path)/a.key"
        func expect(_ arguments: [String], _ status: Int32, _ named: String) throws {
            let run = try Run(["keys"] + arguments + ["--state", state])
            #expect(run.status == status && run.errors.contains(named) && run.output.isEmpty, "\(arguments): \(run.errors)")
        }
        try expect(["list"], 3, "alphagrid keys init")
        try expect(["add", "a", "--out", file], 3, "alphagrid keys init")
        #expect(try Run(["keys", "init", "--state", state]).status == 0)
        try expect(["init"], 1, "coordinator.key is there already")
        for name in ["a/b", "..\u{2f}x", "a b", "", String(repeating: "n", count: 65), "ä", "a\n"] {
            try expect(["add", name, "--out", file], 2, "is not valid")
        }
        #expect(try Run(["keys", "add", "a", "--out", file, "--state", state]).status == 0)
        let before = try String(contentsOfFile: "\(state)/keys/workers", encoding: .utf8)
        try expect(["add", "a", "--out", "\(file)2"], 1, "has a key already")
        try expect(["add", "b", "--out", file], 1, "\(file) is there already")
        try expect(["add", "b", "--out", "\(scratch.path)/nowhere/b.key"], 3, "cannot write")
        try expect(["revoke", "b"], 3, "no key 'b'")
        #expect(try String(contentsOfFile: "\(state)/keys/workers", encoding: .utf8) == before)
        #expect(scratch.names == ["a.key", "state"])
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(state)/keys")
        try expect(["list"], 2, "chmod 700")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: "\(state)/keys")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: "\(state)/keys/coordinator.key")
        try expect(["add", "b", "--out", "\(file)3"], 2, "chmod 600")
    }

    @Test("Nothing is added to a list of workers that is not whole, nor revoked in it, and it stays as it is")
    func cutList() throws {
        let scratch = try Scratch()
        let state = "\(scratch.path)/state"
        let list = "\(state)/keys/workers"
        #expect(try Run(["keys", "init", "--state", state]).status == 0)
        #expect(try Run(["keys", "--state", state]).errors.contains("no keys: add one"))
        #expect(try Run(["keys", "add", "a", "--out", "\(scratch.path)/a.key", "--state", state]).status == 0)
        let whole = try String(contentsOfFile: list, encoding: .utf8)
        for cut in ["", String(whole.prefix { $0 != "\n" }) + "\n"] {
            try cut.write(toFile: list, atomically: false, encoding: .utf8)
            for arguments in [["list"], ["add", "b", "--out", "\(scratch.path)/b.key"], ["revoke", "a"]] {
                let run = try Run(["keys"] + arguments + ["--state", state])
                #expect(run.status == 2 && run.errors.contains("is not whole"), "\(arguments): \(run.errors)")
            }
            #expect(try String(contentsOfFile: list, encoding: .utf8) == cut && scratch.names == ["a.key", "state"])
        }
    }

    @Test("Where the list of workers is lost, the coordinator keeps its key, and workers theirs")
    func lostList() throws {
        let scratch = try Scratch()
        let state = "\(scratch.path)/state"
        let file = "\(scratch.path)/a.key"
        #expect(try Run(["keys", "init", "--state", state]).status == 0)
        #expect(try Run(["keys", "add", "a", "--out", file, "--state", state]).status == 0)
        let key = try WorkerKey(reading: file)
        try FileManager.default.removeItem(atPath: "\(state)/keys/workers")
        let lost = try Run(["keys", "--state", state])
        #expect(lost.status == 3 && lost.errors.contains("make it with 'alphagrid keys init'"))
        let made = try Run(["keys", "init", "--state", state])
        #expect(made.status == 0 && made.output.contains("kept") && made.errors.contains("--public-key"), "\(made)")
        #expect(try KeyFolder(path: "\(state)/keys").coordinatorPair().publicKey == key.coordinator)
        let admitting = ["--public-key", key.pair.publicKey.text, "--state", state]
        let added = try object(try Run(["keys", "add", "a", "--json"] + admitting))
        #expect(added["public_key"] as? String == key.pair.publicKey.text && added["file"] == nil)
        #expect(try KeyFolder(path: "\(state)/keys").serverKeys { _ in }.ring.name(of: key.pair.publicKey) == "a")
        let twice = try Run(["keys", "add", "b"] + admitting)
        #expect(twice.status == 1 && twice.errors.contains("this key is that of 'a'"))
        let none = try Run(["keys", "add", "b", "--public-key", "short", "--state", state])
        #expect(none.status == 2 && none.errors.contains("--public-key is no public key"))
        #expect(try Run(["keys", "add", "b", "--out", file] + admitting).status == 2)
        #expect(scratch.names == ["a.key", "state"])
    }

    @Test("A list remembers each key that a name had and lost, until it is admitted again, with times that tell them apart")
    func revokedBefore() throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: "\(scratch.path)/keys")
        let store = KeyStore(folder: folder)
        try store.makeCoordinatorKey()
        // Faster than the clock of a list that counts seconds.
        let first = try store.add("a", file: "\(scratch.path)/1.key")
        let revoked = try store.revoke("a")
        let second = try store.add("a", file: "\(scratch.path)/2.key")
        #expect(try folder.records() == [revoked, second])
        for record in try folder.records() {
            #expect([record.added, record.revoked ?? record.added].allSatisfy { $0.utf8.count == 24 }, "\(record)")
        }
        #expect(try store.revoke("a").key == second.key)
        let twice = #expect(throws: GridError.self) { try store.revoke("a") }
        #expect(twice?.kind == .conflict && twice?.message.contains("was revoked already") == true)
        let listed = try Run(["keys", "--keys", folder.path, "--json"])
        let keys = try #require(try object(listed)["keys"] as? [[String: Any]])
        #expect(keys.compactMap { $0["revoked"] as? String }.count == 2 && keys.count == 2)

        // The very key again, under whatever name: what is left is that it is admitted, and later than it was revoked.
        let again = try store.admit("b", first.key)
        #expect(try folder.records().map(\.name) == ["a", "b"])
        #expect(again.added > revoked.revoked ?? "")
        // What the list admits already is admitted anew, since it may have been revoked where this list does not know of it.
        let anew = try store.admit("b", first.key)
        #expect(anew.added > again.added)
        #expect(try folder.records().filter { $0.revoked == nil } == [anew])
    }

    @Test("Times of a list go on although the clock was set back")
    func clockSetBack() throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: "\(scratch.path)/keys")
        let store = KeyStore(folder: folder)
        try store.makeCoordinatorKey()
        let key = try KeyPair.make().publicKey
        func write(_ added: String) throws {
            let text = KeyFolder.text(of: [KeyFolder.Record(name: "a", key: key, added: added)])
            try text.write(toFile: folder.workersFile, atomically: false, encoding: .utf8)
        }
        try write("2999-01-01T00:00:00Z")
        let revoked = try #require(try store.revoke("a").revoked)
        #expect(revoked > "2999-01-01T00:00:00.000Z" && revoked < "2999-01-01T00:00:00.010Z")
        let added = try store.admit("a", key).added
        #expect(added > revoked && added < "2999-01-01T00:00:00.020Z")
        // A list that nobody could read again is not written.
        try write("9999-12-31T23:59:59.999Z")
        let error = #expect(throws: GridError.self) { try store.revoke("a") }
        #expect(error?.message.contains("set this machine's clock right") == true)
        #expect(try folder.records().map(\.added) == ["9999-12-31T23:59:59.999Z"])
    }

    @Test("In a list that is full, what was revoked first makes room; where all keys are admitted, none is added")
    func room() throws {
        let scratch = try Scratch()
        let folder = KeyFolder(path: "\(scratch.path)/keys")
        let store = KeyStore(folder: folder)
        try store.makeCoordinatorKey()
        func list(_ revoked: (Int) -> String?) throws {
            let records = try (0..<Limits.keysMax).map { number in
                let text = String(repeating: "0", count: 40 - "\(number)".count) + "\(number)"
                return KeyFolder.Record(
                    name: "k\(number)", key: try PublicKey(parsing: text, source: "a test"), added: "2026-01-01T00:00:00Z",
                    revoked: revoked(number))
            }
            try KeyFolder.text(of: records).write(toFile: folder.workersFile, atomically: false, encoding: .utf8)
        }
        try list { $0 == 7 ? "2026-01-03T00:00:00Z" : $0 == 9 ? "2026-01-02T00:00:00.001Z" : nil }
        _ = try store.add("new", file: "\(scratch.path)/new.key")
        let names = Set(try folder.records().map(\.name))
        #expect(names.count == Limits.keysMax && names.contains("new") && names.contains("k7") && !names.contains("k9"))
        try list { _ in nil }
        let error = #expect(throws: GridError.self) { try store.add("newer", file: "\(scratch.path)/newer.key") }
        #expect(error?.kind == .conflict && error?.message.contains("revoke one first") == true)
        // What is there already needs no room.
        let own = try #require(try folder.records().first)
        #expect(try store.admit(own.name, own.key).key == own.key)
    }

    @Test("A coordinator listens beyond the loopback interface with keys, and says how to make them without")
    func binding() throws {
        let scratch = try Scratch()
        let state = "\(scratch.path)/state"
        // The database is not there, which is found out only after the address was accepted.
        let arguments = [
            "coordinator", "--database", "postgresql://127.0.0.1:9/d", "--bind", "tcp://*:0", "--http", "127.0.0.1:0", "--state",
            state,
        ]
        let refused = try Run(arguments)
        #expect(refused.status == 2 && refused.errors.contains("alphagrid keys init") && refused.errors.contains("--insecure"))
        #expect(try Run(["keys", "init", "--state", state]).status == 0)
        let accepted = try Run(arguments)
        #expect(accepted.status == 4 && accepted.errors.contains("127.0.0.1"), "\(accepted.errors)")
        let elsewhere = try Run(arguments + ["--keys", "\(scratch.path)/none"])
        #expect(elsewhere.status == 3 && elsewhere.errors.contains("/none of --keys is not there"), "\(elsewhere.errors)")
        // HTTP has no such keys.
        let http = try Run(arguments.dropLast(4) + ["--http", "0.0.0.0:0", "--state", state])
        #expect(http.status == 2 && http.errors.contains("--http") && !http.errors.contains("keys init"), "\(http.errors)")
    }

    @Test("A cluster on one machine gives its own workers a key where its state folder has keys")
    func localWorkers() throws {
        let scratch = try Scratch()
        #expect(KeyStore.folder(flag: nil, state: scratch.path)?.path == nil)
        _ = try KeyStore(folder: KeyFolder(path: "\(scratch.path)/keys")).makeCoordinatorKey()
        let folder = try #require(KeyStore.folder(flag: nil, state: scratch.path))
        let file = try KeyStore(folder: folder).localWorkerFile()
        #expect(try KeyStore(folder: folder).localWorkerFile() == file)
        let key = try WorkerKey(reading: file)
        #expect(try folder.serverKeys { _ in }.ring.name(of: key.pair.publicKey) == "up")
    }
}
