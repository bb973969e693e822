import ClusterModel
import Logging
import Messaging
import Synchronization

/// How workers of one cluster know each other where there are keys: by a secret that the coordinator tells those it has
/// welcomed, and makes anew when a key is revoked. Whoever has it may fetch what workers hold, which the coordinator would
/// give it as well; what it serves is checked by its hash. So nothing more than belonging has to be proved.
struct BlockMembership: Sendable {
    let secret: SecretKey
    private let pair: KeyPair

    init(_ secret: SecretKey) throws(GridError) {
        self.secret = secret
        pair = try KeyPair(secret: secret)
    }

    /// Of a cluster of nobody else, until the coordinator has told the secret: nobody is let in.
    static func none() throws(GridError) -> BlockMembership { try BlockMembership(try KeyPair.make().secret) }

    var server: SocketSecurity { .server(ServerKeys(pair: pair, ring: KeyRing([pair.publicKey: "member"]))) }
    var client: SocketSecurity { .client(pair, server: pair.publicKey) }
}

/// The block server of a worker that was told to serve what it holds.
final class BlockSharing: Sendable {
    private struct State {
        var loop: SocketLoop<BlockServer>?
        var secret: SecretKey?
        var isStopped = false
    }

    /// Where it is bound, with its real port.
    let endpoint: Endpoint
    private let cache: BlockCache
    private let tally: BlockTally
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter membership: nil for anybody who can connect.
    init(
        cache: BlockCache, tally: BlockTally, at endpoint: Endpoint, membership: BlockMembership?, logger: Logger
    ) throws(GridError) {
        self.cache = cache
        self.tally = tally
        self.logger = logger
        let loop = try Self.start(cache, tally, endpoint, membership, logger)
        self.endpoint = loop.endpoint
        state.withLock {
            $0.loop = loop
            $0.secret = membership?.secret
        }
    }

    private static func start(
        _ cache: BlockCache, _ tally: BlockTally, _ endpoint: Endpoint, _ membership: BlockMembership?, _ logger: Logger
    ) throws(GridError) -> SocketLoop<BlockServer> {
        var options = SocketOptions()
        // Requests are a few dozen bytes.
        options.frameBytesMax = Limits.headerBytesMax
        options.lingerMilliseconds = 0
        options.security = membership?.server ?? .none
        return try SocketLoop(name: "block-server", .router(bind: endpoint), options: options) { _ in
            BlockServer(logger: logger, isKeyed: membership != nil, tally: tally) { cache.raw($0) }
        }
    }

    /// Lets in the members of this cluster from now on. A new socket takes the old one's place: those who knew only the
    /// former secret lose their connections with it.
    func serve(_ membership: BlockMembership) throws(GridError) {
        let failure: GridError? = state.withLock { state in
            guard !state.isStopped, state.secret != membership.secret else { return nil }
            state.loop?.stop()
            state.loop?.join()
            state.loop = nil
            do throws(GridError) {
                state.loop = try Self.start(cache, tally, endpoint, membership, logger)
                state.secret = membership.secret
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    func stop() {
        let loop = state.withLock { state in
            state.isStopped = true
            return state.loop
        }
        loop?.stop()
    }
}
