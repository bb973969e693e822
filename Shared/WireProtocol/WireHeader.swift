import CChecksum
import ClusterModel

/// The header frame's own checksum. Without it one bit on the way makes another good message of it: another task's result,
/// or a numeric profile that no worker has.
///
/// The last five bytes of the frame are a protobuf field of their own, number 15, fixed32: the CRC32C of all before them.
/// So a reader that does not know of it skips it, as it does with any field it does not know.
enum WireHeader {
    private static let tag: UInt8 = 15 << 3 | 5
    static let sealBytes = 5

    enum State {
        case intact
        /// There is a checksum, of other bytes than these.
        case damaged
        case missing
    }

    static func seal(_ header: [UInt8]) -> [UInt8] {
        let checksum = alphagrid_crc32c(header, header.count)
        return header + [tag] + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * UInt32($0))) }
    }

    static func state(_ frame: UnsafeRawBufferPointer) -> State {
        let count = frame.count - sealBytes
        guard count >= 0, frame[count] == tag else { return .missing }
        let stated = frame.loadUnaligned(fromByteOffset: count + 1, as: UInt32.self)
        return UInt32(littleEndian: stated) == alphagrid_crc32c(frame.baseAddress, count) ? .intact : .damaged
    }
}

// Headers of other versions, for tests.
extension WireCodec {
    /// The header as another version would state it, with its checksum. `version` is below 128: a single byte.
    package static func restating(version: UInt8, of header: Payload) -> Payload {
        var bytes = Array(header.bytes.dropLast(WireHeader.sealBytes))
        // The version is the first field.
        if bytes.count > 1 { bytes[1] = version }
        return Payload(copying: WireHeader.seal(bytes))
    }

    /// A header without its checksum, and one with it.
    package static func unsealed(_ header: Payload) -> [UInt8] { Array(header.bytes.dropLast(WireHeader.sealBytes)) }
    package static func sealed(_ header: [UInt8]) -> [UInt8] { WireHeader.seal(header) }
}
