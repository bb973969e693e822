import ClusterModel
import Testing
import WireProtocol

@Suite struct WireMutationTests {
    /// Any of the four decoders either gives a message or throws one of the two kinds a codec may throw.
    private func decodeEverywhere(_ frames: [Payload]) -> Int {
        let decoders: [([Payload]) throws -> Void] = [
            { _ = try WireCodec.decodeWorkerMessage($0) }, { _ = try WireCodec.decodeCoordinatorMessage($0) },
            { _ = try WireCodec.decodeBlockQuestion($0) }, { _ = try WireCodec.decodeBlockReply($0) },
        ]
        var accepted = 0
        for decode in decoders {
            do {
                try decode(frames)
                accepted += 1
            } catch let error as GridError {
                #expect(error.kind == .usage || error.kind == .conflict)
                #expect(error.message.utf8.count <= 1_000)
            } catch {
                Issue.record("an error of another type: \(error)")
            }
        }
        return accepted
    }

    private func randomFrames(_ random: inout RandomMessages) throws -> [Payload] {
        switch Int.random(in: 0..<5, using: &random.generator) {
        case 0:
            let (message, payload) = random.workerMessage()
            return try WireCodec.encode(message, payload: payload)
        case 1:
            let (message, payload) = random.coordinatorMessage()
            return try WireCodec.encode(message, payload: payload)
        case 2:
            return try WireCodec.encode(random.blockRequest())
        case 3:
            return try WireCodec.encode(BlockNotice(hash: random.hash(), asker: random.integer()))
        default:
            let (reply, block) = random.blockReply()
            return try WireCodec.encode(reply, block: block)
        }
    }

    /// Flips, cuts, grows or overwrites some of the bytes, mostly near the front, where the structure is.
    private func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var out = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let reach = Bool.random(using: &generator) ? min(out.count, 24) : out.count
            let at = reach == 0 ? 0 : Int.random(in: 0..<reach, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where !out.isEmpty: out[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: out.removeSubrange(at...)
            case 2: out.insert(UInt8.random(in: 0...255, using: &generator), at: at)
            case 3 where !out.isEmpty: out[at] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!
            default: out.insert(contentsOf: out.prefix(Int.random(in: 0...40, using: &generator)), at: at)
            }
        }
        return out
    }

    @Test("Thousands of damaged messages are decoded or refused, and nothing else happens", arguments: 0..<10)
    func damagedMessages(seed: UInt64) throws {
        var random = RandomMessages(seed: 1_000 + seed)
        var refused = 0
        for _ in 0..<500 {
            var frames = try randomFrames(&random)
            #expect(decodeEverywhere(frames) == 1)
            let victim = Int.random(in: 0..<frames.count, using: &random.generator)
            frames[victim] = Payload(copying: mutate(frames[victim].array, &random.generator))
            switch Int.random(in: 0..<10, using: &random.generator) {
            case 0: frames.removeLast()
            case 1: frames.append(frames[0])
            case 2: frames.reverse()
            default: break
            }
            if decodeEverywhere(frames) == 0 { refused += 1 }
        }
        #expect(refused > 250)
    }

    @Test("Random bytes are refused", arguments: 0..<4)
    func noise(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 0...200, using: &generator)
            let noise = Payload(copying: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
            #expect(decodeEverywhere([noise]) == 0)
            #expect(decodeEverywhere([noise, noise]) == 0)
        }
    }

    @Test("A payload with any one bit flipped is refused", arguments: [1, 8, 9, 100])
    func flippedPayloadBits(count: Int) throws {
        let ref = AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 3), attempt: AttemptID(4))
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
        let frames = try WireCodec.encode(.lease(Lease(ref: ref, kind: "noop")), payload: Payload(copying: bytes))
        for bit in 0..<(count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: GridError.self) {
                try WireCodec.decodeCoordinatorMessage([frames[0], Payload(copying: damaged)])
            }
        }
    }

    @Test("A header with any one, two or three neighbouring bits flipped is refused", arguments: [1, 3, 7] as [UInt8])
    func flippedHeaderBits(pattern: UInt8) throws {
        let ref = AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 3), attempt: AttemptID(4))
        let payload = Payload(copying: [1, 2, 3])
        let frames = try WireCodec.encode(.result(TaskResult(ref: ref, computeSeconds: 1, flops: 2)), payload: payload)
        for byte in 0..<frames[0].count {
            for shift in 0..<8 as Range<UInt8> {
                var damaged = frames[0].array
                damaged[byte] ^= pattern << shift
                #expect(throws: GridError.self) { try WireCodec.decodeWorkerMessage([Payload(copying: damaged), payload]) }
            }
        }
    }

    @Test("A header without a checksum is none")
    func missingChecksum() throws {
        let frames = try WireCodec.encode(.goodbye)
        let bare = Array(frames[0].array.dropLast(5))
        let error = #expect(throws: GridError.self) { try WireCodec.decodeWorkerMessage([Payload(copying: bare)]) }
        #expect(error?.message.contains("no checksum") == true)
    }
}
