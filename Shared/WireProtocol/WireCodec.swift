import CChecksum
import ClusterModel
import SwiftProtobuf

/// Turns messages into frames and back.
///
/// A message is one header frame (a `WireEnvelope` with its checksum, at most `Limits.headerBytesMax`) and, for results,
/// leases and block replies, one payload frame (at most `Limits.payloadBytesMax`) whose size and CRC32C the header states. The
/// payload of a result is split where it is longer than `Limits.frameBytesMax`: into frames of that size and what is left.
///
/// Nothing a peer sends can do more than make a decode function throw: `.conflict` when it speaks another protocol
/// version, with a sentence that names both and is fit for `CoordinatorMessage.refused`; `.usage` for anything else.
package enum WireCodec {
    /// Frames of `body`.
    ///
    /// - Throws: `.failed` when the message does not fit its limits, which is a mistake of the sender; `.damaged` when the
    ///   payload is not what it was when its checksum was stated.
    static func frames(_ body: WireEnvelope.OneOf_Body, payload: Payload?) throws(GridError) -> [Payload] {
        guard body.carriesPayload == (payload != nil) else {
            throw GridError(.failed, "a \(body.name) \(body.carriesPayload ? "needs a" : "has no") payload")
        }
        var envelope = WireEnvelope()
        envelope.protocolVersion = Limits.protocolVersion
        envelope.body = body
        if let payload {
            guard payload.count <= Limits.payloadBytesMax else {
                throw GridError(
                    .failed, "the payload of a \(body.name) has \(payload.count) bytes, the limit is \(Limits.payloadBytesMax)")
            }
            envelope.payloadBytes = UInt64(payload.count)
            let found = checksum(payload)
            guard payload.checksum ?? found == found else {
                throw GridError(
                    .damaged,
                    "the payload of a \(body.name) has changed since it was made: this machine's memory is suspect")
            }
            envelope.payloadCrc32C = found
        }
        guard let header: [UInt8] = try? envelope.serializedBytes(), header.count < Limits.headerBytesMax - 8 else {
            throw GridError(.failed, "a \(body.name) does not fit a header of \(Limits.headerBytesMax) bytes")
        }
        let frame = Payload(copying: WireHeader.seal(header))
        return [frame] + (payload.map { body.isSplit ? split($0) : [$0] } ?? [])
    }

    private static func split(_ payload: Payload) -> [Payload] {
        guard payload.count > Limits.frameBytesMax else { return [payload] }
        return stride(from: 0, to: payload.count, by: Limits.frameBytesMax).map { start in
            let bytes = payload.bytes[start..<min(start + Limits.frameBytesMax, payload.count)]
            return Payload(adopting: UnsafeRawBufferPointer(rebasing: bytes)) { withExtendedLifetime(payload) {} }
        }
    }

    /// The payload of these frames, which have the sizes that the sender gives them.
    private static func join(
        _ frames: ArraySlice<Payload>, of body: WireEnvelope.OneOf_Body
    ) throws(GridError) -> Payload {
        let name = body.name
        guard frames.count <= 1 || body.isSplit else {
            throw malformed("a \(name) of \(frames.count + 1) frames, expected 2")
        }
        guard let last = frames.last else { throw malformed("a \(name) without a payload") }
        let count = frames.reduce(0) { $0 + $1.count }
        guard count <= Limits.payloadBytesMax else {
            throw malformed("a payload of \(count) bytes, the limit is \(Limits.payloadBytesMax)")
        }
        guard frames.count > 1 || body.isSplit && last.count > Limits.frameBytesMax else { return last }
        guard frames.dropLast().allSatisfy({ $0.count == Limits.frameBytesMax }), 1...Limits.frameBytesMax ~= last.count else {
            throw malformed("the payload of a \(name) in frames that are no \(Limits.frameBytesMax) bytes")
        }
        return Payload(unwritten: count) { whole in
            var start = 0
            for frame in frames {
                frame.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: whole[start...]).copyMemory(from: $0) }
                start += frame.count
            }
        }
    }

    /// Body and payload of what arrived, once version, sizes and checksum are as they must be; the payload keeps its checksum.
    static func open(_ frames: [Payload]) throws(GridError) -> (body: WireEnvelope.OneOf_Body, payload: Payload?) {
        guard let header = frames.first, frames.count <= Limits.framesPerMessageMax else {
            throw malformed("\(frames.count) frames, expected 1 to \(Limits.framesPerMessageMax)")
        }
        guard header.count <= Limits.headerBytesMax else {
            throw malformed("a header of \(header.count) bytes, the limit is \(Limits.headerBytesMax)")
        }
        // Before anything else is believed, the version included.
        let seal = WireHeader.state(header.bytes)
        if seal == .damaged { throw malformed("the header's checksum is another's: it was damaged on the way") }
        var options = BinaryDecodingOptions()
        // Envelope, message and attempt are three levels; more can only be meant to overflow the stack.
        options.messageDepthLimit = 8
        options.discardUnknownFields = true
        guard let envelope = try? WireEnvelope(serializedBytes: Array(header.bytes), options: options) else {
            throw malformed("the header is not an envelope")
        }
        let version = envelope.protocolVersion
        // Other versions may have their checksum elsewhere.
        guard version == Limits.protocolVersion else { throw otherVersion(version) }
        guard seal == .intact else { throw malformed("the header has no checksum") }
        guard let body = envelope.body else { throw malformed("the header holds no message that is known here") }
        guard frames.count == 1 || body.carriesPayload else {
            throw malformed("a \(body.name) of \(frames.count) frames, expected 1")
        }
        let payload = try body.carriesPayload ? join(frames.dropFirst(), of: body) : nil
        try check(payload, of: body.name, against: envelope)
        return (body, payload?.stating(checksum: envelope.payloadCrc32C))
    }

    private static func check(_ payload: Payload?, of name: String, against envelope: WireEnvelope) throws(GridError) {
        let count = payload?.count ?? 0
        guard envelope.payloadBytes == UInt64(count) else {
            throw malformed("the header of a \(name) promises \(envelope.payloadBytes) payload bytes, \(count) came")
        }
        let expected = envelope.payloadCrc32C
        let found = payload.map(checksum) ?? 0
        guard expected == found else {
            throw malformed("the payload of a \(name) has CRC32C \(found), its header says \(expected)")
        }
    }

    /// CRC32C of the payload: what its header states and what two results of one task must agree on.
    package static func checksum(_ payload: Payload) -> UInt32 {
        alphagrid_crc32c(payload.bytes.baseAddress, payload.count)
    }

    /// The same of bytes that are about to become a payload.
    package static func checksum(_ bytes: [UInt8]) -> UInt32 { alphagrid_crc32c(bytes, bytes.count) }

    /// Whether the bytes are still those whose checksum was stated; true when none was.
    package static func isIntact(_ payload: Payload) -> Bool {
        payload.checksum.map { $0 == checksum(payload) } ?? true
    }

    static func malformed(_ detail: String) -> GridError { GridError(.usage, "malformed message: \(detail)") }

    private static func otherVersion(_ version: UInt32) -> GridError {
        GridError(
            .conflict,
            "protocol version \(version) is not understood: AlphaGrid \(AlphaGrid.version) speaks version "
                + "\(Limits.protocolVersion); install the same release on coordinator and workers")
    }
}

