import ClusterModel
import Testing
import WireProtocol

/// A bit that flips between the making of a payload and its use is seen at the next hand-over.
@Suite struct IntactPayloadTests {
    private let result = WorkerMessage.result(
        TaskResult(
            ref: AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 3), attempt: AttemptID(4)),
            computeSeconds: 1, flops: 2))
    private let lease = CoordinatorMessage.lease(
        Lease(
            ref: AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 3), attempt: AttemptID(4)), kind: "toy"))

    private func made(_ bytes: [UInt8]) -> Payload {
        Payload(copying: bytes).stating(checksum: WireCodec.checksum(bytes))
    }

    private func flip(_ bit: Int, of payload: Payload) {
        UnsafeMutableRawPointer(mutating: payload.bytes.baseAddress!).assumingMemoryBound(to: UInt8.self)[bit / 8] ^=
            1 << UInt8(bit % 8)
    }

    @Test("Before it is sent: the sender refuses to send it, and its machine is suspect", arguments: [0, 77, 1_599])
    func beforeSending(bit: Int) throws {
        let payload = made((0..<200).map { UInt8($0) })
        _ = try WireCodec.encode(result, payload: payload)
        flip(bit, of: payload)
        #expect(!WireCodec.isIntact(payload))
        for send in [{ try WireCodec.encode(result, payload: payload) }, { try WireCodec.encode(lease, payload: payload) }] {
            let error = #expect(throws: GridError.self) { try send() }
            #expect(error?.kind == .damaged)
            #expect(error?.message.hasSuffix("has changed since it was made: this machine's memory is suspect") == true)
        }
    }

    @Test("On the way: the receiver refuses it", arguments: [0, 77, 1_599])
    func onTheWay(bit: Int) throws {
        for (frames, decode) in [
            (
                try WireCodec.encode(result, payload: made(Array(repeating: 9, count: 200))),
                { try _ = WireCodec.decodeWorkerMessage($0) }
            ),
            (
                try WireCodec.encode(lease, payload: made(Array(repeating: 9, count: 200))),
                { try _ = WireCodec.decodeCoordinatorMessage($0) }
            ),
        ] as [([Payload], ([Payload]) throws -> Void)] {
            try decode(frames)
            flip(bit, of: frames[1])
            let error = #expect(throws: GridError.self) { try decode(frames) }
            #expect(error?.message.contains("CRC32C") == true)
        }
    }

    @Test("After it has arrived: it keeps the checksum it came with, so that whoever uses it can see")
    func afterArrival() throws {
        let sent = made(Array("a partial".utf8))
        let (_, payload) = try WireCodec.decodeWorkerMessage(try WireCodec.encode(result, payload: sent))
        let arrived = try #require(payload)
        #expect(arrived.checksum == sent.checksum && WireCodec.isIntact(arrived))
        flip(8, of: arrived)
        #expect(!WireCodec.isIntact(arrived))
        #expect(WireCodec.isIntact(Payload(copying: [1, 2, 3])), "nobody said what these should be")
    }
}
