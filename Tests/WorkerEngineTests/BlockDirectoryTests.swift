import ClusterModel
import Testing

@testable import WorkerEngine

/// Conversations with the directory of who has which block; worker w is host "h<w>" unless said, and asks as peer w.
@Suite struct BlockDirectoryTests {
    private var directory = BlockDirectory()
    private let hash = BlockHash(words: (1, 2, 3, 4))
    private func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }

    private mutating func join(_ worker: Int, serves: Bool = true, host: String? = nil, at endpoint: String? = nil) {
        let endpoint = serves ? endpoint ?? place(worker) : nil
        _ = directory.handle(.joined(hello(worker, endpoint: endpoint, host: host ?? "h\(worker)")), at: at(0))
    }

    private func hello(_ worker: Int, endpoint: String?, host: String) -> Hello {
        Hello(
            worker: WorkerID("w\(worker)"), incarnation: UInt64(worker), slots: 1, credit: 1, memoryBytes: 0,
            profile: NumericProfile(blasVersion: "", coreType: "", epilogueVersion: 1), host: host, processID: 1,
            version: "1", blockEndpoint: endpoint)
    }

    private func place(_ worker: Int) -> String { "tcp://10.0.0.\(worker):1" }

    private func request(_ worker: Int, failedAt: String? = nil, mayRedirect: Bool = true) -> BlockRequest {
        BlockRequest(
            hash: hash, mayRedirect: mayRedirect && failedAt == nil, asker: UInt64(worker),
            failedAt: failedAt)
    }

    private mutating func ask(
        _ worker: Int, failedAt: String? = nil, _ seconds: Double = 1
    ) -> [BlockDirectory.Effect] {
        directory.handle(.asked(Peer(UInt64(worker)), request(worker, failedAt: failedAt)), at: at(seconds))
    }

    private mutating func has(_ worker: Int, _ seconds: Double = 1) -> [BlockDirectory.Effect] {
        directory.handle(.notice(BlockNotice(hash: hash, asker: UInt64(worker))), at: at(seconds))
    }

    private func bytes(_ worker: Int, failedAt: String? = nil, wantsNotice: Bool = true) -> BlockDirectory.Effect {
        .sendBytes(Peer(UInt64(worker)), request(worker, failedAt: failedAt), wantsNotice: wantsNotice)
    }

    private func sent(_ worker: Int, to other: Int) -> BlockDirectory.Effect {
        .redirect(Peer(UInt64(worker)), request(worker), to: place(other))
    }

    @Test("While nobody serves, everybody gets bytes at once, and no notice is wanted")
    mutating func nobodyServes() {
        for worker in 1...9 {
            join(worker, serves: false)
            #expect(ask(worker) == [bytes(worker, wantsNotice: false)])
        }
        #expect(directory.nextDeadline == nil)
    }

    @Test("A block spreads like a tree: two get bytes, and each that has it is sent two of those that wait")
    mutating func tree() {
        for worker in 1...8 { join(worker) }
        #expect(ask(1) == [bytes(1)])
        #expect(ask(2) == [bytes(2)])
        for worker in 3...8 { #expect(ask(worker) == []) }
        #expect(has(1) == [sent(3, to: 1), sent(4, to: 1)])
        #expect(has(2) == [sent(5, to: 2), sent(6, to: 2)])
        // Now the third has it, and the first has one to send to less.
        #expect(has(3) == [sent(7, to: 3), sent(8, to: 1)])
        for worker in 4...8 { #expect(has(worker) == []) }
        #expect(directory.nextDeadline == nil)
        #expect(directory.redirectCount == 6 && directory.bytesCount == 2)
    }

    @Test("Of those that have a block, the one is named that was named longest ago")
    mutating func leastRecent() {
        for worker in 1...9 { join(worker) }
        _ = ask(1)
        _ = ask(2)
        _ = has(1)
        _ = has(2)
        var named: [String] = []
        for worker in 3...6 {
            guard case .redirect(_, _, let endpoint)? = ask(worker).first else { continue }
            named.append(endpoint)
        }
        #expect(named == [2, 1, 2, 1].map(place))
    }

    @Test("Whoever was sent in vain gets bytes, and nobody is sent there for this block again")
    mutating func inVain() {
        for worker in 1...4 { join(worker) }
        _ = ask(1)
        _ = has(1)
        #expect(ask(2) == [sent(2, to: 1)])
        #expect(ask(2, failedAt: place(1)) == [bytes(2, failedAt: place(1))])
        #expect(ask(3) == [bytes(3)])
        #expect(has(2) == [])
        #expect(ask(4) == [sent(4, to: 2)])
    }

    @Test("A worker that leaves, or drains, is forgotten, and those that waited for it get bytes")
    mutating func leaves() {
        for worker in 1...5 { join(worker, serves: worker < 3) }
        _ = ask(1)
        _ = ask(2)
        #expect(ask(3) == [])
        _ = has(1)
        #expect(directory.handle(.left(WorkerID("w1")), at: at(1)) == [])
        #expect(ask(4) == [bytes(4)])
        #expect(ask(5) == [])
        #expect(directory.handle(.left(WorkerID("w2")), at: at(1)) == [bytes(5, wantsNotice: false)])
        #expect(ask(3) == [bytes(3, wantsNotice: false)])
    }

    @Test("Nobody waits longer than a second, or for somebody who cannot serve it")
    mutating func waiting() {
        join(1)
        join(2)
        for worker in 3...5 { join(worker, serves: false) }
        #expect(ask(3) == [bytes(3)])
        #expect(ask(4) == [bytes(4)])
        #expect(ask(5) == [bytes(5)])
        #expect(ask(1) == [bytes(1)])
        #expect(ask(2, 1.5) == [])
        #expect(directory.nextDeadline == at(2.5))
        #expect(directory.handle(.tick, at: at(2.4)) == [])
        #expect(directory.handle(.tick, at: at(2.5)) == [bytes(2)])
        #expect(directory.nextDeadline == nil)
    }

    @Test("A worker that serves on its loopback interface is named only to workers of the same host")
    mutating func loopback() {
        join(1, host: "same", at: "tcp://127.0.0.1:9")
        join(2, serves: false, host: "same")
        join(3, serves: false, host: "other")
        _ = ask(1)
        _ = has(1)
        #expect(ask(3) == [bytes(3)])
        #expect(ask(2) == [.redirect(Peer(2), request(2), to: "tcp://127.0.0.1:9")])
    }

    @Test("Whoever does not say who it is gets bytes at once, whoever serves")
    mutating func unknownAsker() {
        join(1)
        _ = ask(1)
        _ = has(1)
        let request = BlockRequest(hash: hash)
        #expect(
            directory.handle(.asked(Peer(7), request), at: at(1)) == [
                .sendBytes(Peer(7), request, wantsNotice: false)
            ])
    }

    @Test("A fetch that is never heard of again holds nobody up for long")
    mutating func lostGrant() {
        for worker in 1...4 { join(worker) }
        _ = ask(1)
        _ = has(1)
        #expect(ask(2) == [sent(2, to: 1)])
        #expect(ask(3) == [sent(3, to: 1)])
        #expect(ask(4, 2) == [])
        #expect(directory.handle(.tick, at: at(3)) == [bytes(4)])
        // Three seconds after they were sent, the two of them count no more.
        #expect(ask(4, 4) == [sent(4, to: 1)])
    }

    @Test("Whoever comes, goes, asks and falls silent, every request gets one answer within a second", arguments: 0..<30)
    func everyRequestIsAnswered(seed: UInt64) {
        var random = SplitMix(state: seed)
        var directory = BlockDirectory()
        var now = 0.0
        var members: Set<UInt64> = []
        var open: [Peer: (hash: BlockHash, since: Double)] = [:]
        var story: [String] = []
        func carryOut(_ effects: [BlockDirectory.Effect]) {
            for effect in effects {
                story.append("\(now): \(effect)")
                let (peer, request) =
                    switch effect {
                    case .sendBytes(let peer, let request, _): (peer, request)
                    case .redirect(let peer, let request, _): (peer, request)
                    }
                if case .redirect(_, _, let endpoint) = effect {
                    let named = (1...9).first { place($0) == endpoint }.map(UInt64.init)
                    #expect(named.map(members.contains) == true && named != request.asker)
                    #expect(request.mayRedirect)
                }
                #expect(open.removeValue(forKey: peer)?.hash == request.hash, "\(story.joined(separator: "\n"))")
            }
        }
        for _ in 0..<600 {
            now += Double.random(in: 0...0.1, using: &random)
            let worker = Int.random(in: 1...9, using: &random)
            let hash = BlockHash(words: (UInt64.random(in: 1...3, using: &random), 0, 0, 0))
            if let deadline = directory.nextDeadline, deadline <= at(now) { carryOut(directory.handle(.tick, at: at(now))) }
            #expect(open.values.allSatisfy { now - $0.since <= 1.1 }, "\(story.joined(separator: "\n"))")
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                members.insert(UInt64(worker))
                carryOut(directory.handle(.joined(hello(worker, endpoint: place(worker), host: "h\(worker)")), at: at(now)))
            case 1:
                members.remove(UInt64(worker))
                carryOut(directory.handle(.left(WorkerID("w\(worker)")), at: at(now)))
            case 2: carryOut(directory.handle(.forgotten([hash]), at: at(now)))
            case 3, 4, 5:
                carryOut(directory.handle(.notice(BlockNotice(hash: hash, asker: UInt64(worker))), at: at(now)))
            default:
                // One request of each worker at a time.
                guard open[Peer(UInt64(worker))] == nil else { continue }
                open[Peer(UInt64(worker))] = (hash, now)
                let failedAt = Int.random(in: 0..<5, using: &random) == 0 ? place(Int.random(in: 1...9, using: &random)) : nil
                let request = BlockRequest(
                    hash: hash, mayRedirect: failedAt == nil, asker: UInt64(worker), failedAt: failedAt)
                carryOut(directory.handle(.asked(Peer(UInt64(worker)), request), at: at(now)))
            }
        }
        carryOut(directory.handle(.tick, at: at(now + 2)))
        #expect(open.isEmpty && directory.nextDeadline == nil, "\(story.joined(separator: "\n"))")
        #expect(directory.redirectCount > 0 && directory.bytesCount > 0)
    }

    @Test("Blocks of a job that is over are forgotten")
    mutating func forgotten() {
        join(1)
        join(2)
        _ = ask(1)
        _ = has(1)
        _ = directory.handle(.forgotten([hash]), at: at(1))
        #expect(has(1) == [])
        #expect(ask(2) == [bytes(2)])
    }
}

/// The same seed gives the same numbers everywhere.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
