import ClusterModel
import Messaging
import Panel
import Testing
import WireProtocol

@testable import WorkerRuntime

@Suite struct TaskExecutorTests {
    /// Gives every block as so many bytes of zeros.
    private struct WrongBlocks: BlockSource {
        let byteCount: Int
        func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload {
            Payload(count: self.byteCount) { _ in }
        }
    }

    private func executor(_ panel: Panel, bytesMax: Int = 1 << 30) -> TaskExecutor {
        TaskExecutor(source: PanelBlocks([panel]), cache: BlockCache(bytesMax: bytesMax))
    }

    @Test("A correlation task without any socket gives what the kernel gives", arguments: Convention.allCases, Precision.allCases)
    func correlation(convention: Convention, precision: Precision) throws {
        let small = try SmallPanel()
        let task = small.task(convention: convention, precision: precision)
        let slot = executor(small.panel).makeSlot()
        let outcome = try slot.run(kind: "correlation", payload: Payload(copying: task.encoded()))
        let partial = try CorrelationPartial(decoding: outcome.payload)
        #expect(try partial == small.expected(task))
        #expect(outcome.computeSeconds >= 0)
    }

    @Test("The partial's extremes are Pearson's r by the formula")
    func againstFormula() throws {
        let small = try SmallPanel()
        let payload = Payload(copying: small.task().encoded())
        let outcome = try executor(small.panel).makeSlot().run(kind: "correlation", payload: payload)
        let partial = try CorrelationPartial(decoding: outcome.payload)
        for alpha in 0..<small.panel.alphaCount {
            let values = (0..<small.panel.alphaCount).filter { $0 != alpha }.map { small.pearson(alpha, $0) }
            let block = partial.blocks[alpha / small.panel.blockEdge]
            let place = alpha % small.panel.blockEdge
            #expect(block.count[place] == 9)
            #expect(abs(block.most[place].r - (values.max() ?? .nan)) < 1e-10)
            #expect(abs(block.least[place].r - (values.min() ?? .nan)) < 1e-10)
        }
    }

    @Test("A cache too small for anything changes nothing but the work")
    func tinyCache() throws {
        let small = try SmallPanel()
        let task = small.task()
        let slot = executor(small.panel, bytesMax: 1).makeSlot()
        for _ in 0..<2 {
            let outcome = try slot.run(kind: "correlation", payload: Payload(copying: task.encoded()))
            #expect(try CorrelationPartial(decoding: outcome.payload) == small.expected(task))
        }
    }

    @Test("One slot takes tasks of different block sizes in turn")
    func blockSizes() throws {
        let (first, second) = (try SmallPanel(blockEdge: 4), try SmallPanel(alphas: 7, blockEdge: 3, seed: 2))
        let source = PanelBlocks([first.panel, second.panel])
        let slot = TaskExecutor(source: source, cache: BlockCache(bytesMax: 1 << 30)).makeSlot()
        for small in [first, second, first] {
            let outcome = try slot.run(kind: "correlation", payload: Payload(copying: small.task().encoded()))
            #expect(try CorrelationPartial(decoding: outcome.payload) == small.expected(small.task()))
        }
    }

    @Test("A no-op returns its payload")
    func noop() throws {
        let slot = executor(try SmallPanel().panel).makeSlot()
        let outcome = try slot.run(kind: "noop", payload: Payload(copying: [1, 2, 3]))
        #expect(Array(outcome.payload.bytes) == [1, 2, 3])
        #expect(outcome.flops == 0)
    }

