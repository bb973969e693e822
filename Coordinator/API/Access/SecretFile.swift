import ClusterModel
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A file with a secret in it: read only when nobody else can.
package enum SecretFile {
    package static let bytesMax = 64 << 10

    /// - Parameter what: What the file is, to begin a sentence with: `token file`.
    /// - Throws: `GridError(.notFound)` when there is no such file, `.usage` when others may read it or it is no small file.
    package static func read(_ path: String, what: String) throws(GridError) -> [UInt8] {
        // Secrets that a container is given are often links to where they really are.
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else {
            throw GridError(.notFound, "\(what) \(path) is not there")
        }
        guard attributes[.type] as? FileAttributeType == .typeRegular else {
            throw GridError(.usage, "\(what) \(path) is not a file")
        }
        guard let mode = attributes[.posixPermissions] as? NSNumber, let owner = attributes[.ownerAccountID] as? NSNumber,
            isPrivate(mode: mode.intValue, owner: owner.uint32Value, reader: geteuid())
        else {
            throw GridError(.usage, "\(what) \(path) can be read by others: run 'chmod 600 \(path)'")
        }
        guard let size = attributes[.size] as? NSNumber, size.intValue <= bytesMax else {
            throw GridError(.usage, "\(what) \(path) is too large: expected at most \(bytesMax) bytes")
        }
        guard let bytes = FileManager.default.contents(atPath: target) else {
            throw GridError(.failed, "cannot read \(what) \(path): this user has no right to")
        }
        return Array(bytes)
    }

    /// Whether nobody else can read a file: it is of mode 0600 or less; or root's, who gives it to a group, as systemd's
    /// credentials and Kubernetes' secrets are handed over.
    static func isPrivate(mode: Int, owner: UInt32, reader: UInt32) -> Bool {
        mode & 0o077 == 0 || (owner == 0 && reader != 0 && mode & 0o037 == 0)
    }
}
