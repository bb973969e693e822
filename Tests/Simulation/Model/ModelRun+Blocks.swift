import ClusterModel
import WorkerEngine

// The way of a block: from the coordinator, or from the worker that its directory names.

extension ModelRun {
    var oneWay: MonotonicTime { MonotonicTime(nanoseconds: now.nanoseconds + settings.roundTripNanoseconds / 2) }

    static func hash(_ block: Int) -> BlockHash { BlockHash(words: (UInt64(block), 0, 0, 0)) }

    private static func endpoint(_ place: Int) -> String { "tcp://host:\(place)" }

    func openDirectory() {
        directory = BlockDirectory()
        for host in hosts.indices {
            var hello = ModelHost.hello(number: host, settings)
            hello.blockEndpoint = Self.endpoint(host + 1)
            tellDirectory(.joined(hello))
        }
    }

    /// The coordinator is asked for a block.
    func seek(_ block: Int, for host: Int, failedAt: Int?) {
        guard directory != nil else {
            serve(block, to: host, from: 0)
            return
        }
        let request = BlockRequest(
            hash: Self.hash(block), mayRedirect: failedAt == nil, asker: UInt64(host + 1),
            failedAt: failedAt.map(Self.endpoint))
        tellDirectory(.asked(Peer(UInt64(host)), request))
    }

    func tellDirectory(_ event: BlockDirectory.Event) {
        let begin = cpuSeconds()
        let effects = directory?.handle(event, at: now) ?? []
        outcome.directorySeconds += cpuSeconds() - begin
        for effect in effects {
            switch effect {
            case .sendBytes(let peer, let request, _):
                serve(Int(request.hash.words.0), to: Int(peer.rawValue), from: 0)
            case .redirect(let peer, let request, let endpoint):
                let place = endpoint.split(separator: ":").last.flatMap { Int($0) } ?? 0
                // The answer goes to the asker, and its question to the worker.
                let at = MonotonicTime(nanoseconds: now.nanoseconds + settings.roundTripNanoseconds)
                expect(.blockIsAskedFor(Int(request.hash.words.0), by: Int(peer.rawValue), of: place), at: at)
            }
        }
        guard let deadline = directory?.nextDeadline else { return }
        if let planned = directoryTickAt, planned <= deadline { return }
        directoryTickAt = max(deadline, now)
        expect(.directoryTick, at: max(deadline, now))
    }

    /// A place is asked for a block; a worker may have let go of it.
    func serve(_ block: Int, to host: Int, from place: Int) {
        if place > 0, !hosts[place - 1].held.contains(block) {
            outcome.blocksGone += 1
            let at = MonotonicTime(nanoseconds: now.nanoseconds + settings.roundTripNanoseconds)
            expect(.blockIsSought(block, by: host, failedAt: place), at: at)
            return
        }
        if place == 0 { outcome.blocksFromCoordinator += 1 } else { outcome.blocksFromPeers += 1 }
        send(.block(block), bytes: settings.blockBytes, from: place, to: host + 1)
    }

    func noticed(_ block: Int, at host: Int) {
        if directory != nil { expect(.blockIsNoticed(block, at: host), at: oneWay) }
    }
}
