import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The folder a private server lives in, and the user it runs as.
///
/// `data` is PostgreSQL's own, `socket` holds the unix socket, `server.log` what the server says.
struct ServerHome {
    let path: String
    /// nil: the user of this process.
    let account: Account?

    var data: String { "\(path)/data" }
    var log: String { "\(path)/server.log" }
    private var socketInside: String { "\(path)/socket" }

    /// `sockaddr_un` holds 108 bytes, the last one a zero.
    private static let socketPathBytesMax = 107
    private static let fallbackParent = "/var/lib/alphagrid"
    private static let socketFallbackPrefix = "/tmp/alphagrid-socket-"
    private static let logBytesMax = 4 << 20
    private static let orphanSecondsMax = 10

    static func pointerPath(in directory: String) -> String { "\(directory)/postgres.location" }

    /// The home of a state folder; nil when none was made.
    static func find(in directory: String) throws(GridError) -> ServerHome? {
        var path = "\(directory)/postgres"
        if let pointer = try? String(contentsOfFile: pointerPath(in: directory), encoding: .utf8) {
            path = pointer.trimmingCharacters(in: .whitespacesAndNewlines)
            guard path.hasPrefix("\(fallbackParent)/postgres-") else {
                throw GridError(
                    .failed, "\(pointerPath(in: directory)) names '\(path.printable)': expected a folder of \(fallbackParent)")
            }
        }
        guard let owner = Account(ownerOf: path) else { return nil }
        if geteuid() == 0 {
            if owner.userID != 0 { return ServerHome(path: path, account: owner) }
            // Root made the folder and was killed before it could hand it over.
            return ServerHome(path: path, account: try Account.forNewServer())
        }
        guard owner.userID == geteuid() else {
            throw GridError(
                .failed, "\(path) belongs to \(owner.name): start as that user or as root, or choose another state folder")
        }
        return ServerHome(path: path, account: nil)
    }

    static func findOrMake(in directory: String) throws(GridError) -> ServerHome {
        let home: ServerHome
        if let found = try find(in: directory) { home = found } else { home = try make(in: directory) }
        try home.handOver(home.path)
        return home
    }

    private static func make(in directory: String) throws(GridError) -> ServerHome {
        let account = try Account.forNewServer()
        if let account, try !account.canEnter(directory) {
            try makeDirectory(fallbackParent, mode: 0o755)
            let path = try makeUniqueDirectory("\(fallbackParent)/postgres-")
            do {
                try "\(path)\n".write(toFile: pointerPath(in: directory), atomically: true, encoding: .utf8)
            } catch {
                throw GridError(.failed, "cannot write \(pointerPath(in: directory)): \(error.localizedDescription)")
            }
            return ServerHome(path: path, account: account)
        }
        let path = "\(directory)/postgres"
        try makeDirectory(path, mode: 0o700)
        return ServerHome(path: path, account: account)
    }

