import ClusterModel
import Foundation
import Kernels
import Logging
import Messaging
import Synchronization
import WorkerEngine

/// What a worker computes with; shared by its control thread and its slots.
struct WorkerParts: Sendable {
    let cache: BlockCache
    let blocks: RemoteBlocks
    let executor: TaskExecutor
    let pool: SlotPool
    /// Nil unless it was told to serve blocks.
    let sharing: BlockSharing?
}

/// A running worker: a control thread that talks to the coordinator, a thread that fetches blocks, one that serves them if
/// it was told to, and slots.
package final class WorkerRuntime: Sendable {
    private let parts: WorkerParts
    private let control: SocketLoop<ControlHandler>
    private let served = BlockTally()
    private let logger: Logger
    private let notice = ExitNotice()

    /// Starts the worker. A coordinator that cannot be reached is no error: the worker tries until it can.
    ///
    /// `BLAS.adoptCoreType` and `BLAS.configure` come before.
    /// - Throws: when the system has no threads or sockets left, or blocks cannot be served where they should.
    package init(_ settings: WorkerSettings, logger: Logger) throws(GridError) {
        let cache = BlockCache(bytesMax: settings.memoryBytes)
        let cluster = try settings.key == nil ? nil : BlockMembership.none()
        let sharing = try settings.serveBlocks.map { [served] endpoint throws(GridError) in
            try BlockSharing(cache: cache, tally: served, at: endpoint, membership: cluster, logger: logger)
        }
        var hello = Self.hello(settings)
        hello.blockEndpoint = sharing.map { settings.advertised($0.endpoint) }
        let blocks = RemoteBlocks(
            cache: cache, asker: hello.incarnation, security: settings.security, membership: cluster, logger: logger)
        let executor = TaskExecutor(source: blocks, cache: cache)
        let pool = try SlotPool(slots: settings.slots, executor: executor)
        let parts = WorkerParts(cache: cache, blocks: blocks, executor: executor, pool: pool, sharing: sharing)

        var options = SocketOptions()
        // One command per attempt in hand, and some for signals.
        options.commandsMax = Limits.creditPerWorkerMax + 64
        options.security = settings.security
        let (introduction, notice, key) = (hello, notice, settings.key?.name)
        control = try SocketLoop(name: "control", .dealer(connect: settings.coordinator), options: options) { poster in
            ControlHandler(
                engine: WorkerEngine(hello: introduction, configuration: settings.engine), work: parts, poster: poster,
                notice: notice, keyName: key, logger: logger, endpoints: [settings.coordinator] + settings.standbys)
        }
        self.parts = parts
        self.logger = logger
        if let endpoint = hello.blockEndpoint { logger.info("serving blocks at \(endpoint)") }
    }

    /// Bytes of blocks sent to other workers.
    package var servedBytes: UInt64 { served.counts.bytesSent }

    /// What the worker says of itself.
    package static func hello(_ settings: WorkerSettings) -> Hello {
        Hello(
            worker: settings.worker, incarnation: UInt64.random(in: .min ... .max), slots: UInt32(settings.slots),
            credit: UInt32(settings.credit), memoryBytes: UInt64(settings.memoryBytes), profile: BLAS.profile,
            coreTypes: settings.coreTypes, host: settings.host, processID: ProcessInfo.processInfo.processIdentifier,
            version: AlphaGrid.version)
    }

    /// Finishes what is in hand, takes nothing new, says goodbye and ends. Any thread may call this.
    package func drain() { control.post(.drain) }

    /// Waits until the worker has left: drained, refused, or stopped.
    ///
    /// Slots that are still computing then are left to the end of the process.
    /// - Returns: why it left; nil after `stop`.
    /// - Throws: when the control socket broke.
    package func waitForExit() throws(GridError) -> WorkerExit? {
        let failure = control.join()
        parts.pool.stop()
        parts.blocks.stop()
        parts.sharing?.stop()
        if parts.sharing != nil { logger.info("sent \(served.counts.bytesSent) bytes of blocks to other workers") }
        if let failure { throw failure }
        return notice.reason.withLock { $0 }
    }

    /// Leaves at once, without a word.
    package func stop() {
        parts.sharing?.stop()
        control.stop()
    }
}
