import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A small file that only this user can read, from its first byte on; it appears complete or not at all.
enum PrivateFile {
    /// - Parameter replacing: whether a file that is there may go; else it is a conflict.
    static func write(_ data: Data, to path: String, replacing: Bool = true) throws(GridError) {
        var template = Array("\(path).XXXXXX".utf8CString)
        // Makes a file of mode 0600.
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw GridError(
                errno == ENOENT ? .notFound : .failed, "cannot write \(path.singleLine): \(systemMessage(errno))")
        }
        let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var code = data.withUnsafeBytes { writeAll($0, to: descriptor) }
        if code == 0, fsync(descriptor) != 0 { code = errno }
        close(descriptor)
        if replacing {
            if code == 0, rename(temporary, path) != 0 { code = errno }
        } else {
            // Unlike a new name for it, a second one never takes another file's place.
            if code == 0, link(temporary, path) != 0 { code = errno }
            unlink(temporary)
            guard code != EEXIST else {
                throw GridError(.conflict, "\(path.singleLine) is there already: move it away, or name another file")
            }
        }
        guard code == 0 else {
            if replacing { unlink(temporary) }
            throw GridError(.failed, "cannot write \(path.singleLine): \(systemMessage(code))")
        }
    }
}

/// Writes everything, whatever the descriptor takes at once.
///
/// - Returns: 0, or the error's number.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    guard let start = bytes.baseAddress else { return 0 }
    var offset = 0
    while offset < bytes.count {
        let count = write(descriptor, start + offset, bytes.count - offset)
        if count < 0 {
            if errno == EINTR { continue }
            return errno
        }
        offset += count
    }
    return 0
}

/// What the system calls an error.
func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
