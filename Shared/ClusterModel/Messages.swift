// What coordinator and worker say to each other, as plain values. WireProtocol turns them into frames;
// the machines on both sides know nothing of sockets. Payload bytes travel beside a message, never inside it.

// MARK: Worker to coordinator

package enum WorkerMessage: Hashable, Sendable {
    case hello(Hello)
    case heartbeat(Heartbeat)
    /// Accompanied by the partial as payload; resent until acknowledged.
    case result(TaskResult)
    case failed(TaskFailure)
    /// The worker has drained and is about to leave.
    case goodbye
}

/// First message of every connection: a reconnected socket has a new peer handle and must say who it is.
package struct Hello: Hashable, Sendable {
    package var worker: WorkerID
    /// Differs with every start of the process, so that a restarted worker is not taken for the old one.
    package var incarnation: UInt64
    package var protocolVersion: UInt32
    /// Tasks computed at once.
    package var slots: UInt32
    /// Attempts the worker accepts at once, running ones included; at least `slots`.
    package var credit: UInt32
    package var memoryBytes: UInt64
    package var profile: NumericProfile
    /// What was measured of the present core type, and of those the worker would start again with when asked to; empty
    /// when nothing was. At most `Limits.coreTypesPerWorkerMax`.
    package var coreTypes: [CoreTypeSpeed]
    package var host: String
    package var processID: Int32
    package var version: String
    package var draining: Bool
    /// Where it serves the blocks it holds, `tcp://HOST:PORT`; nil when it does not.
    package var blockEndpoint: String?
    /// Attempts queued, running, or finished but not yet acknowledged.
    package var inHand: [AttemptRef]
    /// Of the key that was shown with it; never sent, but set by whoever has checked it.
    package var keyName: String?

    package init(
        worker: WorkerID, incarnation: UInt64, protocolVersion: UInt32 = Limits.protocolVersion, slots: UInt32,
        credit: UInt32, memoryBytes: UInt64, profile: NumericProfile, coreTypes: [CoreTypeSpeed] = [], host: String,
        processID: Int32, version: String, draining: Bool = false, blockEndpoint: String? = nil, inHand: [AttemptRef] = []
    ) {
        self.worker = worker
        self.incarnation = incarnation
        self.protocolVersion = protocolVersion
        self.slots = slots
        self.credit = credit
        self.memoryBytes = memoryBytes
        self.profile = profile
        self.coreTypes = coreTypes
        self.host = host
        self.processID = processID
        self.version = version
        self.draining = draining
        self.blockEndpoint = blockEndpoint
        self.inHand = inHand
    }
}

package struct AttemptRef: Hashable, Sendable {
    package var task: TaskID
    package var attempt: AttemptID
    package init(task: TaskID, attempt: AttemptID) {
        self.task = task
        self.attempt = attempt
    }
}

package struct Heartbeat: Hashable, Sendable {
    package var running: UInt32
    package var queued: UInt32
    /// Bytes of blocks held in the worker's cache.
    package var cachedBytes: UInt64
    /// Floating-point operations done and seconds spent computing since the worker started, for progress displays.
    package var flopsTotal: Double
    package var busySecondsTotal: Double
    package init(
        running: UInt32 = 0, queued: UInt32 = 0, cachedBytes: UInt64 = 0, flopsTotal: Double = 0, busySecondsTotal: Double = 0
    ) {
        self.running = running
        self.queued = queued
        self.cachedBytes = cachedBytes
        self.flopsTotal = flopsTotal
        self.busySecondsTotal = busySecondsTotal
    }
}

package struct TaskResult: Hashable, Sendable {
    package var ref: AttemptRef
    package var computeSeconds: Double
    package var flops: Double
    package init(ref: AttemptRef, computeSeconds: Double, flops: Double) {
        self.ref = ref
        self.computeSeconds = computeSeconds
        self.flops = flops
    }
}

package struct TaskFailure: Hashable, Sendable {
    package var ref: AttemptRef
    /// One sentence a person can act on, at most 1,000 bytes on the wire.
    package var message: String
    package init(ref: AttemptRef, message: String) {
        self.ref = ref
        self.message = message
    }
}

// MARK: Coordinator to worker

package enum CoordinatorMessage: Hashable, Sendable {
    case welcome(Welcome)
    /// Sent to an unknown peer, which answers with a hello.
    case whoAreYou
    /// Accompanied by the task as payload.
    case lease(Lease)
    /// Forget these attempts if they have not started; a running one finishes and its result is dropped.
    case cancel([AttemptID])
    /// The result or failure of this attempt has arrived: stop resending it.
    case ack(AttemptID)
    /// Finish what is in hand, take nothing new, then say goodbye.
    case drain
    /// Finish what is in hand, then start again with this core type of OpenBLAS, one of those the hello listed.
    case changeCoreType(String)
    /// The coordinator will not work with this worker; the reason is one sentence.
    case refused(String)
}

package struct Welcome: Hashable, Sendable {
    package var epoch: Epoch
    package var heartbeatMilliseconds: UInt32
    /// TCP port of the coordinator's block socket, on the host the worker connected to.
    package var blockPort: UInt16
    /// With which workers prove to each other that they belong to the cluster; nil without keys. Nobody sees it on the way:
    /// what has keys is encrypted.
    package var blockSecret: SecretKey?
    package init(epoch: Epoch, heartbeatMilliseconds: UInt32, blockPort: UInt16, blockSecret: SecretKey? = nil) {
        self.epoch = epoch
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.blockPort = blockPort
        self.blockSecret = blockSecret
    }
}

package struct Lease: Hashable, Sendable {
    package var ref: AttemptRef
    /// Names the executor that understands the payload, such as `correlation`.
    package var kind: String
    package init(ref: AttemptRef, kind: String) {
        self.ref = ref
        self.kind = kind
    }
}

// MARK: Block socket

package struct BlockRequest: Hashable, Sendable {
    package var hash: BlockHash
    /// Whether the asker would as well be told who else has the block; otherwise bytes are the only answer.
    package var mayRedirect: Bool
    /// Incarnation of the asking worker, 0 when it does not say.
    package var asker: UInt64
    /// Endpoint of a worker that it was sent to for this block in vain.
    package var failedAt: String?
    package init(
        hash: BlockHash, mayRedirect: Bool = false, asker: UInt64 = 0, failedAt: String? = nil
    ) {
        self.hash = hash
        self.mayRedirect = mayRedirect
        self.asker = asker
        self.failedAt = failedAt
    }
}

/// Accompanied by the bytes as payload, empty when the block is not held or the asker is sent to somebody else.
package struct BlockReply: Hashable, Sendable {
    package var hash: BlockHash
    /// Endpoint of a worker that has the block and is to be asked instead.
    package var askThere: String?
    /// Whether the asker is to send a `BlockNotice` when it has the block.
    package var wantsNotice: Bool
    package init(hash: BlockHash, askThere: String? = nil, wantsNotice: Bool = false) {
        self.hash = hash
        self.askThere = askThere
        self.wantsNotice = wantsNotice
    }
}

/// Says that a worker has a block, and can serve it if it serves any. Not answered, not repeated.
package struct BlockNotice: Hashable, Sendable {
    package var hash: BlockHash
    /// Incarnation of the worker.
    package var asker: UInt64
    package init(hash: BlockHash, asker: UInt64) {
        self.hash = hash
        self.asker = asker
    }
}
