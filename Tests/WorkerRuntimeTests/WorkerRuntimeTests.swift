import ClusterModel
import Dispatch
import Messaging
import Panel
import Synchronization
import Testing
import WireProtocol
import WorkerEngine
import WorkerRuntime

@Suite struct WorkerRuntimeTests {
    private func blocks(_ panel: Panel) -> @Sendable (BlockHash) -> Payload? {
        { hash in panel.blockHashes.firstIndex(of: hash).map { panel.blockPayload($0) } }
    }

    /// Times short enough for a test.
    private var quick: WorkerConfiguration {
        var configuration = WorkerConfiguration()
        configuration.resultResendMilliseconds = 50
        configuration.heartbeatMilliseconds = 50
        return configuration
    }

    @Test("A worker introduces itself, takes leases, fetches the blocks and returns what the kernel gives")
    func computes() throws {
        let small = try SmallPanel()
        let grid = try TestGrid(lookUp: blocks(small.panel))
        let hello = try #require(grid.nextHello())
        #expect(hello.worker == WorkerID("tester"))
        #expect(hello.slots == 2 && hello.credit == 6 && hello.inHand.isEmpty && !hello.draining)
        #expect(hello.protocolVersion == Limits.protocolVersion)

        var expected: [AttemptID: CorrelationPartial] = [:]
        for (number, convention) in Convention.allCases.enumerated() {
            let task = small.task(convention: convention)
            expected[AttemptID(UInt64(number))] = try small.expected(task)
            grid.lease(UInt64(number), "correlation", Payload(copying: task.encoded()))
        }
        for _ in Convention.allCases {
            let (result, payload) = try #require(grid.nextResult())
            let partial = try CorrelationPartial(decoding: try #require(payload))
            #expect(partial == expected.removeValue(forKey: result.ref.attempt))
        }
        #expect(expected.isEmpty)
    }

    /// Sums of one alpha after the other, missing on some days.
    private func longPanel(days: Int) throws -> Panel {
        let dates = (0..<days).map { Day(rawValue: Int32(18_000 + $0)) }
        let builder = try PanelBuilder(alphaIDs: (0..<10).map { "alpha\($0)" }, dates: dates, blockEdge: 4)
        for alpha in 0..<10 {
            for day in 0..<days where (day * 7 + alpha) % 11 != 0 {
                builder.set(alpha: alpha, day: day, value: Double(day * (alpha + 1) % 97))
            }
        }
        return try builder.finish()
    }

    @Test("Of a block with one more day only the part that changed is fetched, and what lay in the cache is looked at again")
    func parts() throws {
        let panels = [try longPanel(days: 600), try longPanel(days: 601)]
        var made: [BlockHash: Payload] = [:]
        for panel in panels {
            for (block, name) in panel.blockNames.enumerated() {
                for (part, hash) in name.parts.enumerated() { made[hash] = panel.partPayload(part, ofBlock: block) }
            }
        }
        let (parts, tally) = (made, BlockTally())
        let server = try SocketLoop(name: "block-server", .router(bind: Endpoint(host: "127.0.0.1", port: 0))) { _ in
            BlockServer(logger: quiet, tally: tally) { parts[$0] }
        }
        let cache = BlockCache(bytesMax: 1 << 30)
        let remote = RemoteBlocks(cache: cache, logger: quiet)
        try remote.serve(from: server.endpoint)
        var sent: [UInt64] = []
        for panel in panels {
            let before = tally.counts.bytesSent
            for (block, name) in panel.blockNames.enumerated() {
                let fetched = try remote.block(name, panel.shape.blockSize)
                #expect(fetched.bytes.elementsEqual(panel.blockPayload(block).bytes))
                #expect(UInt(bitPattern: fetched.bytes.baseAddress) % 64 == 0)
                withExtendedLifetime((panel, fetched)) {}
            }
            sent.append(tally.counts.bytesSent - before)
        }
        // Three blocks of four series: 600 days of each, then 89 from the 513th on.
        #expect(sent == [57_600, 8_544])

        let (name, size) = (panels[1].blockNames[0], panels[1].shape.blockSize)
        let short = BlockName(hash: name.hash, parts: Array(name.parts.prefix(2)))
        let error = #expect(throws: GridError.self) { try remote.block(short, size) }
        #expect(error?.message == "block \(name.hash) has 2 parts, the task expects 3")
        let kept = try remote.bytes(name.parts[1], byteCount: size.byteCount(ofPart: 1))
        UnsafeMutableRawPointer(mutating: kept.bytes.baseAddress!).storeBytes(of: 7.5, toByteOffset: 8 * 300, as: Double.self)
        let damaged = #expect(throws: GridError.self) { try remote.block(name, size) }
        #expect(damaged?.kind == .damaged)
        #expect(damaged?.message.hasPrefix("block \(name.parts[1]) has changed since it arrived") == true)
        remote.stop()
        server.stop()
        server.join()
    }

    @Test("A part of the largest size arrives whole; one that nobody has is told of in a sentence")
    func largeBlock() throws {
        let size = Limits.blockPartBytesMax
        let block = Payload(count: size) { buffer in
            for index in stride(from: 0, to: size, by: 8) {
                buffer.storeBytes(of: UInt64(index) &* 0x9E37_79B9_7F4A_7C15, toByteOffset: index, as: UInt64.self)
            }
        }
        let hash = PanelHashing.hash(block.bytes)
        let server = try SocketLoop(name: "block-server", .router(bind: Endpoint(host: "127.0.0.1", port: 0))) { _ in
            BlockServer(logger: quiet) { $0 == hash ? block : nil }
        }
        let cache = BlockCache(bytesMax: 1 << 30)
        let remote = RemoteBlocks(cache: cache, logger: quiet)
        #expect(throws: GridError.self) { try remote.bytes(hash, byteCount: size) }
        try remote.serve(from: server.endpoint)
        let fetched = try remote.bytes(hash, byteCount: size)
        #expect(fetched.bytes.elementsEqual(block.bytes))
        #expect(UInt(bitPattern: fetched.bytes.baseAddress) % 64 == 0)
        #expect(try remote.bytes(hash, byteCount: size) === fetched)
        #expect(cache.byteCount == size)
        let missing = BlockHash(words: (1, 2, 3, 4))
        let error = #expect(throws: GridError.self) { try remote.bytes(missing, byteCount: 8) }
        let reason = "it is not held there, 8 bytes were expected"
        #expect(error?.message == "block \(missing) cannot be had from \(server.endpoint): \(reason)")
        remote.stop()
        #expect(throws: GridError.self) { try remote.bytes(missing, byteCount: 8) }
    }

    @Test("A task whose blocks are missing or damaged fails with a sentence, and the next one is computed")
    func badBlocks() throws {
        let small = try SmallPanel()
        let damaged = small.panel.blockHashes[1]
        let isRepaired = Flag()
        let good = blocks(small.panel)
        let grid = try TestGrid { hash in
            guard hash == damaged, !isRepaired.isSet else { return good(hash) }
            return good(hash).map { Payload(count: $0.count) { _ in } }
        }
        _ = grid.nextHello()
        let task = Payload(copying: small.task().encoded())
        grid.lease(1, "correlation", task)
        let failure = try #require(grid.nextFailure())
        #expect(failure.ref == grid.ref(1))
        let reason = "block \(damaged) cannot be had from \(grid.blockServer.endpoint): it came with other bytes"
        #expect(failure.message.hasPrefix(reason))
        isRepaired.set()
        grid.lease(2, "correlation", task)
        #expect(try #require(grid.nextResult()).result.ref == grid.ref(2))

        let stranger = try SmallPanel(seed: 7)
        grid.lease(3, "correlation", Payload(copying: stranger.task().encoded()))
        #expect(try #require(grid.nextFailure()).message.contains("it is not held there"))
        grid.lease(4, "weather", Payload(copying: []))
        #expect(try #require(grid.nextFailure()).message.contains("does not know tasks of kind 'weather'"))
        grid.lease(5, "noop", Payload(copying: [1, 2, 3]))
        let (_, payload) = try #require(grid.nextResult())
        #expect(payload.map { Array($0.bytes) } == [1, 2, 3])
    }

    @Test("A result is sent again until it is acknowledged")
    func resends() throws {
        let grid = try TestGrid(engine: quick)
        _ = grid.nextHello()
        grid.lease(1, "noop", Payload(copying: [9]))
        for _ in 0..<3 { #expect(grid.nextResult(acknowledged: false)?.result.ref == grid.ref(1)) }
        grid.send(.ack(AttemptID(1)))
        grid.lease(2, "noop", Payload(copying: []))
        // Copies of the first result may still be on their way, the second one follows them.
        var refs: [AttemptRef] = []
        while let ref = grid.nextResult()?.result.ref, ref != grid.ref(2) { refs.append(ref) }
        #expect(refs.allSatisfy { $0 == grid.ref(1) })
    }

    @Test("When the coordinator comes back the worker says what it has in hand and delivers it")
    func reconnects() throws {
        let small = try SmallPanel()
        let mayGo = DispatchSemaphore(value: 0)
        let isHeld = DispatchSemaphore(value: 0)
        let good = blocks(small.panel)
        // The worker's slot waits for its block until the test lets it come.
        let grid = try TestGrid(slots: 1) { hash in
            isHeld.signal()
            mayGo.wait()
            mayGo.signal()
            return good(hash)
        }
        _ = grid.nextHello()
        grid.lease(1, "noop", Payload(copying: [1]))
        #expect(grid.nextResult(acknowledged: false)?.result.ref == grid.ref(1))
        grid.lease(2, "correlation", Payload(copying: small.task().encoded()))
        isHeld.wait()
        grid.stopCoordinator()
        mayGo.signal()
        try grid.startCoordinator()

        let hello = try #require(grid.nextHello())
        #expect(hello.inHand.contains(grid.ref(1)))
        #expect(hello.inHand.contains(grid.ref(2)))
        var delivered: Set<AttemptID> = []
        while delivered.count < 2, let (result, _) = grid.nextResult() { delivered.insert(result.ref.attempt) }
        #expect(delivered == [AttemptID(1), AttemptID(2)])
    }

    @Test("A worker that is asked who it is says hello again")
    func whoAreYou() throws {
        let grid = try TestGrid()
        let first = try #require(grid.nextHello())
        // Questions right after a hello are answered by that hello, so the test asks until it is answered.
        var second: Hello?
        for _ in 0..<500 where second == nil {
            grid.send(.whoAreYou)
            if case .hello(let hello) = grid.said.next(seconds: 0.02)?.message { second = hello }
        }
        #expect(second?.incarnation == first.incarnation)
    }

    @Test("Draining finishes and delivers what is in hand, says goodbye and ends")
    func drains() throws {
        let small = try SmallPanel()
        let grid = try TestGrid(slots: 1, lookUp: blocks(small.panel))
        _ = grid.nextHello()
        for number in 1...3 { grid.lease(UInt64(number), "correlation", Payload(copying: small.task().encoded())) }
        let (first, _) = try #require(grid.nextResult())
        grid.worker.drain()
        var delivered = [first.ref.attempt]
        var saidDraining = false
        var story: [String] = []
        loop: while let next = grid.said.next() {
            story.append("\(next.message)")
            switch next.message {
            case .hello(let hello): saidDraining = saidDraining || hello.draining
            case .result(let result):
                // A welcome has unacknowledged results sent again, so that some may come twice.
                if !delivered.contains(result.ref.attempt) { delivered.append(result.ref.attempt) }
                grid.send(.ack(result.ref.attempt))
            case .goodbye: break loop
            case .heartbeat, .failed: break
            }
        }
        #expect(saidDraining)
        #expect(delivered == [1, 2, 3].map { AttemptID($0) }, "\(story.joined(separator: "\n"))")
        #expect(try grid.worker.waitForExit() == .drained)
    }

    @Test("A worker that never reached its coordinator drains at once")
    func drainsAlone() throws {
        let nowhere = try TestGrid()
        nowhere.stopCoordinator()
        let settings = try WorkerSettings(coordinator: nowhere.coordinator.endpoint, slots: 1)
        let worker = try WorkerRuntime(settings, logger: quiet)
        worker.drain()
        #expect(try worker.waitForExit() == .drained)
    }

    @Test("A coordinator's refusal ends the worker, with the reason")
    func refused() throws {
        let grid = try TestGrid(welcomes: false)
        _ = grid.nextHello()
        grid.send(.refused("protocol version 9 is not understood"))
        #expect(try grid.worker.waitForExit() == .refused("protocol version 9 is not understood"))
    }

    @Test("A coordinator of another protocol version ends the worker, with both versions named")
    func otherVersion() throws {
        let grid = try TestGrid(welcomes: false)
        _ = grid.nextHello()
        // An envelope of version 7 with a welcome.
        grid.coordinator.post(.sendFrames([Payload(copying: [0x08, 0x07, 0xA2, 0x01, 0x00])]))
        guard case .refused(let reason) = try grid.worker.waitForExit() else {
            Issue.record("the worker was not refused")
            return
        }
        #expect(reason.contains("protocol version 7 is not understood"))
        #expect(reason.contains("speaks version \(Limits.protocolVersion);"))
    }

    @Test("Garbage from the coordinator is passed over")
    func garbage() throws {
        let grid = try TestGrid()
        _ = grid.nextHello()
        grid.coordinator.post(.sendFrames([Payload(copying: [0xFF, 0xFF, 0xFF])]))
        grid.coordinator.post(.sendFrames((0..<6).map { Payload(copying: [$0]) }))
        grid.lease(1, "noop", Payload(copying: []))
        #expect(grid.nextResult()?.result.ref == grid.ref(1))
    }
}

/// Set by the test, read by a server's thread.
private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}
