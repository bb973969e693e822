import ClusterModel
import Glibc
import SwiftProtobuf
import Testing

@testable import WireProtocol

/// What must not get through, and what the sender of it is told.
@Suite struct WireRefusalTests {
    private let ref = AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 3), attempt: AttemptID(4))

    private func frames(_ edit: (inout WireEnvelope) -> Void) throws -> [Payload] {
        var envelope = WireEnvelope()
        envelope.protocolVersion = Limits.protocolVersion
        edit(&envelope)
        let bytes: [UInt8] = try envelope.serializedBytes()
        return [Payload(copying: WireHeader.seal(bytes))]
    }

    private func expectMalformed(_ frames: [Payload], _ detail: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: GridError.self, sourceLocation: sourceLocation) {
            try WireCodec.decodeWorkerMessage(frames)
        }
        #expect(error?.kind == .usage, sourceLocation: sourceLocation)
        #expect(error?.message.contains(detail) == true, "\(String(describing: error))", sourceLocation: sourceLocation)
    }

    @Test("Another protocol version gets one sentence that names both versions", arguments: [0, 4, 6, 4_000_000_000] as [UInt32])
    func otherVersion(version: UInt32) throws {
        let frames = try frames {
            $0.protocolVersion = version
            $0.goodbye = WireGoodbye()
        }
        let error = #expect(throws: GridError.self) { try WireCodec.decodeWorkerMessage(frames) }
        #expect(error?.kind == .conflict)
        #expect(error?.message.contains("protocol version \(version) is not understood") == true)
        #expect(error?.message.contains("speaks version \(Limits.protocolVersion);") == true)
    }

    @Test("A later version is named even when its message is of a kind that does not exist here")
    func laterVersionWithUnknownBody() throws {
        // Field 1 (version) = 6, then field 99 with three bytes of something.
        let header = Payload(copying: [0x08, 0x06, 0x9A, 0x06, 0x03, 1, 2, 3])
        let error = #expect(throws: GridError.self) { try WireCodec.decodeCoordinatorMessage([header]) }
        #expect(error?.kind == .conflict)
    }

    @Test("A message needs one header, and a payload exactly where its kind has one")
    func frameCounts() throws {
        let goodbye = try WireCodec.encode(.goodbye)[0]
        let result = try WireCodec.encode(
            .result(TaskResult(ref: ref, computeSeconds: 1, flops: 2)), payload: Payload(copying: [1, 2, 3]))
        expectMalformed([], "0 frames")
        expectMalformed(Array(repeating: goodbye, count: Limits.framesPerMessageMax + 1), "258 frames, expected 1 to 257")
        expectMalformed([goodbye, Payload(copying: [])], "a goodbye of 2 frames")
        expectMalformed([result[0]], "a result without a payload")
        expectMalformed(result + [Payload(copying: [])], "in frames that are no 1048576 bytes")
        #expect(throws: GridError.self) { try WireCodec.encode(.goodbye, payload: Payload(copying: [])) }
        #expect(throws: GridError.self) {
            try WireCodec.encode(.result(TaskResult(ref: ref, computeSeconds: 1, flops: 2)), payload: nil)
        }
    }

    @Test("A long payload travels in several frames, of sizes that leave no choice")
    func longPayload() throws {
        let result = WorkerMessage.result(TaskResult(ref: ref, computeSeconds: 1, flops: 2))
        let edge = Limits.frameBytesMax
        for (count, frameCount) in [(edge, 1), (edge + 1, 2), (2 * edge, 2), (2 * edge + 500_000, 3)] {
            let payload = Payload(count: count) { bytes in
                for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 ^ index >> 15) }
            }
            let frames = try WireCodec.encode(result, payload: payload)
            #expect(frames.count == 1 + frameCount && frames.allSatisfy { $0.count <= edge })
            let (message, found) = try WireCodec.decodeWorkerMessage(frames)
            #expect(message == result && found.map { Array($0.bytes) == Array(payload.bytes) } == true)
            guard frameCount > 1 else { continue }
            expectMalformed(frames.dropLast(), "promises \(count) payload bytes")
            expectMalformed([frames[0], payload], "in frames that are no 1048576 bytes")
            let reordered = [frames[0]] + frames.dropFirst().reversed()
            expectMalformed(reordered, count == 2 * edge ? "CRC32C" : "in frames that are no 1048576 bytes")
            expectMalformed(frames + [Payload(copying: [])], "in frames that are no 1048576 bytes")
        }
    }

    @Test("Payloads that only connecting sockets are sent stay whole")
    func wholePayload() throws {
        let payload = Payload(count: Limits.frameBytesMax + 1) { _ in }
        let lease = try WireCodec.encode(.lease(Lease(ref: ref, kind: "noop")), payload: payload)
        #expect(lease.map(\.count).last == payload.count && lease.count == 2)
        #expect(try WireCodec.decodeCoordinatorMessage(lease).1?.count == payload.count)
        let result = WorkerMessage.result(TaskResult(ref: ref, computeSeconds: 1, flops: 2))
        let halves = try [lease[0]] + WireCodec.encode(result, payload: payload).dropFirst()
        let error = #expect(throws: GridError.self) { try WireCodec.decodeCoordinatorMessage(halves) }
        #expect(error?.message.contains("a lease of 3 frames, expected 2") == true)
        let reply = try WireCodec.encode(BlockReply(hash: BlockHash(words: (1, 2, 3, 4))), block: payload)
        #expect(reply.count == 2)
    }

    @Test("A payload that is longer, shorter or other than the header says is refused")
    func payloadMustMatch() throws {
        let result = WorkerMessage.result(TaskResult(ref: ref, computeSeconds: 1, flops: 2))
        let header = try WireCodec.encode(result, payload: Payload(copying: [1, 2, 3]))[0]
        expectMalformed([header, Payload(copying: [1, 2])], "promises 3 payload bytes, 2 came")
        expectMalformed([header, Payload(copying: [1, 2, 3, 4])], "promises 3 payload bytes, 4 came")
        expectMalformed([header, Payload(copying: [1, 2, 7])], "CRC32C")
    }

    @Test("Frames beyond their limits are refused by their size alone")
    func oversize() throws {
        expectMalformed([Payload(count: Limits.headerBytesMax + 1) { _ in }], "a header of 65537 bytes")

        // Address space without access: reading one byte of it would end the test run.
        let size = Limits.payloadBytesMax + 1
        let memory = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        let base = try #require(memory != MAP_FAILED ? memory : nil)
        let huge = Payload(adopting: UnsafeRawBufferPointer(start: base, count: size)) {}
        let result = WorkerMessage.result(TaskResult(ref: ref, computeSeconds: 1, flops: 2))
        let header = try WireCodec.encode(result, payload: Payload(copying: []))[0]
        expectMalformed([header, huge], "a payload of \(size) bytes")
        let error = #expect(throws: GridError.self) { try WireCodec.encode(result, payload: huge) }
        #expect(error?.kind == .failed)
        munmap(base, size)
    }

    @Test("A list beyond the largest credit is refused")
    func longLists() throws {
        expectMalformed(
            try frames {
                $0.hello.worker = "w"
                $0.hello.inHand = Array(repeating: WireAttemptRef(), count: 1_025)
            }, "1025 attempts")
        expectMalformed(
            try frames {
                $0.hello.worker = "w"
                $0.hello.coreTypes = Array(repeating: WireCoreTypeSpeed(), count: 7)
            }, "7 core types")
        let cancel = try frames { $0.cancel.attempts = Array(repeating: 1, count: 1_025) }
        #expect(throws: GridError.self) { try WireCodec.decodeCoordinatorMessage(cancel) }
    }

    @Test("Seconds and operations must be what a machine can count", arguments: [Double.nan, .infinity, -1, 1e300])
    func quantities(value: Double) throws {
        expectMalformed(try frames { $0.heartbeat.flopsTotal = value }, "flops_total is \(value)")
        expectMalformed(try frames { $0.heartbeat.busySecondsTotal = value }, "busy_seconds_total is \(value)")
        var speed = WireCoreTypeSpeed()
        speed.float64GigaflopsPerSecond = value
        expectMalformed(
            try frames {
                $0.hello.worker = "w"
                $0.hello.coreTypes = [speed]
            }, "float64_gigaflops_per_second is \(value)")
    }

    @Test("A speed that no slot has is refused, and one that cannot be divided by is none")
    func speeds() throws {
        func hello(_ speed: Double) throws -> [Payload] {
            var wire = WireCoreTypeSpeed()
            wire.coreType = "Zen"
            wire.float32GigaflopsPerSecond = speed
            return try frames {
                $0.hello.worker = "w"
                $0.hello.coreTypes = [wire]
            }
        }
        expectMalformed(try hello(1e9), "float32_gigaflops_per_second is 1000000000.0, expected 0.0 to 1000000.0")
        for (said, taken) in [(1e-300, 0), (5e-4, 0), (1, 1), (1e6, 1e6)] {
            guard case .hello(let hello) = try WireCodec.decodeWorkerMessage(hello(said)).0 else {
                Issue.record("no hello")
                continue
            }
            #expect(hello.coreTypes.map(\.float32GigaflopsPerSecond) == [taken])
        }
    }

    @Test("Fields that nothing works without must be there")
    func missingFields() throws {
        expectMalformed(try frames { $0.hello.slots = 1 }, "without the worker's name")
        expectMalformed(try frames { $0.failed.message = "x" }, "names no attempt")
        expectMalformed(try frames { _ in }, "no message that is known here")
        expectMalformed(try WireCodec.encode(.drain), "a drain is nothing a worker says")
        let welcome = try frames { $0.welcome.blockPort = 65_536 }
        #expect(throws: GridError(.usage, "malformed message: block_port 65536 is no TCP port")) {
            try WireCodec.decodeCoordinatorMessage(welcome)
        }
        let change = try frames { $0.changeCoreType = WireChangeCoreType() }
        #expect(throws: GridError(.usage, "malformed message: a change of the core type names none")) {
            try WireCodec.decodeCoordinatorMessage(change)
        }
    }

    @Test("Block messages that bring too much or contradict themselves are refused")
    func blockMessages() throws {
        let hash = BlockHash(words: (1, 2, 3, 4))
        let most = Limits.blockPartBytesMax
        #expect(most == 4 << 20)
        let largest = try WireCodec.encode(BlockReply(hash: hash), block: Payload(count: most) { _ in })
        #expect(try WireCodec.decodeBlockReply(largest).block.count == most)
        let tooLarge = try WireCodec.encode(BlockReply(hash: hash), block: Payload(count: most + 1) { _ in })
        #expect(
            throws: GridError(.usage, "malformed message: a part of a block of \(most + 1) bytes, the limit is \(most)")
        ) { try WireCodec.decodeBlockReply(tooLarge) }
        let both = BlockReply(hash: hash, askThere: "tcp://10.0.0.1:1")
        let contradiction = try WireCodec.encode(both, block: Payload(copying: [1, 2, 3]))
        #expect(throws: GridError.self) { try WireCodec.decodeBlockReply(contradiction) }
        let short = try frames { $0.blockRequest.asker = 1 }
        #expect(throws: GridError(.usage, "malformed message: a block hash of 0 bytes, expected 32")) {
            try WireCodec.decodeBlockQuestion(short)
        }
    }

    @Test("Groups nested to the end of a header neither overflow the stack nor pass")
    func deepNesting() {
        expectMalformed([Payload(copying: Array(repeating: 0x7B, count: Limits.headerBytesMax))], "not an envelope")
    }
}