    @Test("Unknown kinds, damaged tasks and wrong blocks give one sentence each")
    func failures() throws {
        let small = try SmallPanel()
        let slot = executor(small.panel).makeSlot()
        let task = Payload(copying: small.task().encoded())
        #expect(
            throws: GridError(
                .failed, "AlphaGrid \(AlphaGrid.version) does not know tasks of kind 'weather'; update this worker")
        ) { try slot.run(kind: "weather", payload: task) }
        let damaged = #expect(throws: GridError.self) {
            try slot.run(kind: "correlation", payload: Payload(copying: [1, 2, 3]))
        }
        #expect(damaged?.message.hasPrefix("malformed correlation task at byte 0") == true)

        let stranger = try SmallPanel(seed: 9)
        let missing = #expect(throws: GridError.self) {
            try executor(stranger.panel).makeSlot().run(kind: "correlation", payload: task)
        }
        #expect(missing?.message == "block \(small.panel.blockHashes[0]) is in no panel at hand")

        let wrong = TaskExecutor(source: WrongBlocks(byteCount: 8), cache: BlockCache(bytesMax: 1 << 20))
        let size = #expect(throws: GridError.self) { try wrong.makeSlot().run(kind: "correlation", payload: task) }
        #expect(size?.message.hasSuffix("has 8 bytes, the task expects 2048") == true)
    }

    private func flipBit(of payload: Payload, byte: Int) {
        UnsafeMutableRawPointer(mutating: payload.bytes.baseAddress!).assumingMemoryBound(to: UInt8.self)[byte] ^= 4
    }

    @Test("A partial states its checksum from the moment it is made")
    func checksum() throws {
        let small = try SmallPanel()
        let outcome = try executor(small.panel).makeSlot().run(
            kind: "correlation", payload: Payload(copying: small.task().encoded()))
        #expect(outcome.payload.checksum == WireCodec.checksum(outcome.payload))
        flipBit(of: outcome.payload, byte: 90)
        #expect(!WireCodec.isIntact(outcome.payload))
    }

    @Test("A task that has changed since it arrived is not computed")
    func changedTask() throws {
        let small = try SmallPanel()
        let bytes = small.task().encoded()
        let task = Payload(copying: bytes).stating(checksum: WireCodec.checksum(bytes))
        let slot = executor(small.panel).makeSlot()
        _ = try slot.run(kind: "correlation", payload: task)
        flipBit(of: task, byte: bytes.count - 3)
        let error = #expect(throws: GridError.self) { try slot.run(kind: "correlation", payload: task) }
        #expect(error == GridError(.damaged, "the task has changed since it arrived: this machine's memory is suspect"))
    }

    /// Gives the blocks of a panel as they once arrived, the first of them with another bit since.
    private struct ChangedBlocks: BlockSource {
        let panel: Panel
        func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload {
            let index = panel.blockNames.firstIndex(of: name) ?? 0
            let right = panel.blockPayload(index)
            var bytes = Array(right.bytes)
            if index == 0 { bytes[bytes.count - 1] ^= 1 }
            return Payload(copying: bytes).stating(checksum: WireCodec.checksum(right))
        }
    }

    @Test("A block that has changed in the cache is not used")
    func changedBlock() throws {
        let small = try SmallPanel()
        let executor = TaskExecutor(source: ChangedBlocks(panel: small.panel), cache: BlockCache(bytesMax: 1 << 30))
        let task = Payload(copying: small.task().encoded())
        let error = #expect(throws: GridError.self) { try executor.makeSlot().run(kind: "correlation", payload: task) }
        #expect(error?.kind == .damaged)
        #expect(error?.message.hasPrefix("block \(small.panel.blockHashes[0]) has changed since it arrived") == true)
    }

    @Test("Two slots of a pool share the blocks and report every task once")
    func pool() throws {
        let small = try SmallPanel()
        let task = small.task()
        let mailbox = Mailbox<Result<TaskOutcome, GridError>>()
        let pool = try SlotPool(slots: 2, executor: executor(small.panel))
        for _ in 0..<6 {
            pool.submit(kind: "correlation", payload: Payload(copying: task.encoded())) { mailbox.add($0) }
        }
        for _ in 0..<6 {
            let outcome = try #require(mailbox.next()).get()
            #expect(try CorrelationPartial(decoding: outcome.payload) == small.expected(task))
        }
        pool.submit(kind: "weather", payload: Payload(copying: [])) { mailbox.add($0) }
        guard case .failure = try #require(mailbox.next()) else {
            Issue.record("an unknown kind succeeded")
            return
        }
        pool.stop()
        pool.join()
    }
}
