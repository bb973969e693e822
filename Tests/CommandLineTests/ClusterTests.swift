import ClusterModel
import Foundation
import Synchronization
import Testing

@testable import alphagrid

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct ClusterTests {
    private func seconds(_ value: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: value * 1_000_000_000) }

    @Test("A program that keeps ending is started ever later, one that ran long soon again")
    func backoff() {
        var policy = RestartPolicy(attemptsMax: nil, startedAt: seconds(0))
        var delays: [Int64?] = []
        for end in 1...9 {
            delays.append(policy.ended(at: seconds(Int64(end))))
            policy.started(at: seconds(Int64(end)))
        }
        #expect(delays == [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
        #expect(policy.ended(at: seconds(9 + 60)) == 500)
    }

    @Test("Where an end is set, giving up comes after that many early endings in a row")
    func givingUp() {
        var policy = RestartPolicy(attemptsMax: 2, startedAt: seconds(0))
        #expect(policy.ended(at: seconds(1)) == 500)
        policy.started(at: seconds(2))
        #expect(policy.ended(at: seconds(62)) == 500)
        policy.started(at: seconds(63))
        #expect(policy.ended(at: seconds(64)) == 1_000)
        policy.started(at: seconds(65))
        #expect(policy.ended(at: seconds(66)) == nil)
    }

    @Test("A process is known by its number and its start, also when its name holds blanks and parentheses")
    func identity() throws {
        let line = "42 (a b) c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 2000"
        let stat = try #require(ProcessIdentity.parse(line))
        #expect(stat.state == "S" && stat.startTicks == 987_654)
        #expect(ProcessIdentity.parse("42 (cut off) S 1 2") == nil)
        let own = try #require(ProcessIdentity(getpid()))
        #expect(own.isAlive)
        #expect(ProcessIdentity(parsing: own.description) == own)
        var other = own
        other.startTicks += 1
        #expect(!other.isAlive)
        for text in ["", "12", "1 5", "-4 5", "a b", "12 5 6"] { #expect(ProcessIdentity(parsing: text) == nil) }
    }

    @Test("The guard keeps the latest process of each role, ignores half a line, and notes a farewell")
    func guardLines() throws {
        let ends = try descriptors()
        let first = try #require(ProcessIdentity(parsing: "100 5"))
        let second = try #require(ProcessIdentity(parsing: "200 6"))
        let third = try #require(ProcessIdentity(parsing: "300 7"))
        let text =
            ClusterGuard.Line.runs("coordinator", first).text + ClusterGuard.Line.runs("worker-1", second).text
            + ClusterGuard.Line.runs("coordinator", third).text + "worker-2 400"
        write(ends.1, text, text.utf8.count)
        close(ends.1)
        var watch = ClusterGuard()
        watch.listen(to: ends.0)
        close(ends.0)
        #expect(watch.running.map(\.role) == ["worker-1", "coordinator"])
        #expect(watch.running.map(\.identity) == [second, third])
        #expect(!watch.dismissed)
        watch.heard("farewell")
        #expect(watch.dismissed)
    }

    @Test("Ending asks first, and makes those who do not listen", .timeLimit(.minutes(1)))
    func ending() throws {
        let scratch = try Scratch()
        func child(_ script: String, _ name: String) throws -> ChildProcess {
            try ChildProcess(
                .init(
                    arguments: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"],
                    log: "\(scratch.path)/\(name)", input: nil)
            ) { _, _ in }
        }
        let polite = try child("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done", "polite")
        let deaf = try child("trap '' TERM; echo ready; while :; do sleep 0.05; done", "deaf")
        while try scratch.read("polite") != "ready\n" || scratch.read("deaf") != "ready\n" { usleep(10_000) }
        ProcessIdentity.end([polite.identity, deaf.identity], gracefulSeconds: 0.5)
        #expect(!polite.identity.isAlive && !deaf.identity.isAlive)
        #expect(try scratch.read("polite") == "ready\nbye\n")
    }

    @Test("A child's ending is told with code or signal; its descriptors are its own", .timeLimit(.minutes(1)))
    func children() async throws {
        let scratch = try Scratch()
        let ends = try descriptors()
        defer {
            close(ends.0)
            close(ends.1)
        }
        let cases = [
            ("exit 3", "exit code 3"), ("kill -9 $$", "signal 9 (Killed)"), ("ls /proc/self/fd", "exit code 0"),
        ]
        for (script, expected) in cases {
            let (endings, report) = AsyncStream.makeStream(of: ChildProcess.Ending.self)
            _ = try ChildProcess(
                .init(
                    arguments: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"],
                    log: "\(scratch.path)/log", input: nil)
            ) { _, ending in report.yield(ending) }
            let ending = try #require(await endings.first { _ in true })
            #expect("\(ending)" == expected)
            #expect(ending.isOrderly == (script.hasPrefix("ls")))
        }
        // 0, 1, 2, and the one with which ls reads the folder.
        #expect(try scratch.read("log").split(separator: "\n").count == 4)
        #expect(throws: GridError.self) {
            _ = try ChildProcess(
                .init(arguments: ["/nonexistent"], environment: [:], log: "\(scratch.path)/log", input: nil)
            ) { _, _ in }
        }
    }

    @Test(
        "Only a complaint is quoted from a log, not whatever a process happened to say last",
        arguments: [
            ("", nil), ("worker joined\n", nil), ("x\nerror: no way out\n\n", "no way out"),
            ("alphagrid-worker: tcp://h:1 refused this worker\n", "tcp://h:1 refused this worker"),
            ("2025-01-02T03:04:05+0000 info alphagrid-worker: [App] drained; leaving\n", nil),
            ("2025-01-02T03:04:05+0000 error alphagrid: [App] disk full\n", "alphagrid: [App] disk full"),
            ("{\"time\":\"t\",\"level\":\"error\",\"component\":\"App\",\"message\":\"disk full\"}\n", "disk full"),
            ("{\"time\":\"t\",\"level\":\"info\",\"component\":\"App\",\"message\":\"drained\"}\n", nil),
            ("error: early\n2025-01-02T03:04:05+0000 info alphagrid: [App] went on\n", nil),
        ] as [(String, String?)])
    func complaints(log: String, expected: String?) {
        #expect(LogText.complaint(log) == expected)
    }

    @Test("A lock is held by one, names its holder, and is free when let go")
    func locks() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/lock"
        let lock = try #require(try FileLock.take(path))
        #expect(try FileLock.take(path) == nil)
        #expect(FileLock.holder(path) == "process \(getpid())")
        lock.release()
        try #require(try FileLock.take(path)).release()
    }

    @Test("A state folder is made for its user; one that others may write to, or a file, is refused")
    func stateFolder() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/a/b"
        _ = try StateDirectory(path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == (geteuid() == 0 ? 0o711 : 0o700))
        chmod(path, 0o777)
        let error = #expect(throws: GridError.self) { _ = try StateDirectory(path) }
        #expect(error?.message.contains("chmod") == true)
        let file = try scratch.write("", to: "file")
        #expect(throws: GridError.self) { _ = try StateDirectory(file) }
    }

    @Test("A private file is its user's alone, replaces the old one and leaves nothing beside it")
    func privateFile() throws {
        let scratch = try Scratch()
        try scratch.write("old", to: "secret", mode: 0o644)
        try PrivateFile.write(Data("new".utf8), to: "\(scratch.path)/secret")
        #expect(try scratch.read("secret") == "new")
        let mode = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/secret")[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
        #expect(scratch.names == ["secret"])
        let error = #expect(throws: GridError.self) { try PrivateFile.write(Data(), to: "\(scratch.path)/no/secret") }
        #expect(error?.message.contains("\(scratch.path)/no/secret") == true)
    }

    /// Both ends of a pipe, inherited unless somebody closes them.
    private func descriptors() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        return (ends[0], ends[1])
    }
}
