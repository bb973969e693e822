import ClusterModel
import WireProtocol

/// Messages in both directions, and those of the block sockets.
///
/// Input: a byte of choices (1: a payload frame follows; 2: its size and checksum are made right; 4: the header gets its own
/// checksum), with a payload two bytes of the header's length, then header and payload.
package enum WireTarget: FuzzTarget {
    package static let name = "wire"

    package static func seeds() throws -> [[UInt8]] {
        let ref = AttemptRef(task: TaskID(job: JobID(7), plan: PlanHash(0xFEED), index: 3), attempt: AttemptID(99))
        let hash = BlockHash(words: (1, 2, 3, 4))
        let payload = Payload(copying: Array("partial".utf8))
        let hello = Hello(
            worker: WorkerID("host-1"), incarnation: 5, slots: 2, credit: 4, memoryBytes: 1 << 30,
            profile: NumericProfile(blasVersion: "0.3.21", coreType: "Haswell", epilogueVersion: 2),
            coreTypes: [
                CoreTypeSpeed(
                    coreType: "Haswell", float32GigaflopsPerSecond: 100, float64GigaflopsPerSecond: 50, answer: "f00d")
            ], host: "host", processID: 1, version: "1.0", blockEndpoint: "tcp://127.0.0.1:5712", inHand: [ref])
        let worker: [(WorkerMessage, Payload?)] = [
            (.hello(hello), nil), (.heartbeat(Heartbeat(running: 1, queued: 2, flopsTotal: 1e9)), nil),
            (.result(TaskResult(ref: ref, computeSeconds: 0.5, flops: 1e6)), payload),
            (.failed(TaskFailure(ref: ref, message: "no memory")), nil), (.goodbye, nil),
        ]
        let coordinator: [(CoordinatorMessage, Payload?)] = [
            (.welcome(Welcome(epoch: Epoch(3), heartbeatMilliseconds: 1_000, blockPort: 5_711)), nil), (.whoAreYou, nil),
            (.lease(Lease(ref: ref, kind: "correlation")), payload), (.cancel([AttemptID(1), AttemptID(2)]), nil),
            (.ack(AttemptID(1)), nil), (.drain, nil), (.changeCoreType("SkylakeX"), nil), (.refused("no"), nil),
        ]
        var messages = try worker.map { try WireCodec.encode($0.0, payload: $0.1) }
        messages += try coordinator.map { try WireCodec.encode($0.0, payload: $0.1) }
        messages.append(try WireCodec.encode(BlockRequest(hash: hash, mayRedirect: true, asker: 5)))
        messages.append(try WireCodec.encode(BlockReply(hash: hash), block: payload))
        messages.append(try WireCodec.encode(BlockNotice(hash: hash, asker: 5)))
        return messages.map { frames in
            let header = WireCodec.unsealed(frames[0])
            guard frames.count > 1 else { return [4] + header }
            return [7, UInt8(header.count & 0xFF), UInt8(header.count >> 8)] + header + frames[1].array
        }
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        let frames = frames(input)
        var readers = 0
        if let (message, payload) = try read(frames, WireCodec.decodeWorkerMessage) {
            readers += 1
            let again = try WireCodec.decodeWorkerMessage(WireCodec.encode(message, payload: payload))
            try promise(again.0 == message && again.payload?.array == payload?.array, "\(message) is not \(again.0)")
        }
        if let (message, payload) = try read(frames, WireCodec.decodeCoordinatorMessage) {
            readers += 1
            let again = try WireCodec.decodeCoordinatorMessage(WireCodec.encode(message, payload: payload))
            try promise(again.0 == message && again.payload?.array == payload?.array, "\(message) is not \(again.0)")
        }
        if let question = try read(frames, WireCodec.decodeBlockQuestion) {
            readers += 1
            let encoded =
                switch question {
                case .request(let request): try WireCodec.encode(request)
                case .notice(let notice): try WireCodec.encode(notice)
                }
            try promise(try WireCodec.decodeBlockQuestion(encoded) == question, "\(question) comes back as another")
        }
        if let (reply, block) = try read(frames, WireCodec.decodeBlockReply) {
            readers += 1
            let again = try WireCodec.decodeBlockReply(WireCodec.encode(reply, block: block))
            try promise(again.0 == reply && again.block.array == block.array, "\(reply) is not \(again.0)")
        }
        try promise(readers <= 1, "a message that means two things")
        return readers == 1
    }

    static func frames(_ input: [UInt8]) -> [Payload] {
        var input = FuzzInput(input)
        let choices = input.byte()
        func sealed(_ header: [UInt8]) -> [UInt8] { choices & 4 != 0 ? WireCodec.sealed(header) : header }
        guard choices & 1 != 0 else { return [.tight(sealed(Array(input.rest)))] }
        var header = input.bytes(input.number())
        let payload = Payload.tight(input.rest)
        if choices & 2 != 0 {
            // Of a field that is there twice the last one counts: `payload_bytes` and `payload_crc32c`.
            header.append(0x10)
            var size = payload.count
            while size >= 0x80 {
                header.append(UInt8(size & 0x7F | 0x80))
                size >>= 7
            }
            header += [UInt8(size), 0x1D]
            let checksum = WireCodec.checksum(payload)
            header += (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
        }
        return [.tight(sealed(header)), payload]
    }

    private static func read<Message>(_ frames: [Payload], _ decode: ([Payload]) throws -> Message) throws -> Message? {
        try accepted(as: [.usage, .conflict]) { try decode(frames) }
    }
}
