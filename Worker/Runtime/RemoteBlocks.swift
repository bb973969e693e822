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
        options.commandsMax = Limits.blockCommandsMax
        options.lingerMilliseconds = 0
        options.security = security
        let (asker, cache, logger) = (asker, cache, logger)
        return try SocketLoop(name: "blocks", .dealer(connect: server), options: options) { [weak self] poster in
            BlockFetchHandler(
                asker: asker, membership: membership, poster: poster, logger: logger, held: { cache.raw($0) },
                deliver: { [weak self] hash, outcome in self?.deliver(hash, outcome) })
        }
    }

    package func prefetch(_ names: [BlockName], _ size: BlockSize) {
        prefetch(names.flatMap { Self.parts(of: $0, size) })
    }

    /// Hints that some parts will be asked for soon.
    package func prefetch(_ hashes: [BlockHash], byteCount: Int) {
        prefetch(hashes.map { Part(hash: $0, byteCount: byteCount) })
    }

    private func prefetch(_ parts: [Part]) {
        let missing = parts.filter { cache.raw($0.hash) == nil }
        guard !missing.isEmpty else { return }
        let loop = state.withLock { $0.loop }
        loop?.post(.want(missing, isUrgent: false))
    }

    /// Fetched part by part: those that are in the cache were in an earlier panel too.
    package func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload {
        guard name.parts.count == size.partCount else {
            throw GridError(.usage, "block \(name.hash) has \(name.parts.count) parts, the task expects \(size.partCount)")
        }
        let parts = try bytes(of: Self.parts(of: name, size))
        // A block of one part is looked at by whoever uses it.
        if parts.count > 1 { for (part, hash) in zip(parts, name.parts) { _ = try part.intact(hash) } }
        return size.join(parts)
    }

    /// The bytes with this SHA-256.
    package func bytes(_ hash: BlockHash, byteCount: Int) throws(GridError) -> Payload {
        try bytes(of: [Part(hash: hash, byteCount: byteCount)])[0]
    }

    private typealias Part = BlockFetchHandler.WantedPart

    private static func parts(of name: BlockName, _ size: BlockSize) -> [Part] {
        zip(name.parts, 0..<size.partCount).map { Part(hash: $0, byteCount: size.byteCount(ofPart: $1)) }
    }

    /// Waits for all that are not in the cache at once.
    private func bytes(of parts: [Part]) throws(GridError) -> [Payload] {
        let waiters = parts.map { _ in Waiter() }
        // Looking and queueing under one lock: what is delivered in between is either seen here or told to the waiter.
        let failure: GridError? = state.withLock { state in
            var missing: [(part: Part, waiter: Waiter)] = []
            for (part, waiter) in zip(parts, waiters) {
                if let payload = cache.raw(part.hash) {
                    wake(waiter, .success(payload))
                } else {
                    missing.append((part, waiter))
                }
            }
            guard let first = missing.first?.part.hash else { return nil }
            guard let loop = state.loop, !state.isStopped else {
                return GridError(.failed, "block \(first) is not here, and no block server is known")
            }
            guard loop.post(.want(missing.map(\.part), isUrgent: true)) else {
                return GridError(.failed, "block \(first) cannot be had: too many blocks are wanted")
            }
            for (part, waiter) in missing { state.waiters[part.hash, default: []].append(waiter) }
            return nil
        }
        if let failure { throw failure }
        var found: [Payload] = []
        for (part, waiter) in zip(parts, waiters) {
            waiter.arrived.wait()
            guard let outcome = waiter.outcome.withLock({ $0 }) else {
                throw GridError(.failed, "block \(part.hash) did not come")
            }
            let payload = try outcome.get()
            guard payload.count == part.byteCount else {
                throw GridError(
                    .failed, "block \(part.hash) has \(payload.count) bytes, the task expects \(part.byteCount)")
            }
            found.append(payload)
        }
        return found
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
