import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A file that appears under its name only when it is complete: written beside it and renamed on `commit`.
///
/// Pipes and devices are written directly. Not flushed to the disk: what must survive a power failure is checked by
/// hashes when it is read.
package struct AtomicFile: ~Copyable {
    package let path: String
    /// Where the bytes go until they are committed; nil for pipes and devices.
    package private(set) var temporary: String?
    private let descriptor: Int32

    package init(path: String) throws(GridError) {
        var info = stat()
        if stat(path, &info) == 0, info.st_mode & S_IFMT != S_IFREG {
            guard info.st_mode & S_IFMT != S_IFDIR else { throw GridError(.usage, "\(path) is a directory: expected a file") }
            let descriptor = try FileSystem.open(path, O_WRONLY)
            (self.path, temporary, self.descriptor) = (path, nil, descriptor)
        } else {
            let target = Self.resolvingLinks(path)
            let (name, descriptor) = try Self.create(beside: target)
            (self.path, temporary, self.descriptor) = (target, name, descriptor)
        }
    }

    /// Creates a file of a name nobody uses.
    private static func create(beside path: String) throws(GridError) -> (name: String, descriptor: Int32) {
        var attempt = 0
        while true {
            let name = "\(path).\(getpid())-\(attempt).partial"
            do throws(GridError) {
                return (name, try FileSystem.open(name, O_WRONLY | O_CREAT | O_EXCL, reportedAs: path))
            } catch {
                // Another writer of this process has that name; anything else is final.
                attempt += 1
                if access(name, F_OK) != 0 || attempt == 1_000 { throw error }
            }
        }
    }

    deinit {
        close(descriptor)
        if let temporary { unlink(temporary) }
    }

    /// - Parameter offset: where in the file; without it, behind what was written without one before.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws(GridError) {
        try FileSystem.write(bytes, to: descriptor, at: offset, path: path)
    }

    package func write(_ bytes: [UInt8], at offset: Int? = nil) throws(GridError) {
        // Typed throws do not pass through withUnsafeBytes, hence the result.
        try bytes.withUnsafeBytes { part in
            Result { () throws(GridError) in try FileSystem.write(part, to: descriptor, at: offset, path: path) }
        }.get()
    }

    package consuming func commit() throws(GridError) {
        guard let name = temporary else { return }
        guard rename(name, path) == 0 else { throw FileSystem.failure("cannot be written", path) }
        // From here on the name may be another writer's.
        temporary = nil
    }

    /// The file a symbolic link stands for, so that the link stays and its target is replaced.
    private static func resolvingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
