import ClusterModel
import Testing
import WireProtocol

@Suite struct WireRoundTripTests {
    @Test("A worker's messages come back as they were sent, with their payloads", arguments: 0..<8)
    func workerMessages(seed: UInt64) throws {
        var random = RandomMessages(seed: seed)
        for _ in 0..<100 {
            let (message, payload) = random.workerMessage()
            let (back, backPayload) = try WireCodec.decodeWorkerMessage(WireCodec.encode(message, payload: payload))
            #expect(back == message)
            #expect(backPayload?.array == payload?.array)
        }
    }

    @Test("A coordinator's messages come back as they were sent, with their payloads", arguments: 0..<8)
    func coordinatorMessages(seed: UInt64) throws {
        var random = RandomMessages(seed: seed)
        for _ in 0..<100 {
            let (message, payload) = random.coordinatorMessage()
            let (back, backPayload) = try WireCodec.decodeCoordinatorMessage(WireCodec.encode(message, payload: payload))
            #expect(back == message)
            #expect(backPayload?.array == payload?.array)
        }
    }

    @Test("Block requests, replies and notices come back as they were sent", arguments: 0..<4)
    func blockMessages(seed: UInt64) throws {
        var random = RandomMessages(seed: seed)
        for _ in 0..<100 {
            let request = random.blockRequest()
            #expect(try WireCodec.decodeBlockQuestion(WireCodec.encode(request)) == .request(request))
            let notice = BlockNotice(hash: random.hash(), asker: random.integer())
            #expect(try WireCodec.decodeBlockQuestion(WireCodec.encode(notice)) == .notice(notice))
            let (reply, block) = random.blockReply()
            let (back, backBlock) = try WireCodec.decodeBlockReply(WireCodec.encode(reply, block: block))
            #expect(back == reply)
            #expect(backBlock.array == block.array)
        }
    }

    @Test("The payload frame is the payload itself, not a copy")
    func payloadIsNotCopied() throws {
        let ref = AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 3), attempt: AttemptID(4))
        let payload = Payload(copying: [1, 2, 3])
        let frames = try WireCodec.encode(.lease(Lease(ref: ref, kind: "noop")), payload: payload)
        #expect(frames.count == 2)
        #expect(frames[1] === payload)
        #expect(try WireCodec.decodeCoordinatorMessage(frames).payload?.bytes.baseAddress == payload.bytes.baseAddress)
    }

    @Test("Names are cut to 200 bytes and sentences to 1,000, at a letter's end and without control characters")
    func textIsCut() throws {
        let ref = AttemptRef(task: TaskID(job: JobID(1), plan: PlanHash(2), index: 3), attempt: AttemptID(4))
        let failure = TaskFailure(ref: ref, message: "a\nb\u{1B}[2J" + String(repeating: "λ", count: 2_000))
        let (message, _) = try WireCodec.decodeWorkerMessage(WireCodec.encode(.failed(failure)))
        let expected = "a?b?[2J" + String(repeating: "λ", count: 496)
        #expect(message == .failed(TaskFailure(ref: ref, message: expected)))

        let lease = Lease(ref: ref, kind: "x" + String(repeating: "é", count: 150))
        let (back, _) = try WireCodec.decodeCoordinatorMessage(WireCodec.encode(.lease(lease), payload: Payload(copying: [])))
        #expect(back == .lease(Lease(ref: ref, kind: "x" + String(repeating: "é", count: 99))))
    }
}
