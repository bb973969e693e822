import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A real process with its output in files; killed, with all its descendants, when the value goes.
final class ChildProcess: @unchecked Sendable {
    let pid: pid_t
    let name: String
    private let output: String
    private let errors: String
    private let folder: ScratchFolder
    /// Exit status once collected. One test at a time uses a value.
    private var status: Int32?

    struct Outcome {
        /// Exit code, or 128 + the signal that ended it.
        var status: Int32
        var output: String
        var errors: String
    }

    /// - Parameter environment: added to this process's; nil values are taken away.
    init(_ program: String, _ arguments: [String], environment: [String: String?] = [:]) throws {
        name = URL(fileURLWithPath: program).lastPathComponent
        folder = try ScratchFolder()
        output = folder.file("stdout")
        errors = folder.file("stderr")
        try #require(FileManager.default.isExecutableFile(atPath: program), "\(program) is missing: run Scripts/build debug")

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that whatever it starts can be ended with it.
        posix_spawnattr_setpgroup(&attributes, 0)
        // The thread this runs on holds all signals back, which a child would inherit.
        var none = sigset_t()
        var every = sigset_t()
        sigemptyset(&none)
        sigfillset(&every)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &every)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        // What the person at the keyboard has set must not decide what a test sees.
        var variables = ProcessInfo.processInfo.environment.filter { name, _ in
            name == "ALPHAGRID_POSTGRES_BIN" || !name.hasPrefix("ALPHAGRID_") && !name.hasPrefix("PG")
        }
        for (key, value) in environment { variables[key] = value }
        let argv = ([program] + arguments).map { strdup($0) } + [nil]
        let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, program, &actions, &attributes, argv, envp)
        try #require(error == 0, "cannot run \(program): \(String(cString: strerror(error)))")
        self.pid = pid
    }

    deinit {
        guard !hasEnded else { return }
        kill(-pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    func signal(_ number: Int32) { kill(pid, number) }

    var hasEnded: Bool {
        if status != nil { return true }
        var raw: Int32 = 0
        guard waitpid(pid, &raw, WNOHANG) == pid else { return false }
        status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + raw & 0x7F
        return true
    }

    var outputSoFar: String { Self.text(output) }
    var errorsSoFar: String { Self.text(errors) }

    /// Waits for the end; a process that takes longer than it may is killed and fails the test with its last words.
    func end(within seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation) async throws -> Outcome {
        do {
            try await waitUntil("the end of \(name)", seconds: seconds, sourceLocation: sourceLocation) { hasEnded }
        } catch {
            Issue.record("\(name) said: \(errorsSoFar.suffix(2_000))", sourceLocation: sourceLocation)
            throw error
        }
        return Outcome(status: status ?? -1, output: outputSoFar, errors: errorsSoFar)
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// Runs a program to its end.
func run(
    _ program: String, _ arguments: [String], environment: [String: String?] = [:], within seconds: Double = 120,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> ChildProcess.Outcome {
    try await ChildProcess(program, arguments, environment: environment).end(within: seconds, sourceLocation: sourceLocation)
}

/// The same, and it must succeed.
@discardableResult
func succeed(
    _ program: String, _ arguments: [String], environment: [String: String?] = [:], within seconds: Double = 120,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> String {
    let outcome = try await run(
        program, arguments, environment: environment, within: seconds, sourceLocation: sourceLocation)
    let line = ([URL(fileURLWithPath: program).lastPathComponent] + arguments).joined(separator: " ")
    try #require(
        outcome.status == 0, "\(line) ended with \(outcome.status): \(outcome.errors)\(outcome.output)",
        sourceLocation: sourceLocation)
    return outcome.output
}
