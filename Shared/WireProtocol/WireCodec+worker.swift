import ClusterModel
import SwiftProtobuf

extension WireCodec {
    /// - Parameter payload: the partial of a `.result`, nil for every other message.
    /// - Throws: `.failed` when the message does not fit its limits.
    package static func encode(_ message: WorkerMessage, payload: Payload? = nil) throws(GridError) -> [Payload] {
        try frames(message.wireBody, payload: payload)
    }

    /// - Returns: the message, and the partial that accompanies a `.result`.
    /// - Throws: `.conflict` for another protocol version, `.usage` for anything that is not a worker's message.
    package static func decodeWorkerMessage(_ frames: [Payload]) throws(GridError) -> (WorkerMessage, payload: Payload?) {
        let (body, payload) = try open(frames)
        switch body {
        case .hello(let wire):
            return (.hello(try Hello(wire)), payload)
        case .heartbeat(let wire):
            return (.heartbeat(try Heartbeat(wire)), payload)
        case .result(let wire):
            guard wire.hasRef else { throw malformed("a result names no attempt") }
            return (
                .result(
                    TaskResult(
                        ref: AttemptRef(wire.ref), computeSeconds: try quantity(wire.computeSeconds, "compute_seconds"),
                        flops: try quantity(wire.flops, "flops"))), payload
            )
        case .failed(let wire):
            guard wire.hasRef else { throw malformed("a failure names no attempt") }
            return (.failed(TaskFailure(ref: AttemptRef(wire.ref), message: wire.message.wireSentence)), payload)
        case .goodbye:
            return (.goodbye, payload)
        case .welcome, .whoAreYou, .lease, .cancel, .ack, .drain, .changeCoreType, .refused, .blockRequest, .blockReply,
            .blockNotice:
            throw malformed("a \(body.name) is nothing a worker says")
        }
    }
}

extension WorkerMessage {
    fileprivate var wireBody: WireEnvelope.OneOf_Body {
        switch self {
        case .hello(let hello): .hello(hello.wire)
        case .heartbeat(let heartbeat): .heartbeat(heartbeat.wire)
        case .result(let result):
            .result(
                .with {
                    $0.ref = result.ref.wire
                    $0.computeSeconds = result.computeSeconds
                    $0.flops = result.flops
                })
        case .failed(let failure):
            .failed(
                .with {
                    $0.ref = failure.ref.wire
                    $0.message = failure.message.wireSentence
                })
        case .goodbye: .goodbye(WireGoodbye())
        }
    }
}

extension Hello {
    fileprivate init(_ wire: WireHello) throws(GridError) {
        guard !wire.worker.isEmpty else { throw WireCodec.malformed("a hello without the worker's name") }
        guard wire.inHand.count <= Limits.creditPerWorkerMax else {
            throw WireCodec.malformed("a hello with \(wire.inHand.count) attempts, the limit is \(Limits.creditPerWorkerMax)")
        }
        guard wire.coreTypes.count <= Limits.coreTypesPerWorkerMax else {
            throw WireCodec.malformed(
                "a hello with \(wire.coreTypes.count) core types, the limit is \(Limits.coreTypesPerWorkerMax)")
        }
        var coreTypes: [CoreTypeSpeed] = []
        for speed in wire.coreTypes { coreTypes.append(try CoreTypeSpeed(speed)) }
        self.init(
            worker: WorkerID(wire.worker.wireName), incarnation: wire.incarnation, protocolVersion: wire.protocolVersion,
            slots: wire.slots, credit: wire.credit, memoryBytes: wire.memoryBytes,
            profile: NumericProfile(
                blasVersion: wire.profile.blasVersion.wireName, coreType: wire.profile.coreType.wireName,
                epilogueVersion: Int(wire.profile.epilogueVersion)),
            coreTypes: coreTypes, host: wire.host.wireName, processID: wire.processID, version: wire.version.wireName,
            draining: wire.draining, blockEndpoint: wire.blockEndpoint.isEmpty ? nil : wire.blockEndpoint.wireName,
            inHand: wire.inHand.map(AttemptRef.init))
    }

    fileprivate var wire: WireHello {
        .with {
            $0.worker = worker.rawValue.wireName
            $0.incarnation = incarnation
            $0.protocolVersion = protocolVersion
            $0.slots = slots
            $0.credit = credit
            $0.memoryBytes = memoryBytes
            $0.profile.blasVersion = profile.blasVersion.wireName
            $0.profile.coreType = profile.coreType.wireName
            $0.profile.epilogueVersion = UInt32(clamping: profile.epilogueVersion)
            $0.coreTypes = coreTypes.prefix(Limits.coreTypesPerWorkerMax).map(\.wire)
            $0.host = host.wireName
            $0.processID = processID
            $0.version = version.wireName
            $0.draining = draining
            $0.blockEndpoint = blockEndpoint?.wireName ?? ""
            $0.inHand = inHand.map(\.wire)
        }
    }
}

extension CoreTypeSpeed {
    fileprivate init(_ wire: WireCoreTypeSpeed) throws(GridError) {
        self.init(
            coreType: wire.coreType.wireName,
            float32GigaflopsPerSecond: try WireCodec.speed(wire.float32GigaflopsPerSecond, "float32_gigaflops_per_second"),
            float64GigaflopsPerSecond: try WireCodec.speed(wire.float64GigaflopsPerSecond, "float64_gigaflops_per_second"),
            answer: wire.answer.wireName)
    }

    fileprivate var wire: WireCoreTypeSpeed {
        .with {
            $0.coreType = coreType.wireName
            $0.float32GigaflopsPerSecond = float32GigaflopsPerSecond
            $0.float64GigaflopsPerSecond = float64GigaflopsPerSecond
            $0.answer = answer.wireName
        }
    }
}

extension Heartbeat {
    fileprivate init(_ wire: WireHeartbeat) throws(GridError) {
        self.init(
            running: wire.running, queued: wire.queued, cachedBytes: wire.cachedBytes,
            flopsTotal: try WireCodec.quantity(wire.flopsTotal, "flops_total"),
            busySecondsTotal: try WireCodec.quantity(wire.busySecondsTotal, "busy_seconds_total"))
    }

    fileprivate var wire: WireHeartbeat {
        .with {
            $0.running = running
            $0.queued = queued
            $0.cachedBytes = cachedBytes
            $0.flopsTotal = flopsTotal
            $0.busySecondsTotal = busySecondsTotal
        }
    }
}
