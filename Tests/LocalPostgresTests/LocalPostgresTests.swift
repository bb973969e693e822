import ClusterModel
import Foundation
import Testing

@testable import LocalPostgres

@Suite(.serialized) struct LocalPostgresTests {
    @Test("Of what a program says when it fails, the reason is told and not what it tidied up")
    func reasons() {
        let output = "creating directory d ... ok\ninitdb: error: could not look up user\ninitdb: removing data directory\n"
        #expect(output.reason == "initdb: error: could not look up user")
        #expect("one\ntwo\n\n".reason == "two" && "".reason == "no output")
    }

    @Test("Data survives a stop and a second start of the same folder")
    func restart() throws {
        let folder = try ScratchFolder()
        let server = LocalPostgres(directory: folder.path, durability: .fast)
        defer { try? server.remove() }
        let first = try server.start()
        #expect(!first.wasRunning)
        #expect(try psql(first.url, "CREATE TABLE kept AS SELECT 42 AS answer") == "")
        try server.stop()
        #expect(try server.running() == nil)
        #expect(hasEnded(first.processID), "the server must be gone when stop returns")

        let second = try server.start()
        #expect(!second.wasRunning)
        #expect(second.processID != first.processID)
        #expect(try psql(second.url, "SELECT answer FROM kept") == "42")
    }

    @Test("A second start while it runs attaches, and stopping twice is no error")
    func attach() throws {
        let folder = try ScratchFolder()
        let server = LocalPostgres(directory: folder.path, durability: .fast)
        defer { try? server.remove() }
        let first = try server.start()
        let second = try LocalPostgres(directory: folder.path).start()
        #expect(second.wasRunning)
        #expect(second.processID == first.processID)
        #expect(second.url == first.url)
        try server.stop()
        try server.stop()
        #expect(try server.running() == nil)
    }

    @Test("A server that was killed leaves a stale postmaster.pid, and starts again with what was committed")
    func crash() throws {
        let folder = try ScratchFolder()
        // Fast durability may lose the last commits of a killed server; full durability may not.
        let server = LocalPostgres(directory: folder.path)
        defer { try? server.remove() }
        let first = try server.start()
        _ = try psql(first.url, "CREATE TABLE kept AS SELECT 7 AS answer")
        kill(first.processID, SIGKILL)
        while !hasEnded(first.processID) { usleep(20_000) }
        #expect(try server.running() == nil)
        let second = try server.start()
        #expect(!second.wasRunning)
        #expect(try psql(second.url, "SELECT answer FROM kept") == "7")
    }

    @Test("A process that a killed server left behind is waited for")
    func orphan() throws {
        let folder = try ScratchFolder()
        let server = LocalPostgres(directory: folder.path, durability: .fast)
        defer { try? server.remove() }
        let first = try server.start()
        let orphan = try #require(
            Int32(psql(first.url, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'")))
        kill(orphan, SIGSTOP)
        kill(first.processID, SIGKILL)
        while !hasEnded(first.processID) { usleep(20_000) }
        Thread.detachNewThread {
            usleep(1_000_000)
            kill(orphan, SIGCONT)
        }
        #expect(try !server.start().wasRunning)
        #expect(hasEnded(orphan))
    }

    @Test("A state folder that is too deep for a unix socket, or has a blank in its name, still works")
    func awkwardFolder() throws {
        let folder = try ScratchFolder()
        let deep = folder.path + "/" + String(repeating: "d", count: 90) + "/with blank"
        let server = LocalPostgres(directory: deep, durability: .fast)
        defer { try? server.remove() }
        let running = try server.start()
        #expect(running.socketDirectory.hasPrefix("/tmp/"))
        #expect(try psql(running.url, "SELECT current_database() || ' ' || current_user") == "alphagrid alphagrid")
        kill(running.processID, SIGKILL)
        while !hasEnded(running.processID) { usleep(20_000) }
        let again = try server.start(insteadOf: running)
        #expect(again.url == running.url && again.processID != running.processID)
        #expect(try psql(again.url, "SELECT 1") == "1")
        try server.stop()
        // Somebody else has taken the name meanwhile.
        try FileManager.default.createDirectory(
            atPath: running.socketDirectory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        defer { try? FileManager.default.removeItem(atPath: running.socketDirectory) }
        let error = #expect(throws: GridError.self) { try server.start(insteadOf: running) }
        #expect(error?.message.contains(running.socketDirectory) == true)
        try FileManager.default.removeItem(atPath: running.socketDirectory)
        #expect(!FileManager.default.fileExists(atPath: running.socketDirectory))
    }

    @Test("The database is UTF-8 with the C collation, listens on no port, and its socket folder is private")
    func settings() throws {
        let folder = try ScratchFolder()
        let server = LocalPostgres(directory: folder.path)
        defer { try? server.remove() }
        let running = try server.start()
        #expect(try psql(running.url, "SHOW server_encoding") == "UTF8")
        #expect(try psql(running.url, "SELECT datcollate FROM pg_database WHERE datname = 'alphagrid'") == "C")
        #expect(try psql(running.url, "SHOW listen_addresses") == "")
        #expect(try psql(running.url, "SHOW fsync") == "on")
        #expect(!running.url.contains("password"))
        let attributes = try FileManager.default.attributesOfItem(atPath: running.socketDirectory)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test("A further database is made once, and a name that needs quoting is refused")
    func furtherDatabase() throws {
        let folder = try ScratchFolder()
        let server = LocalPostgres(directory: folder.path, durability: .fast)
        defer { try? server.remove() }
        let running = try server.start()
        try server.createDatabase("store_1", on: running)
        try server.createDatabase("store_1", on: running)
        #expect(try psql(running.url(database: "store_1"), "SELECT current_database()") == "store_1")
        #expect(throws: GridError.self) { try server.createDatabase("a\"; DROP", on: running) }
    }

    @Test("Run by root, a state folder the server's user cannot enter sends the data elsewhere, and remove() finds it")
    func unreachableFolder() throws {
        guard geteuid() == 0 else { return #expect(geteuid() != 0, "only root needs this") }
        let folder = try ScratchFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path)
        let server = LocalPostgres(directory: folder.path, durability: .fast)
        let running = try server.start()
        let pointer = try String(contentsOfFile: folder.path + "/postgres.location", encoding: .utf8)
        let home = pointer.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(home.hasPrefix("/var/lib/alphagrid/postgres-"))
        #expect(try psql(running.url, "SELECT 1") == "1")
        try server.remove()
        #expect(!FileManager.default.fileExists(atPath: home))
    }

    @Test("A folder of ALPHAGRID_POSTGRES_BIN without the programs is named in the error")
    func wrongInstallation() throws {
        #expect {
            try PostgresInstallation.all(environment: ["ALPHAGRID_POSTGRES_BIN": "/nowhere"])
        } throws: { error in
            (error as? GridError)?.message.contains("/nowhere") == true
        }
        #expect(try PostgresInstallation.all(environment: ["PATH": "/nowhere"]).allSatisfy { $0.majorVersion >= 10 })
    }
}