extension WireEnvelope.OneOf_Body {
    /// Whether a payload frame follows; the same for every message of a kind, so that none can be smuggled in or lost.
    var carriesPayload: Bool {
        switch self {
        case .result, .lease, .blockReply: true
        case .hello, .heartbeat, .failed, .goodbye, .welcome, .whoAreYou, .cancel, .ack, .drain, .changeCoreType, .refused,
            .blockRequest, .blockNotice:
            false
        }
    }

    /// Whether a long payload comes in several frames: what listening sockets are sent, where a stranger's frame may be as long
    /// as anybody's. Whatever else is long stays whole: libzmq can end a program that closes a socket whose connection breaks
    /// in the same moment, while a message of several frames has left in part.
    var isSplit: Bool {
        if case .result = self { true } else { false }
    }

    /// What errors call the message.
    var name: String {
        switch self {
        case .hello: "hello"
        case .heartbeat: "heartbeat"
        case .result: "result"
        case .failed: "failure"
        case .goodbye: "goodbye"
        case .welcome: "welcome"
        case .whoAreYou: "who-are-you"
        case .lease: "lease"
        case .cancel: "cancel"
        case .ack: "ack"
        case .drain: "drain"
        case .changeCoreType: "change of the core type"
        case .refused: "refusal"
        case .blockRequest: "block request"
        case .blockReply: "block reply"
        case .blockNotice: "block notice"
        }
    }
}
