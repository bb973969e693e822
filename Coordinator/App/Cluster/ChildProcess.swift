import ClusterModel
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A program started by this one, in a process group of its own so that a Ctrl-C meant for us does not reach it.
///
/// Not Foundation's `Process`: that one also waits for whatever the program started itself.
final class ChildProcess: Sendable {
    let identity: ProcessIdentity
    private let result = Mutex<Ending?>(nil)

    struct Specification {
        /// Path of the program and its arguments.
        var arguments: [String]
        var environment: [String: String]
        /// What it prints is appended to this file.
        var log: String
        /// Descriptor that becomes its standard input; nil is an empty one.
        var input: Int32?
        /// Descriptors of this process that it keeps open, as 3 and up.
        var inherited: [Int32] = []
    }

    /// How a program ended.
    struct Ending: Equatable, Sendable, CustomStringConvertible {
        /// What `waitpid` says.
        var status: Int32
        /// It ended by itself and had nothing to complain about.
        var isOrderly: Bool { status == 0 }
        var description: String {
            if let exitCode { return "exit code \(exitCode)" }
            let signal = status & 0x7F
            return "signal \(signal) (\(String(cString: strsignal(signal))))"
        }
        /// nil when a signal ended it, which no program can say anything about.
        var exitCode: Int32? { status & 0x7F == 0 ? status >> 8 & 0xFF : nil }
    }

    /// - Parameter onExit: Called on a thread of its own when the program has ended.
    init(
        _ specification: Specification, onExit: @escaping @Sendable (ProcessIdentity, Ending) -> Void
    ) throws(GridError) {
        let (processID, error) = Self.spawn(specification)
        // Until it is waited for it cannot vanish, so that its identity is there to be read.
        guard error == 0, let identity = ProcessIdentity(processID) else {
            throw GridError(
                .failed, "cannot start \(specification.arguments.first ?? ""): \(systemMessage(error == 0 ? ESRCH : error))")
        }
        self.identity = identity
        let thread = Thread { [self] in
            var status: Int32 = 0
            while waitpid(processID, &status, 0) < 0, errno == EINTR {}
            let ending = Ending(status: status)
            result.withLock { $0 = ending }
            onExit(identity, ending)
        }
        thread.stackSize = 512 << 10
        thread.start()
    }

    /// nil while it runs.
    var ending: Ending? { result.withLock { $0 } }
    var hasEnded: Bool { ending != nil }

    private static func spawn(_ specification: Specification) -> (pid_t, Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input = specification.input {
            posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, specification.log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        for (position, descriptor) in specification.inherited.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + position))
        }
        // Nothing else of this process may live on in a child that outlives it.
        let firstUnwanted = 3 + specification.inherited.count
        for descriptor in openDescriptors() where descriptor >= firstUnwanted {
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

        let argv = specification.arguments.map { strdup($0) } + [nil]
        let pairs = specification.environment.sorted { $0.key < $1.key }
        let environment = pairs.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + environment { free(pointer) } }
        var processID: pid_t = 0
        let error = posix_spawn(&processID, specification.arguments[0], &actions, &attributes, argv, environment)
        return (processID, error)
    }
}

extension ChildProcess {
    /// Closing one that is gone by then is no error.
    private static func openDescriptors() -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? []
        return names.compactMap { Int32($0) }
    }
}

/// The programs that belong together lie in one folder.
enum Executable {
    static func own() throws(GridError) -> String {
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            throw GridError(.failed, "cannot find the path of this program in /proc/self/exe")
        }
        return path
    }

    static func beside(_ name: String) throws(GridError) -> String {
        let own = try own()
        let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
        guard access(path, X_OK) == 0 else {
            throw GridError(.notFound, "\(name) is not beside \(own): install both programs into one folder")
        }
        return path
    }
}
