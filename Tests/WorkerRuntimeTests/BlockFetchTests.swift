import ClusterModel
import Testing

@testable import WorkerRuntime

/// Conversations with the machine: what is said to it, and all it says in return.
@Suite struct BlockFetchTests {
    private let mega = 1 << 20
    private func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }
    private func block(_ number: UInt64) -> BlockHash { BlockHash(words: (number, 0, 0, 0)) }

    /// The first chunk is asked for in a way that lets the coordinator name somebody else.
    private func ask(_ block: BlockHash, _ offset: Int, _ length: Int) -> BlockFetch.Effect {
        .ask(BlockRequest(hash: block, offset: UInt64(offset), length: UInt32(length), mayRedirect: offset == 0))
    }

    /// What is said when the block that is there turns out to be the right one.
    private func check(_ fetch: inout BlockFetch, _ block: BlockHash, _ seconds: Double) -> [BlockFetch.Effect] {
        fetch.handle(.checked(block, found: block), at: at(seconds))
    }

    private func reply(_ block: BlockHash, _ offset: Int, of total: Int, bytes: Int) -> BlockFetch.Event {
        .replied(BlockReply(hash: block, offset: UInt64(offset), totalBytes: UInt64(total)), bytes: bytes)
    }

    @Test("A block wanted before there is a connection is asked for when there is one, and checked with its reply")
    func oneBlock() {
        var fetch = BlockFetch()
        #expect(fetch.handle(.wanted(block(1), byteCount: 100, isUrgent: true), at: at(0)) == [])
        #expect(fetch.handle(.connected, at: at(1)) == [ask(block(1), 0, 100)])
        let effects = fetch.handle(reply(block(1), 0, of: 100, bytes: 100), at: at(2))
        #expect(effects == [.keep(block(1), offset: 0, blockBytes: 100), .check(block(1))])
        #expect(check(&fetch, block(1), 2) == [.deliver(block(1))])
        #expect(fetch.isIdle)
        #expect(fetch.nextDeadline == nil)
    }

    @Test("A large block comes in chunks of 4 MB: the first one, then the others in any order")
    func chunks() {
        var fetch = BlockFetch()
        let size = 9 * mega + 5
        _ = fetch.handle(.connected, at: at(0))
        #expect(
            fetch.handle(.wanted(block(1), byteCount: size, isUrgent: true), at: at(0)) == [ask(block(1), 0, 4 * mega)])
        #expect(
            fetch.handle(reply(block(1), 0, of: size, bytes: 4 * mega), at: at(1)) == [
                .keep(block(1), offset: 0, blockBytes: size), ask(block(1), 4 * mega, 4 * mega),
                ask(block(1), 8 * mega, mega + 5),
            ])
        let end = fetch.handle(reply(block(1), 8 * mega, of: size, bytes: mega + 5), at: at(1))
        #expect(end == [.keep(block(1), offset: 8 * mega, blockBytes: size)])
        let last = fetch.handle(reply(block(1), 4 * mega, of: size, bytes: 4 * mega), at: at(1))
        #expect(last == [.keep(block(1), offset: 4 * mega, blockBytes: size), .check(block(1))])
    }

    @Test("A block of other bytes than it should have is given up with the reason")
    func otherBytes() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        _ = fetch.handle(reply(block(1), 0, of: 8, bytes: 8), at: at(1))
        let reason = "it came with other bytes: their SHA-256 is \(block(2))"
        #expect(fetch.handle(.checked(block(1), found: block(2)), at: at(1)) == [.failed(block(1), reason: reason)])
        #expect(fetch.isIdle)
    }

    @Test("No more chunks than the bound are on their way, and each that comes lets the next one go")
    func inFlight() {
        var fetch = BlockFetch()
        let bound = UInt64(Limits.blockChunksInFlightMax)
        for number in 0..<(bound + 2) { _ = fetch.handle(.wanted(block(number), byteCount: 8, isUrgent: false), at: at(0)) }
        #expect(fetch.handle(.connected, at: at(0)) == (0..<bound).map { ask(block($0), 0, 8) })
        let effects = fetch.handle(reply(block(3), 0, of: 8, bytes: 8), at: at(1))
        #expect(effects == [.keep(block(3), offset: 0, blockBytes: 8), .check(block(3)), ask(block(bound), 0, 8)])
    }

    @Test("What a slot waits for overtakes what is only expected, and wanting twice asks once")
    func urgency() {
        var fetch = BlockFetch()
        for number in 1...3 { _ = fetch.handle(.wanted(block(UInt64(number)), byteCount: 8, isUrgent: false), at: at(0)) }
        _ = fetch.handle(.wanted(block(3), byteCount: 8, isUrgent: true), at: at(0))
        _ = fetch.handle(.wanted(block(4), byteCount: 8, isUrgent: true), at: at(0))
        _ = fetch.handle(.wanted(block(2), byteCount: 8, isUrgent: false), at: at(0))
        #expect(fetch.handle(.connected, at: at(1)) == [3, 4, 1, 2].map { ask(block($0), 0, 8) })
        #expect(fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(1)) == [])
    }

    @Test("A block that is not there, or not what it should be, is given up with the reason")
    func wrongReplies() {
        for (total, bytes, reason) in [
            (0, 0, "it is not held there, 8 bytes were expected"), (9, 8, "it has 9 bytes there, 8 bytes were expected"),
            (8, 7, "a chunk of 7 bytes came where 8 were asked for"),
        ] {
            var fetch = BlockFetch()
            _ = fetch.handle(.connected, at: at(0))
            _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
            let effects = fetch.handle(reply(block(1), 0, of: total, bytes: bytes), at: at(1))
            #expect(effects == [.failed(block(1), reason: reason)])
            #expect(fetch.isIdle)
        }
    }

    @Test("Replies nobody asked for are passed over")
    func strayReplies() {
        var fetch = BlockFetch()
        #expect(fetch.handle(reply(block(1), 0, of: 8, bytes: 8), at: at(0)) == [])
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        #expect(fetch.handle(reply(block(1), 0, of: 8, bytes: 8), at: at(0)) == [])
        _ = fetch.handle(.connected, at: at(0))
        #expect(fetch.handle(reply(block(1), 4, of: 8, bytes: 4), at: at(0)) == [])
        #expect(fetch.handle(reply(block(1), .max, of: .max, bytes: 4), at: at(0)) == [])
        #expect(fetch.handle(reply(block(1), 0, of: 8, bytes: 8), at: at(1)).count == 2)
        #expect(fetch.handle(reply(block(1), 0, of: 8, bytes: 8), at: at(1)) == [])
    }

    @Test("What was on its way when the connection was lost is asked for again on the next one")
    func lostConnection() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        #expect(fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0)) == [ask(block(1), 0, 8)])
        #expect(fetch.handle(.disconnected, at: at(1)) == [])
        #expect(fetch.handle(.wanted(block(2), byteCount: 8, isUrgent: true), at: at(2)) == [])
        #expect(fetch.handle(.connected, at: at(3)) == [ask(block(1), 0, 8), ask(block(2), 0, 8)])
    }

    @Test("A silent server is asked again, then connected to anew, then given up")
    func silence() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        #expect(fetch.nextDeadline == at(5))
        #expect(fetch.handle(.tick, at: at(4.9)) == [])
        #expect(fetch.handle(.tick, at: at(5)) == [ask(block(1), 0, 8)])
        #expect(fetch.handle(.tick, at: at(10)) == [.reconnect])
        #expect(fetch.nextDeadline == at(30))
        #expect(fetch.handle(.tick, at: at(29)) == [])
        let effects = fetch.handle(.tick, at: at(30))
        #expect(effects == [.failed(block(1), reason: "nothing was heard from there for 30 s")])
        #expect(fetch.nextDeadline == nil)
    }

    @Test("A slow line is not taken for a silent one, but a lost chunk is missed in the end")
    func slowLine() {
        var fetch = BlockFetch()
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        for second in 1...9 {
            _ = fetch.handle(.wanted(block(100 + UInt64(second)), byteCount: 8, isUrgent: false), at: at(Double(second) * 3))
            _ = fetch.handle(reply(block(100 + UInt64(second)), 0, of: 8, bytes: 8), at: at(Double(second) * 3))
            #expect(fetch.handle(.tick, at: at(Double(second) * 3 + 2)) == [])
        }
        _ = fetch.handle(reply(block(99), 0, of: 8, bytes: 8), at: at(29.5))
        #expect(fetch.handle(.tick, at: at(30)) == [ask(block(1), 0, 8)])
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
                ask(block(7), 0, 8), ask(block(UInt64(Limits.blocksWantedMax) + 50), 0, 8), ask(block(99_999), 0, 8),
                ask(block(0), 0, 8),
            ])
        #expect(asked.count == Limits.blockChunksInFlightMax)
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
                case .keep, .discard, .notify, .shunned: break
                case .check(let hash): carryOut(fetch.handle(.checked(hash, found: hash), at: at(now)))
                case .deliver(let hash), .failed(let hash, _): ended[hash, default: 0] += 1
                case .reconnect:
                    isConnected = false
                    wire = []
                }
            }
            #expect(wire.count <= 2 * Limits.blockChunksInFlightMax, "\(story.joined(separator: "\n"))")
        }
        for step in 0..<400 {
            now += Double.random(in: 0...1, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where step < 200:
                let hash = block(UInt64.random(in: 0..<30, using: &random))
                guard wanted[hash] == nil else { continue }
                let size = Int.random(in: 1...(10 * mega), using: &random)
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
                let total = wanted[request.hash] ?? 0
                carryOut(
                    fetch.handle(reply(request.hash, Int(request.offset), of: total, bytes: Int(request.length)), at: at(now)))
            }
        }
        carryOut(fetch.handle(.tick, at: at(now + 31)))
        #expect(fetch.isIdle, "\(story.joined(separator: "\n"))")
        #expect(ended.count == wanted.count && ended.values.allSatisfy { $0 == 1 }, "\(story.joined(separator: "\n"))")
    }
}
