import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Makes starts and stops of one state folder wait for each other, also between processes. The system releases it
/// when its owner dies.
struct StateLock {
    private let descriptor: Int32

    /// Makes the state folder when missing: 0711, since the server's user must get through but needs to see nothing.
    init(directory: String) throws(GridError) {
        if !FileManager.default.fileExists(atPath: directory) {
            do {
                try FileManager.default.createDirectory(
                    atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
            } catch {
                throw GridError(.failed, "cannot make folder \(directory): \(error.localizedDescription)")
            }
        }
        let path = "\(directory)/postgres.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GridError(.failed, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                let reason = String(cString: strerror(errno))
                close(descriptor)
                throw GridError(.failed, "cannot lock \(path): \(reason)")
            }
        }
    }

    func release() { close(descriptor) }
}
