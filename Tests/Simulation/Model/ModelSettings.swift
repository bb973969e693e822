import ClusterModel

/// A correlation job on a cluster that is only thought of: equal hosts, each with a line to a switch that never blocks.
package struct ModelSettings: Sendable {
    package var alphas = 100_000
    package var days = 1_250
    package var hosts = 1
    package var slots = 32
    /// Peak of one slot while all slots of its host are busy: about that of an AVX-512 core with float32.
    package var gigaflopsPerSlot = 200.0
    /// Time of a task over the time its products take at the peak. `alphagrid bench` shows a job over its products; rows
    /// whose median is fetched again are modelled for themselves and must not count here too.
    package var overhead = 1.3
    /// Of every host's line and the coordinator's, in each direction.
    package var gigabitsPerSecond = 10.0
    package var roundTripNanoseconds: Int64 = 200_000
    /// Block cache of a host; 4 GiB is what a worker takes unless it is told.
    package var cacheBytes = 4 << 30
    /// Speed at which the coordinator's one merging thread takes in partials: the slowest of partials of all waves that were
    /// measured, and somewhat less.
    package var mergeGigabytesPerSecond = 2.5
    package var precision = Precision.float32
    package var blockEdge = CorrelationParameters.defaultBlockEdge
    /// Of one value of a block on its way. Jobs of either precision send float64; 4 shows what float32 would bring.
    package var valueBytes = 8
    /// Workers serve the blocks they hold (`--serve-blocks`), and the coordinator's directory sends askers to them.
    package var servesPeers = false

    package init() {}

    /// As the worker's runtime gives it.
    package var credit: Int { min(2 * slots + 2, Limits.creditPerWorkerMax) }
    package var blockBytes: Int { blockEdge * days * valueBytes }
    /// A cached block: its bytes as they came, and its returns in the precision of the job.
    package var cachedBlockBytes: Int { blockBytes + blockEdge * days * (precision == .float32 ? 4 : 8) }
    /// Of all pairs, the diagonal included: n (n + 1) / 2 products of 2 x days operations.
    package var flops: Double { Double(alphas) * Double(alphas + 1) * Double(days) }
    package var idealSeconds: Double { flops / (Double(hosts * slots) * gigaflopsPerSlot * 1e9) }
}

/// What came of it.
package struct ModelOutcome: Sendable {
    package var settings: ModelSettings
    /// From the first submission to the last merge.
    package var seconds = 0.0
    package var tasks = 0
    package var largestStageTasks = 0
    package var tasksMerged = 0
    /// Pairs whose correlations the waves' merged partials hold: n (n - 1) / 2 when nothing is lost or doubled.
    package var pairsMerged = 0
    /// Of the merged tasks, padding and repeated rows included.
    package var flopsMerged = 0.0
    package var speculativeLeases = 0
    /// Blocks, leases and small messages.
    package var coordinatorBytesSent = 0.0
    package var blocksFromCoordinator = 0
    package var blocksFromPeers = 0
    /// Blocks asked for where they were no longer held.
    package var blocksGone = 0
    package var resultBytes = 0.0
    /// Partials of the stage that has most of them: the coordinator holds their values until the stage ends.
    package var stageResultBytes = 0.0
    package var slotSeconds = 0.0
    package var sendingSeconds = 0.0
    package var receivingSeconds = 0.0
    package var mergingSeconds = 0.0
    package var schedulerSeconds = 0.0
    /// CPU time of the directory of blocks, on the block server's thread.
    package var directorySeconds = 0.0
    /// CPU time of making the payloads of leases, on the scheduler's thread too.
    package var leaseSeconds = 0.0

    package var shareOfIdeal: Double { settings.idealSeconds / seconds }
    package var bytesPerFlop: Double { coordinatorBytesSent / settings.flops }
    package var blocksPerHost: Double { Double(blocksFromCoordinator + blocksFromPeers) / Double(settings.hosts) }

    /// How much of the time each resource was busy, 0 ... 1; of the scheduler's thread more if it could not keep up.
    package var loads: [(name: String, share: Double)] {
        [
            ("compute", slotSeconds / Double(settings.hosts * settings.slots) / seconds),
            ("coordinator sends", sendingSeconds / seconds), ("coordinator receives", receivingSeconds / seconds),
            ("merge", mergingSeconds / seconds), ("scheduler CPU", schedulerSeconds / seconds),
            ("lease CPU", leaseSeconds / seconds), ("directory CPU", directorySeconds / seconds),
        ]
    }
}
