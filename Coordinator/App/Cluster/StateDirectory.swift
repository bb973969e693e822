import ClusterModel
import Foundation

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
        if !FileManager.default.fileExists(atPath: path) {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: geteuid() == 0 ? 0o711 : 0o700])
            } catch {
                throw GridError(.failed, "cannot make the state folder \(path): \(error.localizedDescription)")
            }
        }
        var info = stat()
        guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw GridError(.usage, "the state folder \(path) is a file: expected a folder")
        }
        guard info.st_uid == geteuid() else {
            throw GridError(.usage, "the state folder \(path) belongs to another user: choose your own with --state")
        }
        guard info.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw GridError(.usage, "others may write to the state folder \(path): run 'chmod go-w \(path)'")
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
