import ClusterModel
import Testing

@testable import WorkerRuntime

/// Conversations about blocks that other workers have: what the machine is told, and all it says in return.
@Suite struct BlockFetchPeersTests {
    private let other = "tcp://10.0.0.7:4000"
    private func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }
    private func block(_ number: UInt64) -> BlockHash { BlockHash(words: (number, 0, 0, 0)) }

    /// What the coordinator is asked.
    private func open(_ block: BlockHash, failedAt: String? = nil) -> BlockFetch.Effect {
        .ask(BlockRequest(hash: block, mayRedirect: failedAt == nil, asker: 5, failedAt: failedAt))
    }

    private func ask(_ block: BlockHash, at peer: String) -> BlockFetch.Effect {
        .ask(BlockRequest(hash: block, asker: 5), at: peer)
    }

    private func redirect(_ block: BlockHash, to peer: String) -> BlockFetch.Event {
        .replied(BlockReply(hash: block, askThere: peer, wantsNotice: true), bytes: 0, found: BlockHash(words: (0, 0, 0, 0)))
    }

    private func reply(
        _ block: BlockHash, bytes: Int = 8, found: BlockHash? = nil, from peer: String?, wantsNotice: Bool = false
    ) -> BlockFetch.Event {
        .replied(BlockReply(hash: block, wantsNotice: wantsNotice), bytes: bytes, found: found ?? block, from: peer)
    }

    /// A machine that was sent to `other` for blocks of 8 bytes.
    private func sent(for blocks: UInt64...) -> BlockFetch {
        var fetch = BlockFetch(asker: 5)
        _ = fetch.handle(.connected, at: at(0))
        for number in blocks {
            #expect(
                fetch.handle(.wanted(block(number), byteCount: 8, isUrgent: true), at: at(0)) == [open(block(number))])
            #expect(fetch.handle(redirect(block(number), to: other), at: at(0)) == [ask(block(number), at: other)])
        }
        return fetch
    }

    @Test("Sent to another worker, it fetches the block there, and tells the coordinator when it has it")
    func fetchesFromPeer() {
        var fetch = sent(for: 1)
        #expect(fetch.awaits(block(1), from: other) && !fetch.awaits(block(1), from: nil))
        // Who was not asked is not heard.
        #expect(fetch.handle(reply(block(1), from: nil), at: at(1)) == [])
        #expect(fetch.handle(reply(block(1), from: "tcp://10.0.0.8:1"), at: at(1)) == [])
        #expect(
            fetch.handle(reply(block(1), from: other), at: at(2)) == [
                .deliver(block(1)), .notify(BlockNotice(hash: block(1), asker: 5)),
            ])
        #expect(fetch.isIdle && fetch.nextDeadline == nil)
    }

    @Test("A block of the coordinator's is told of only when the coordinator wants it told", arguments: [false, true])
    func notice(isWanted: Bool) {
        var fetch = BlockFetch(asker: 5)
        _ = fetch.handle(.connected, at: at(0))
        _ = fetch.handle(.wanted(block(1), byteCount: 8, isUrgent: true), at: at(0))
        let told: [BlockFetch.Effect] = isWanted ? [.notify(BlockNotice(hash: block(1), asker: 5))] : []
        #expect(fetch.handle(reply(block(1), from: nil, wantsNotice: isWanted), at: at(1)) == [.deliver(block(1))] + told)
    }

    @Test("A worker that no longer has the block is no liar: the coordinator sends it, and the worker is asked again")
    func gone() {
        var fetch = sent(for: 1)
        #expect(fetch.handle(reply(block(1), bytes: 0, from: other), at: at(1)) == [open(block(1), failedAt: other)])
        #expect(fetch.handle(reply(block(1), from: nil), at: at(2)) == [.deliver(block(1))])
        _ = fetch.handle(.wanted(block(2), byteCount: 8, isUrgent: true), at: at(3))
        #expect(fetch.handle(redirect(block(2), to: other), at: at(3)) == [ask(block(2), at: other)])
    }

    @Test("A worker that lies is left with all its blocks and not asked for a while; the coordinator sends them")
    func liar() {
        let reason = "block \(block(1)) came from there with other bytes: their SHA-256 is \(block(9))"
        var fetch = sent(for: 1, 2)
        #expect(
            fetch.handle(reply(block(1), found: block(9), from: other), at: at(1)) == [
                .shunned(other, reason: reason), open(block(1), failedAt: other), open(block(2), failedAt: other),
            ])
        // What it sends now is of no interest.
        #expect(fetch.handle(reply(block(2), from: other), at: at(1)) == [])
        #expect(fetch.handle(reply(block(2), from: nil), at: at(2)) == [.deliver(block(2))])
        _ = fetch.handle(.wanted(block(3), byteCount: 8, isUrgent: true), at: at(60))
        #expect(fetch.handle(redirect(block(3), to: other), at: at(60)) == [open(block(3), failedAt: other)])
        _ = fetch.handle(.wanted(block(4), byteCount: 8, isUrgent: true), at: at(62))
        #expect(fetch.handle(redirect(block(4), to: other), at: at(62)) == [ask(block(4), at: other)])
    }

    @Test("Sizes that are not the block's, and bytes that are no reply, are lies too")
    func nonsense() {
        let faults: [(BlockFetch.Event, String)] = [
            (reply(block(1), bytes: 9, from: other), "it has 9 bytes there, 8 bytes were expected"),
            (.garbage(from: other), "what came from there is no block reply"),
        ]
        for (event, reason) in faults {
            var fetch = sent(for: 1)
            #expect(
                fetch.handle(event, at: at(1)) == [.shunned(other, reason: reason), open(block(1), failedAt: other)])
        }
    }

    @Test("Where the connections to all workers are gone, what they were to send is asked of the coordinator; none is shunned")
    func connectionsGone() {
        var fetch = sent(for: 1, 2)
        #expect(fetch.handle(.wanted(block(3), byteCount: 8, isUrgent: true), at: at(1)) == [open(block(3))])
        #expect(fetch.handle(.peersLeft, at: at(2)) == [open(block(1)), open(block(2))])
        #expect(fetch.handle(reply(block(1), from: other), at: at(2)) == [])
        #expect(fetch.handle(redirect(block(1), to: other), at: at(2)) == [ask(block(1), at: other)])
        #expect(fetch.handle(reply(block(1), from: other), at: at(3)).first == .deliver(block(1)))
        #expect(fetch.handle(reply(block(2), from: nil), at: at(3)) == [.deliver(block(2))])
        #expect(fetch.handle(reply(block(3), from: nil), at: at(3)) == [.deliver(block(3))])
        #expect(fetch.isIdle)
    }

    @Test("A worker that falls silent, or dies, is given up after three seconds")
    func silent() {
        var fetch = sent(for: 1, 2)
        #expect(fetch.nextDeadline == at(3))
        _ = fetch.handle(reply(block(2), from: other), at: at(1))
        #expect(fetch.handle(.tick, at: at(3.9)) == [])
        #expect(fetch.nextDeadline == at(4))
        #expect(
            fetch.handle(.tick, at: at(4)) == [
                .shunned(other, reason: "a block that was asked for there did not come"), open(block(1), failedAt: other),
            ])
        #expect(fetch.handle(reply(block(1), from: nil), at: at(5)) == [.deliver(block(1))])
    }

    @Test("While the coordinator is away, blocks of other workers come on; what it has to send waits for it")
    func coordinatorAway() {
        var fetch = sent(for: 1, 2)
        _ = fetch.handle(.wanted(block(3), byteCount: 8, isUrgent: true), at: at(0))
        #expect(fetch.handle(.disconnected, at: at(1)) == [])
        #expect(fetch.handle(reply(block(1), from: other), at: at(1)).first == .deliver(block(1)))
        #expect(fetch.handle(reply(block(2), bytes: 0, from: other), at: at(1)) == [])
        #expect(fetch.handle(.connected, at: at(2)) == [open(block(2), failedAt: other), open(block(3))])
    }

    @Test("An answer to an earlier question that names somebody once more is passed over: the bytes come behind it")
    func lateRedirect() {
        var fetch = sent(for: 1)
        _ = fetch.handle(reply(block(1), bytes: 0, from: other), at: at(1))
        #expect(fetch.handle(redirect(block(1), to: "tcp://10.0.0.8:1"), at: at(2)) == [])
        #expect(fetch.handle(reply(block(1), from: nil), at: at(2)) == [.deliver(block(1))])
        #expect(fetch.isIdle)
    }

    @Test("A coordinator that names somebody although bytes were asked for is asked five times")
    func insisting() {
        var fetch = sent(for: 1)
        _ = fetch.handle(reply(block(1), bytes: 0, from: other), at: at(1))
        var ends: [BlockFetch.Effect] = []
        for second in 2..<200 where !fetch.isIdle {
            if second.isMultiple(of: 3) {
                #expect(fetch.handle(redirect(block(1), to: "tcp://10.0.0.8:1"), at: at(Double(second))) == [])
            }
            ends += fetch.handle(.tick, at: at(Double(second)))
        }
        #expect(
            ends == Array(repeating: open(block(1), failedAt: other), count: 4) + [
                .failed(block(1), reason: "5 requests for it went unanswered")
            ])
    }

    @Test("Among workers that lie, leave and fall silent, every block ends once and none with wrong bytes", arguments: 0..<40)
    func lossyPeers(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var fetch = BlockFetch(asker: 5)
        var now = 0.0
        var wire: [(request: BlockRequest, peer: String?)] = []
        var sizes: [BlockHash: Int] = [:]
        var ended: [BlockHash: Int] = [:]
        var story: [String] = []
        func carryOut(_ effects: [BlockFetch.Effect]) {
            for effect in effects {
                story.append("\(now): \(effect)")
                switch effect {
                case .ask(let request, let peer): wire.append((request, peer))
                case .notify, .shunned: break
                case .deliver(let hash), .failed(let hash, _): ended[hash, default: 0] += 1
                case .reconnect: wire.removeAll { $0.peer == nil }
                }
            }
            let asked = fetch.transfers.filter { $0.askedAt != nil }
            #expect(asked.count <= Limits.blockPartsInFlightMax)
            #expect(asked.reduce(0) { $0 + $1.byteCount } <= Limits.blockPartBytesInFlightMax)
        }
        carryOut(fetch.handle(.connected, at: at(now)))
        for number in 0..<30 {
            let size = Int.random(in: 1...Limits.blockPartBytesMax, using: &random)
            sizes[block(UInt64(number))] = size
            carryOut(fetch.handle(.wanted(block(UInt64(number)), byteCount: size, isUrgent: number % 3 == 0), at: at(now)))
        }
        for _ in 0..<600 where !fetch.isIdle {
            now += Double.random(in: 0...0.1, using: &random)
            carryOut(fetch.handle(.tick, at: at(now)))
            guard !wire.isEmpty else {
                now += 4
                continue
            }
            let (request, peer) = wire.remove(at: Int.random(in: 0..<wire.count, using: &random))
            let (hash, size) = (request.hash, sizes[request.hash] ?? 0)
            if let peer {
                switch Int.random(in: 0..<10, using: &random) {
                case 0: break
                case 1: carryOut(fetch.handle(.garbage(from: peer), at: at(now)))
                case 2: carryOut(fetch.handle(reply(hash, bytes: 0, from: peer), at: at(now)))
                case 3:
                    let effects = fetch.handle(reply(hash, bytes: size, found: block(999), from: peer), at: at(now))
                    #expect(!effects.contains(.deliver(hash)))
                    carryOut(effects)
                default: carryOut(fetch.handle(reply(hash, bytes: size, from: peer), at: at(now)))
                }
            } else if request.mayRedirect, Int.random(in: 0..<4, using: &random) > 0 {
                let peer = "tcp://10.0.0.\(Int.random(in: 1...5, using: &random)):1"
                carryOut(fetch.handle(redirect(hash, to: peer), at: at(now)))
            } else {
                carryOut(fetch.handle(reply(hash, bytes: size, from: nil), at: at(now)))
            }
        }
        #expect(fetch.isIdle, "\(story.joined(separator: "\n"))")
        #expect(ended.count == 30 && ended.values.allSatisfy { $0 == 1 }, "\(story.joined(separator: "\n"))")
    }
}