    /// Major version of the data directory; nil before `initdb` has finished.
    var dataMajorVersion: Int? {
        guard let text = try? String(contentsOfFile: "\(data)/PG_VERSION", encoding: .utf8) else { return nil }
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines).prefix { $0 != "." })
    }

    /// What the server wrote about itself; a crash leaves it behind, so it proves nothing alone.
    func postmaster() -> (processID: Int32, socketDirectory: String)? {
        guard let text = try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8) else { return nil }
        // Lines: process, data directory, start time, port, socket directory, listen address, shared memory, status.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 5, let pid = Int32(lines[0].trimmingCharacters(in: .whitespaces)), lines[4].hasPrefix("/")
        else { return nil }
        return (pid, String(lines[4]))
    }

    /// Removes the lock files of a server that was killed, when no process works in the data directory any more.
    ///
    /// PostgreSQL does this itself unless the number in them names a living process, and then refuses to start. It
    /// does name one when the number was given to another process, or when the dead server waits for an init process
    /// that never collects it, as in many containers. The processes that a killed server leaves behind notice it within
    /// moments, and are waited for.
    func clearStaleLocks() {
        guard let postmaster = postmaster() else { return }
        let deadline = ContinuousClock.now + .seconds(Self.orphanSecondsMax)
        while let left = processesInData(), !left.contains(postmaster.processID) {
            if left.isEmpty {
                unlink("\(data)/postmaster.pid")
                if postmaster.socketDirectory == socketInside { removeSocket(in: socketInside) }
                return
            }
            guard ContinuousClock.now < deadline else { return }
            usleep(20_000)
        }
    }

    private func removeSocket(in directory: String) {
        unlink("\(directory)/.s.PGSQL.\(RunningPostgres.port).lock")
        unlink("\(directory)/.s.PGSQL.\(RunningPostgres.port)")
    }

    /// Every server process has the data directory as its working directory; a dead one that was not collected has none.
    ///
    /// - Returns: nil when that cannot be told.
    private func processesInData() -> [Int32]? {
        guard let processes = try? FileManager.default.contentsOfDirectory(atPath: "/proc"),
            let resolved = realpath(data, nil)
        else { return nil }
        defer { free(resolved) }
        let target = String(cString: resolved)
        return processes.compactMap(Int32.init).filter { process in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")) == target
        }
    }

    /// A folder for the socket: inside the home, or in /tmp when that path is too long or needs quoting.
    ///
    /// - Parameter earlier: folder of a server that has ended, to be used again.
    func makeSocketDirectory(again earlier: String? = nil) throws(GridError) -> String {
        if let earlier, earlier != socketInside { return try restoreSocketDirectory(earlier) }

        let inside = socketInside
        let fits = inside.utf8.count + "/.s.PGSQL.\(RunningPostgres.port).lock".utf8.count <= Self.socketPathBytesMax
        let plain = inside.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "/._-".utf8.contains(byte)
        }
        let socket = fits && plain ? inside : try Self.makeUniqueDirectory(Self.socketFallbackPrefix)
        if socket == inside { try Self.makeDirectory(inside, mode: 0o700) }
        try handOver(socket)
        return socket
    }

    /// In /tmp anybody may have taken the name meanwhile, so the folder must be the server's own.
    private func restoreSocketDirectory(_ socket: String) throws(GridError) -> String {
        var info = stat()
        let owners = [geteuid(), account?.userID ?? geteuid()]
        guard mkdir(socket, 0o700) == 0 || errno == EEXIST, lstat(socket, &info) == 0, info.st_mode & S_IFMT == S_IFDIR,
            info.st_mode & 0o077 == 0, owners.contains(info.st_uid)
        else {
            throw GridError(.failed, "cannot use \(socket) for PostgreSQL's socket again: it is no private folder any more")
        }
        if processesInData()?.isEmpty == true { removeSocket(in: socket) }
        try handOver(socket)
        return socket
    }

    func removeSocketDirectory(_ socket: String) {
        guard socket.hasPrefix(Self.socketFallbackPrefix) else { return }
        rmdir(socket)
    }

    /// Writes a file below the home for the server's user alone.
    func write(_ text: String, to name: String) throws(GridError) {
        let file = "\(path)/\(name)"
        do {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        } catch {
            throw GridError(.failed, "cannot write \(file): \(error.localizedDescription)")
        }
        chmod(file, 0o600)
        try handOver(file)
    }

    /// Keeps at most the present log and one before it.
    func rotateLog() throws(GridError) {
        var info = stat()
        if lstat(log, &info) == 0, info.st_size > Self.logBytesMax { rename(log, "\(log).old") }
    }

    /// The server's last complaint.
    func lastLogLine() -> String? {
        guard let text = try? String(contentsOfFile: log, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n").suffix(20)
        return (lines.last { $0.contains("FATAL:") || $0.contains("PANIC:") } ?? lines.last).map(String.init)
    }

    private func handOver(_ file: String) throws(GridError) {
        guard let account else { return }
        guard lchown(file, account.userID, account.groupID) == 0 else {
            throw GridError(.failed, "cannot give \(file) to \(account.name): \(String(cString: strerror(errno)))")
        }
    }

    private static func makeDirectory(_ path: String, mode: mode_t) throws(GridError) {
        guard mkdir(path, mode) == 0 || errno == EEXIST else {
            throw GridError(.failed, "cannot make folder \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// A new folder of mode 0700 whose name nobody could take before.
    private static func makeUniqueDirectory(_ prefix: String) throws(GridError) -> String {
        var template = Array((prefix + String(repeating: "X", count: 6)).utf8CString)
        guard mkdtemp(&template) != nil else {
            throw GridError(.failed, "cannot make a folder \(prefix)...: \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
