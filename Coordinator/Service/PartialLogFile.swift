import ClusterModel
import Foundation
import Panel
import WireProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension PartialLog {
    /// What stands before the bytes of a partial: 32 bytes, little-endian, the last four their checksum.
    struct Header {
        static let size = 32
        private static let profileIndex = UInt32.max

        var plan: UInt64
        var index: UInt32
        /// Of the task, so that a partial never counts for another one.
        var payloadChecksum: UInt32
        var byteCount: UInt32
        var checksum: UInt32

        var isProfile: Bool { index == Self.profileIndex }

        init(_ task: TaskID, payloadChecksum: UInt32, partial: Payload) {
            plan = task.plan.rawValue
            index = task.index
            self.payloadChecksum = payloadChecksum
            byteCount = UInt32(partial.count)
            checksum = partial.checksum ?? WireCodec.checksum(partial)
        }

        init(profile: Payload) {
            (plan, index, payloadChecksum, byteCount) = (0, Self.profileIndex, 0, UInt32(profile.count))
            checksum = WireCodec.checksum(profile)
        }

        /// nil where the file ends or is not what was written.
        init?(_ file: Payload, at position: Int) {
            guard position + Self.size <= file.count else { return nil }
            func read<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
                T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: position + offset, as: T.self))
            }
            plan = read(0, UInt64.self)
            index = read(8, UInt32.self)
            payloadChecksum = read(12, UInt32.self)
            byteCount = read(16, UInt32.self)
            checksum = read(20, UInt32.self)
            guard read(24, UInt32.self) == 0, read(28, UInt32.self) == WireCodec.checksum(Payload(copying: fields)) else {
                return nil
            }
        }

        private var fields: [UInt8] {
            var writer = ByteWriter()
            writer.write(plan)
            for value in [index, payloadChecksum, byteCount, checksum, 0] { writer.write(value) }
            return writer.bytes
        }

        /// What a log begins with: whose bits its partials are.
        static func record(of profile: NumericProfile) -> (header: Header, text: Payload)? {
            guard let json = try? JSONEncoder().encode(profile) else { return nil }
            let text = Payload(copying: Array(json))
            return (Header(profile: text), text)
        }

        var encoded: [UInt8] {
            let fields = fields
            var writer = ByteWriter()
            writer.write(WireCodec.checksum(Payload(copying: fields)))
            return fields + writer.bytes
        }
    }
}

/// A file that only grows.
final class PartialLogFile: Sendable {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws(GridError) {
        self.path = path
        let folder = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw GridError(.failed, "the folder \(folder) cannot be made: \(error.localizedDescription)")
        }
        descriptor = try FileSystem.open(path, O_WRONLY | O_CREAT | O_APPEND)
        // Correlations are nobody else's business, also in a folder that others may read.
        fchmod(descriptor, 0o600)
    }

    deinit { close(descriptor) }

    func append(_ header: PartialLog.Header, _ partial: Payload) throws(GridError) {
        let bytes = header.encoded
        try bytes.withUnsafeBytes { part in
            Result { () throws(GridError) in try FileSystem.write(part, to: descriptor, path: path) }
        }.get()
        try FileSystem.write(partial.bytes, to: descriptor, path: path)
        withExtendedLifetime(partial) {}
    }

    /// - Returns: bytes written.
    func append(_ profile: NumericProfile) throws(GridError) -> Int {
        guard let record = PartialLog.Header.record(of: profile) else { return 0 }
        try append(record.header, record.text)
        return PartialLog.Header.size + record.text.count
    }
}
