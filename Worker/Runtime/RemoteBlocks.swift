import ClusterModel
import Dispatch
import Logging
import Messaging
import Synchronization

/// Blocks from the coordinator's block server, and from the workers it names, by a thread with a socket of its own; kept
/// in the worker's cache.
package final class RemoteBlocks: BlockSource {
    /// A slot that sleeps until its block is there.
    private final class Waiter: Sendable {
        let outcome = Mutex<Result<Payload, GridError>?>(nil)
        let arrived = DispatchSemaphore(value: 0)
    }

    private struct State {
        var loop: SocketLoop<BlockFetchHandler>?
        var server: Endpoint?
        var waiters: [BlockHash: [Waiter]] = [:]
        var isStopped = false
        /// Nil where there are no keys.
        var membership: BlockMembership?
    }

    private let cache: BlockCache
    private let asker: UInt64
    private let security: SocketSecurity
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - asker: the worker's incarnation, by which the coordinator knows who has which block.
    ///   - security: how the coordinator's block server is spoken to.
    package convenience init(cache: BlockCache, asker: UInt64 = 0, security: SocketSecurity = .none, logger: Logger) {
        self.init(cache: cache, asker: asker, security: security, membership: nil, logger: logger)
    }

    /// - Parameter membership: how other workers are spoken to.
    init(cache: BlockCache, asker: UInt64, security: SocketSecurity, membership: BlockMembership?, logger: Logger) {
        self.cache = cache
        self.asker = asker
        self.security = security
        self.logger = logger
        state.withLock { $0.membership = membership }
    }

    /// Shows this to other workers from now on.
    func join(_ membership: BlockMembership) {
        state.withLock { state in
            guard state.membership?.secret != membership.secret else { return }
            state.membership = membership
            state.loop?.post(.join(membership))
        }
    }

    /// Fetches from this server from now on; the first call starts the thread.
    package func serve(from server: Endpoint) throws(GridError) {
        let failure: GridError? = state.withLock { state in
            guard !state.isStopped, state.server != server else { return nil }
            state.server = server
            if let loop = state.loop {
                loop.post(.serveFrom(server))
                return nil
            }
            do throws(GridError) {
                state.loop = try startLoop(server, state.membership)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func startLoop(
        _ server: Endpoint, _ membership: BlockMembership?
    ) throws(GridError) -> SocketLoop<BlockFetchHandler> {
        var options = SocketOptions()
        options.frameBytesMax = Limits.blockChunkBytesMax + Limits.headerBytesMax
        options.commandsMax = Limits.blocksWantedMax
        options.lingerMilliseconds = 0
        options.security = security
        let (asker, cache, logger) = (asker, cache, logger)
        return try SocketLoop(name: "blocks", .dealer(connect: server), options: options) { [weak self] poster in
            BlockFetchHandler(
                asker: asker, membership: membership, poster: poster, logger: logger, held: { cache.raw($0) },
                deliver: { [weak self] hash, outcome in self?.deliver(hash, outcome) })
        }
    }

    package func prefetch(_ name: BlockName, _ size: BlockSize) {
        for (part, hash) in name.parts.enumerated() where part < size.partCount {
            prefetch(hash, byteCount: size.byteCount(ofPart: part))
        }
    }

    /// Fetched part by part: those that are in the cache were in an earlier panel too.
    package func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload {
        guard name.parts.count == size.partCount else {
            throw GridError(.usage, "block \(name.hash) has \(name.parts.count) parts, the task expects \(size.partCount)")
        }
        prefetch(name, size)
        var parts: [Payload] = []
        for (part, hash) in name.parts.enumerated() {
            parts.append(try bytes(hash, byteCount: size.byteCount(ofPart: part)))
        }
        if parts.count > 1 { for (part, hash) in name.parts.enumerated() { _ = try parts[part].intact(hash) } }
        return size.join(parts)
    }

    /// A hint that a part will be asked for soon.
    package func prefetch(_ hash: BlockHash, byteCount: Int) {
        if cache.raw(hash) != nil { return }
        let loop = state.withLock { $0.loop }
        loop?.post(.want(hash, byteCount: byteCount, isUrgent: false))
    }

    /// One part, or whatever else has this SHA-256.
    package func bytes(_ hash: BlockHash, byteCount: Int) throws(GridError) -> Payload {
        let waiter = Waiter()
        // Looking and queueing under one lock: what is delivered in between is either seen here or told to the waiter.
        let held: Result<Payload, GridError>? = state.withLock { state in
            if let payload = cache.raw(hash) { return .success(payload) }
            guard let loop = state.loop, !state.isStopped else {
                return .failure(GridError(.failed, "block \(hash) is not here, and no block server is known"))
            }
            guard loop.post(.want(hash, byteCount: byteCount, isUrgent: true)) else {
                return .failure(GridError(.failed, "block \(hash) cannot be had: too many blocks are wanted"))
            }
            state.waiters[hash, default: []].append(waiter)
            return nil
        }
        if held == nil { waiter.arrived.wait() }
        guard let outcome = held ?? waiter.outcome.withLock({ $0 }) else {
            throw GridError(.failed, "block \(hash) did not come")
        }
        let payload = try outcome.get()
        guard payload.count == byteCount else {
            throw GridError(.failed, "block \(hash) has \(payload.count) bytes, the task expects \(byteCount)")
        }
        return payload
    }

    /// Called by the fetching thread.
    private func deliver(_ hash: BlockHash, _ outcome: Result<Payload, GridError>) {
        let waiters = state.withLock { state in
            if case .success(let payload) = outcome { cache.insertRaw(hash, payload) }
            return state.waiters.removeValue(forKey: hash) ?? []
        }
        for waiter in waiters { wake(waiter, outcome) }
    }

    private func wake(_ waiter: Waiter, _ outcome: Result<Payload, GridError>) {
        waiter.outcome.withLock { $0 = outcome }
        waiter.arrived.signal()
    }

    /// Ends the thread; whoever waits for a block is told so.
    package func stop() {
        let (loop, waiters) = state.withLock { state in
            state.isStopped = true
            let waiters = state.waiters
            state.waiters = [:]
            return (state.loop, waiters)
        }
        loop?.stop()
        let outcome = Result<Payload, GridError>.failure(GridError(.failed, "the worker is stopping"))
        for waiter in waiters.values.joined() { wake(waiter, outcome) }
        loop?.join()
    }
}
