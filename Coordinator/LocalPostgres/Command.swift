import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One run of a program to its end, with what it printed.
///
/// Not Foundation's `Process`: that one waits for every descendant that inherits its monitor, and a database
/// server is exactly such a descendant.
struct Command {
    /// The program's path and its arguments.
    var arguments: [String]
    /// Who runs it; nil is the user of this process.
    var account: Account?

    struct Outcome {
        /// Exit status, or 128 + the signal that ended it, as a shell says it.
        var status: Int32
        /// Standard output and standard error, interleaved, at most `outputBytesMax`.
        var output: String
    }

    private static let outputBytesMax = 64 << 10

    /// Runs and waits. The child starts in `/`, in its own process group so that a Ctrl-C meant for us does not
    /// reach a server, with default signals and without the PG... variables that would point it elsewhere.
    func run() throws(GridError) -> Outcome {
        var ends: [Int32] = [-1, -1]
        // A socket pair can be made close-on-exec in one step, so that no other child holds it open; a pipe cannot here.
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw failure("cannot make a socket pair", errno) }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        defer { close(readEnd) }
        let child = spawn(output: writeEnd)
        close(writeEnd)
        guard child.error == 0 else { throw failure("cannot run \(arguments[0])", child.error) }
        let output = Self.readAll(readEnd)
        var status: Int32 = 0
        while waitpid(child.pid, &status, 0) < 0 {
            guard errno == EINTR else { throw failure("cannot wait for \(arguments[0])", errno) }
        }
        let signal = status & 0x7F
        return Outcome(status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, output: output)
    }

    private func spawn(output: Int32) -> (pid: pid_t, error: Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // Sockets and files of this process must not live on in a server that outlives it.
        for descriptor in Self.openDescriptors() where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var every = sigset_t()
        sigemptyset(&none)
        sigfillset(&every)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &every)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        // The server's user may not be able to see our working directory, which initdb takes for an error.
        let words = ["env", "-C", "/"] + (account?.prefix ?? []) + arguments
        let argv = words.map { strdup($0) } + [nil]
        let environment = Self.environment().map { strdup($0) } + [nil]
        defer { for pointer in argv + environment { free(pointer) } }
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, argv[0]!, &actions, &attributes, argv, environment)
        return (pid, error)
    }

    /// Closing one that is gone by then is no error.
    private static func openDescriptors() -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? []
        return names.compactMap { Int32($0) }
    }

    private static func environment() -> [String] {
        var kept = ["LC_ALL=C"]
        var pointer = environ
        while let entry = pointer.pointee {
            let text = String(cString: entry)
            if !text.hasPrefix("PG"), !text.hasPrefix("LC_"), !text.hasPrefix("LANG") { kept.append(text) }
            pointer += 1
        }
        return kept
    }

    /// Reads to the end, so that the child never blocks, but keeps only so much.
    private static func readAll(_ descriptor: Int32) -> String {
        var kept: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            kept.append(contentsOf: buffer[0..<min(count, outputBytesMax - kept.count)])
        }
        return String(decoding: kept, as: UTF8.self)
    }

    private func failure(_ what: String, _ code: Int32) -> GridError {
        GridError(.failed, "\(what): \(String(cString: strerror(code)))")
    }
}
