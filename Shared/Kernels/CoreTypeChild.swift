import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The first line a child process writes, whatever becomes of the child.
enum ChildOutput {
    private static let bytesMax = 4_096

    /// Starts a program without arguments and waits for its line and its end; nil when it does not come to an orderly one
    /// in time.
    static func line(of program: String, _ environment: [String], timeLimitMilliseconds: Int) -> [UInt8]? {
        var ends: [Int32] = [-1, -1]
        // A socket pair can be made close-on-exec in one step; held open by a child that another thread starts meanwhile, the
        // end of a pipe would be seen only with the end of that child.
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return nil }
        defer { close(ends[0]) }
        guard let child = spawn(program, environment, output: ends[1]) else {
            close(ends[1])
            return nil
        }
        // The child has the only writing end now, so that its end is seen here.
        close(ends[1])
        let output = read(ends[0], timeLimitMilliseconds)
        if output == nil { kill(child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard let output, status == 0 else { return nil }
        return Array(output.prefix { $0 != UInt8(ascii: "\n") })
    }

    private static func spawn(_ program: String, _ environment: [String], output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        // OpenBLAS remarks on core types it does not have.
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // The name processes are listed by; the link itself would say "exe".
        let argv = [strdup(CommandLine.arguments.first ?? program), nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        return posix_spawn(&child, program, &actions, nil, argv, envp) == 0 ? child : nil
    }

    /// Everything until the other end is closed; nil when that takes too long or is too much.
    private static func read(_ descriptor: Int32, _ timeLimitMilliseconds: Int) -> [UInt8]? {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(timeLimitMilliseconds)
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: bytesMax)
        while output.count <= bytesMax {
            let left = clock.now.duration(to: end).components
            let milliseconds = left.seconds * 1_000 + left.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else { return nil }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Int32(clamping: milliseconds)) > 0 else {
                if errno == EINTR { continue }
                return nil
            }
            #if canImport(Glibc)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            #else
            let count = Darwin.read(descriptor, &buffer, buffer.count)
            #endif
            if count == 0 { return output }
            guard count > 0 else { return nil }
            output += buffer[..<count]
        }
        return nil
    }
}
