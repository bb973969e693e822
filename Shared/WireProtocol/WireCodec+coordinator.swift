import ClusterModel
import Foundation
import SwiftProtobuf

extension WireCodec {
    /// - Parameter payload: the task of a `.lease`, nil for every other message.
    /// - Throws: `.failed` when the message does not fit its limits.
    package static func encode(_ message: CoordinatorMessage, payload: Payload? = nil) throws(GridError) -> [Payload] {
        try frames(message.wireBody, payload: payload)
    }

    /// - Returns: the message, and the task that accompanies a `.lease`.
    /// - Throws: `.conflict` for another protocol version, `.usage` for anything that is not a coordinator's message.
    package static func decodeCoordinatorMessage(
        _ frames: [Payload]
    ) throws(GridError) -> (CoordinatorMessage, payload: Payload?) {
        let (body, payload) = try open(frames)
        switch body {
        case .welcome(let wire):
            guard let port = UInt16(exactly: wire.blockPort) else {
                throw malformed("block_port \(wire.blockPort) is no TCP port")
            }
            let secret = SecretKey(bytes: wire.blockSecret)
            guard secret != nil || wire.blockSecret.isEmpty else {
                throw malformed("block_secret has \(wire.blockSecret.count) bytes, expected \(SecretKey.byteCount)")
            }
            let welcome = Welcome(
                epoch: Epoch(wire.epoch), heartbeatMilliseconds: wire.heartbeatMilliseconds, blockPort: port,
                blockSecret: secret)
            return (.welcome(welcome), payload)
        case .whoAreYou:
            return (.whoAreYou, payload)
        case .lease(let wire):
            guard wire.hasRef else { throw malformed("a lease names no attempt") }
            return (.lease(Lease(ref: AttemptRef(wire.ref), kind: wire.kind.wireName)), payload)
        case .cancel(let wire):
            guard wire.attempts.count <= Limits.creditPerWorkerMax else {
                throw malformed("a cancel of \(wire.attempts.count) attempts, the limit is \(Limits.creditPerWorkerMax)")
            }
            return (.cancel(wire.attempts.map(AttemptID.init)), payload)
        case .ack(let wire):
            return (.ack(AttemptID(wire.attempt)), payload)
        case .drain:
            return (.drain, payload)
        case .changeCoreType(let wire):
            guard !wire.coreType.isEmpty else { throw malformed("a change of the core type names none") }
            return (.changeCoreType(wire.coreType.wireName), payload)
        case .refused(let wire):
            return (.refused(wire.reason.wireSentence), payload)
        case .hello, .heartbeat, .result, .failed, .goodbye, .blockRequest, .blockReply, .blockNotice:
            throw malformed("a \(body.name) is nothing a coordinator says to a worker")
        }
    }
}

extension CoordinatorMessage {
    fileprivate var wireBody: WireEnvelope.OneOf_Body {
        switch self {
        case .welcome(let welcome):
            .welcome(
                .with {
                    $0.epoch = welcome.epoch.rawValue
                    $0.heartbeatMilliseconds = welcome.heartbeatMilliseconds
                    $0.blockPort = UInt32(welcome.blockPort)
                    $0.blockSecret = Data(welcome.blockSecret?.bytes ?? [])
                })
        case .whoAreYou: .whoAreYou(WireWhoAreYou())
        case .lease(let lease):
            .lease(
                .with {
                    $0.ref = lease.ref.wire
                    $0.kind = lease.kind.wireName
                })
        case .cancel(let attempts): .cancel(.with { $0.attempts = attempts.map(\.rawValue) })
        case .ack(let attempt): .ack(.with { $0.attempt = attempt.rawValue })
        case .drain: .drain(WireDrain())
        case .changeCoreType(let name): .changeCoreType(.with { $0.coreType = name.wireName })
        case .refused(let reason): .refused(.with { $0.reason = reason.wireSentence })
        }
    }
}
