import ClusterModel
import Foundation
import Panel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The folder a cluster or coordinator keeps its things in.
struct StateDirectory {
    let path: String

    /// Makes the folder when it is not there: for this user alone, except that root's can be passed through by the
    /// user PostgreSQL runs as. Every file with a secret in it is 0600 in any case.
    init(_ path: String) throws(GridError) {
        self.path = path
        let name = FileSystem.name(path)
        try Self.make(path, mode: geteuid() == 0 ? 0o711 : 0o700)
        guard let facts = FileFacts(of: path) else {
            throw GridError(.failed, "cannot use the state folder \(name): \(systemMessage(errno))")
        }
        guard facts.isFolder else {
            throw GridError(.usage, "the state folder \(name) is a file: expected a folder")
        }
        guard facts.owner == geteuid() else {
            throw GridError(.usage, "the state folder \(name) belongs to another user: choose your own with --state")
        }
        guard !facts.othersMayWrite else {
            throw GridError(.usage, "others may write to the state folder \(name): run 'chmod go-w \(name)'")
        }
    }
}

extension StateDirectory {
    /// Makes a folder and those above it; one that is there stays as it is.
    private static func make(_ path: String, mode: mode_t) throws(GridError) {
        let name = FileSystem.name(path)
        var part = ""
        for component in path.split(separator: "/") {
            part += "/\(component)"
            // Where a folder may not be changed the answer is not always that it exists, hence the second question.
            guard mkdir(part, mode) == 0 || errno == EEXIST || access(part, F_OK) == 0 else {
                throw GridError(
                    errno == ENOENT ? .notFound : .failed, "cannot make the state folder \(name): \(systemMessage(errno))")
            }
        }
    }
}

/// A lock that lasts as long as somebody holds it open, and no longer: nothing has to be cleaned up after a crash.
struct FileLock {
    let descriptor: Int32

    /// - Returns: nil when another process holds it.
    static func take(_ path: String) throws(GridError) -> FileLock? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw GridError(.failed, "cannot open \(path): \(systemMessage(errno))") }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            close(descriptor)
            if code == EWOULDBLOCK { return nil }
            throw GridError(.failed, "cannot lock \(path): \(systemMessage(code))")
        }
        let text = "\(getpid())\n"
        ftruncate(descriptor, 0)
        _ = text.utf8CString.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count - 1, 0) }
        return FileLock(descriptor: descriptor)
    }

    /// Process that took a lock, as far as it is known.
    static func holder(_ path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let pid = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return Int32(pid) == nil ? "another process" : "process \(pid)"
    }

    func release() { close(descriptor) }
}
