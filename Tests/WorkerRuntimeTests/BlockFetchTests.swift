import ClusterModel
import Testing

@testable import WorkerRuntime

/// Conversations with the machine: what is said to it, and all it says in return.
@Suite struct BlockFetchTests {
    private func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }
    private func block(_ number: UInt64) -> BlockHash { BlockHash(words: (number, 0, 0, 0)) }

    /// The first time, the coordinator may name somebody else.
    private func ask(_ block: BlockHash) -> BlockFetch.Effect { .ask(BlockRequest(hash: block, mayRedirect: true)) }

    private func reply(_ block: BlockHash, bytes: Int = 8, found: BlockHash? = nil) -> BlockFetch.Event {
        .replied(BlockReply(hash: block), bytes: bytes, found: found ?? block)
    }

    @Test("A block wanted before there is a connection is asked for when there is one, and delivered with its reply")
    func oneBlock() {
        var fetch = BlockFetch()
        #expect(fetch.handle(.wanted(block(1), byteCount: 100, isUrgent: true), at: at(0)) == [])
        #expect(!fetch.awaits(block(1), from: nil))
        #expect(fetch.handle(.connected, at: at(1)) == [ask(block(1))])
        #expect(fetch.awaits(block(1), from: nil) && !fetch.awaits(block(2), from: nil))
        #expect(!fetch.awaits(block(1), from: "tcp://10.0.0.7:4000"))
        #expect(fetch.handle(reply(block(1), bytes: 100), at: at(2)) == [.deliver(block(1))])
        #expect(fetch.isIdle)
        #expect(fetch.nextDeadline == nil)
    }

    @Test("A block of other bytes than it should have is given up with the reason")
    func otherBytes() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        let reason = "it came with other bytes: their SHA-256 is \(block(2))"
        #expect(fetch.handle(reply(block(1), found: block(2)), at: at(1)) == [.failed(block(1), reason: reason)])
        #expect(fetch.isIdle)
    }

    @Test("No more blocks than the bound are on their way, and each that comes lets the next one go")
    func inFlight() {
        var fetch = BlockFetch()
        let bound = UInt64(Limits.blockPartsInFlightMax)
        for number in 0..<(bound + 2) { _ = fetch.handle(.wanted(block(number), byteCount: 8, isUrgent: false), at: at(0)) }
        #expect(fetch.handle(.connected, at: at(0)) == (0..<bound).map { ask(block($0)) })
        #expect(fetch.handle(reply(block(3)), at: at(1)) == [.deliver(block(3)), ask(block(bound))])
    }

    @Test("Nor more bytes: eight of the largest blocks, of which the next in line waits also when a smaller one would fit")
    func bytesInFlight() {
        var fetch = BlockFetch()
        let most = Limits.blockPartBytesMax
        for number: UInt64 in 0..<7 { _ = fetch.handle(.wanted(block(number), byteCount: most, isUrgent: false), at: at(0)) }
        _ = fetch.handle(.wanted(block(7), byteCount: most - 8, isUrgent: false), at: at(0))
        _ = fetch.handle(.wanted(block(8), byteCount: most, isUrgent: false), at: at(0))
        _ = fetch.handle(.wanted(block(9), byteCount: 8, isUrgent: false), at: at(0))
        #expect(fetch.handle(.connected, at: at(0)) == (0..<8).map { ask(block($0)) })
        #expect(fetch.handle(reply(block(7), bytes: most - 8), at: at(1)) == [.deliver(block(7)), ask(block(8))])
        #expect(fetch.handle(reply(block(0), bytes: most), at: at(1)) == [.deliver(block(0)), ask(block(9))])
    }

    @Test("What no message can hold is not asked for", arguments: [0, -8, Limits.blockPartBytesMax + 8])
    func impossibleSize(bytes: Int) {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        let reason = "it has \(bytes) bytes, expected 1 to 4194304"
        let effects = fetch.handle(.wanted(block(1), byteCount: bytes, isUrgent: true), at: at(0))
        #expect(effects == [.failed(block(1), reason: reason)])
        #expect(fetch.isIdle)
    }

    @Test("What a slot waits for overtakes what is only expected, and wanting twice asks once")
    func urgency() {
        var fetch = BlockFetch()
        for number in 1...3 { _ = fetch.handle(.wanted(block(UInt64(number)), byteCount: 8, isUrgent: false), at: at(0)) }
        _ = fetch.handle(.wanted(block(3), byteCount: 8, isUrgent: true), at: at(0))
        _ = fetch.handle(.wanted(block(4), byteCount: 8, isUrgent: true), at: at(0))
        _ = fetch.handle(.wanted(block(2), byteCount: 8, isUrgent: false), at: at(0))
        #expect(fetch.handle(.connected, at: at(1)) == [3, 4, 1, 2].map { ask(block($0)) })
        #expect(fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(1)) == [])
    }

    @Test("A block that is not there, or of another size, is given up with the reason")
    func wrongReplies() {
        for (bytes, reason) in [
            (0, "it is not held there, 8 bytes were expected"), (9, "it has 9 bytes there, 8 bytes were expected"),
        ] {
            var fetch = BlockFetch()
            _ = fetch.handle(.connected, at: at(0))
            _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
            #expect(fetch.handle(reply(block(1), bytes: bytes), at: at(1)) == [.failed(block(1), reason: reason)])
            #expect(fetch.isIdle)
        }
    }

    @Test("Replies nobody asked for are passed over")
    func strayReplies() {
        var fetch = BlockFetch()
        #expect(fetch.handle(reply(block(1)), at: at(0)) == [])
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        #expect(fetch.handle(reply(block(1)), at: at(0)) == [])
        _ = fetch.handle(.connected, at: at(0))
        #expect(fetch.handle(reply(block(2)), at: at(0)) == [])
        #expect(fetch.handle(reply(block(1)), at: at(1)) == [.deliver(block(1))])
        #expect(fetch.handle(reply(block(1)), at: at(1)) == [])
    }

    @Test("What was on its way when the connection was lost is asked for again on the next one")
    func lostConnection() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        #expect(fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0)) == [ask(block(1))])
        #expect(fetch.handle(.disconnected, at: at(1)) == [])
        #expect(fetch.handle(.wanted(block(2), byteCount: 8, isUrgent: true), at: at(2)) == [])
        #expect(fetch.handle(.connected, at: at(3)) == [ask(block(1)), ask(block(2))])
    }

    @Test("A silent server is asked again, then connected to anew, then given up")
    func silence() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        #expect(fetch.nextDeadline == at(5))
        #expect(fetch.handle(.tick, at: at(4.9)) == [])
        #expect(fetch.handle(.tick, at: at(5)) == [ask(block(1))])
        #expect(fetch.handle(.tick, at: at(10)) == [.reconnect])
        #expect(fetch.nextDeadline == at(30))
        #expect(fetch.handle(.tick, at: at(29)) == [])
        let effects = fetch.handle(.tick, at: at(30))
        #expect(effects == [.failed(block(1), reason: "nothing was heard from there for 30 s")])
        #expect(fetch.nextDeadline == nil)
    }

    @Test("A slow line is not taken for a silent one, but a lost block is missed in the end")
    func slowLine() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        for second in 1...9 {
            _ = fetch.handle(.wanted(block(100 + UInt64(second)), byteCount: 8, isUrgent: false), at: at(Double(second) * 3))
            _ = fetch.handle(reply(block(100 + UInt64(second))), at: at(Double(second) * 3))
            #expect(fetch.handle(.tick, at: at(Double(second) * 3 + 2)) == [])
        }
        _ = fetch.handle(reply(block(99)), at: at(29.5))
        #expect(fetch.handle(.tick, at: at(30)) == [ask(block(1))])
    }

    @Test("A line that is full for minutes is not given up for another: what it still brings is waited for")
    func fullLine() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        for second in 1..<140 {
            _ = fetch.handle(reply(block(99)), at: at(Double(second)))
            let effects = fetch.handle(.tick, at: at(Double(second)))
            #expect(effects == (second.isMultiple(of: 30) ? [ask(block(1))] : []))
        }
        #expect(fetch.handle(reply(block(1)), at: at(140)) == [.deliver(block(1))])
    }

    @Test("More hints than the bound are not listened to; what a slot waits for comes before all of them")
    func bound() {
        var fetch = BlockFetch()
        for number in 0..<(Limits.blocksWantedMax + 100) {
            #expect(fetch.handle(.wanted(block(UInt64(number)), byteCount: 8, isUrgent: false), at: at(0)) == [])
        }
        #expect(fetch.transfers.count == Limits.blocksWantedMax)
        // One that was hinted at, one that was not listened to, and one that nobody spoke of.
        for number: UInt64 in [7, UInt64(Limits.blocksWantedMax) + 50, 99_999] {
            #expect(fetch.handle(.wanted(block(number), byteCount: 8, isUrgent: true), at: at(0)) == [])
        }
        let asked = fetch.handle(.connected, at: at(1))
        #expect(
            asked.prefix(4) == [
                ask(block(7)), ask(block(UInt64(Limits.blocksWantedMax) + 50)), ask(block(99_999)), ask(block(0)),
            ])
        #expect(asked.count == Limits.blockPartsInFlightMax)
    }

    @Test("Over a line that loses, repeats and breaks, every block ends once and the bound holds", arguments: 0..<40)
    func lossyLine(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var fetch = BlockFetch()
        var now = 0.0
        var wire: [BlockRequest] = []
        var wanted: [BlockHash: Int] = [:]
        var ended: [BlockHash: Int] = [:]
        var isConnected = false
        var story: [String] = []
        func carryOut(_ effects: [BlockFetch.Effect]) {
            for effect in effects {
                story.append("\(now): \(effect)")
                switch effect {
                case .ask(let request, _): if Double.random(in: 0...1, using: &random) < 0.8 { wire.append(request) }
                case .notify, .shunned: break
                case .deliver(let hash), .failed(let hash, _): ended[hash, default: 0] += 1
                case .reconnect:
                    isConnected = false
                    wire = []
                }
            }
            #expect(wire.count <= 2 * Limits.blockPartsInFlightMax, "\(story.joined(separator: "\n"))")
        }
        for step in 0..<400 {
            now += Double.random(in: 0...1, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where step < 200:
                let hash = block(UInt64.random(in: 0..<30, using: &random))
                guard wanted[hash] == nil else { continue }
                let size = Int.random(in: 1...Limits.blockPartBytesMax, using: &random)
                wanted[hash] = size
                carryOut(fetch.handle(.wanted(hash, byteCount: size, isUrgent: Bool.random(using: &random)), at: at(now)))
            case 1 where isConnected && step % 7 == 0:
                isConnected = false
                wire = []
                carryOut(fetch.handle(.disconnected, at: at(now)))
            case 2 where !isConnected:
                isConnected = true
                carryOut(fetch.handle(.connected, at: at(now)))
            case 3: carryOut(fetch.handle(.tick, at: at(now)))
            default:
                guard isConnected, let request = wire.randomElement(using: &random) else { continue }
                if Bool.random(using: &random) { wire.removeAll { $0 == request } }
                carryOut(fetch.handle(reply(request.hash, bytes: wanted[request.hash] ?? 0), at: at(now)))
            }
        }
        carryOut(fetch.handle(.tick, at: at(now + 31)))
        #expect(fetch.isIdle, "\(story.joined(separator: "\n"))")
        #expect(ended.count == wanted.count && ended.values.allSatisfy { $0 == 1 }, "\(story.joined(separator: "\n"))")
    }
}
