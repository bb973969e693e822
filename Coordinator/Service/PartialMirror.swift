import ClusterModel
import Dispatch
import Jobs
import Messaging
import Synchronization
import WireProtocol

/// The merged partials of one job in the database, as far as they are small: what a coordinator goes on from that sees none of
/// the files of the one before (`PartialLog`), whose bytes they are.
///
/// They take `Limits.partialMirrorBytesPerAlphaMax` per alpha of the job at most. What of a stage is kept is
/// decided when its first partial is there:
/// - Tasks that stand alone, such as features, samples, layouts and rounds over series, are kept as far as they fit; those that
///   share blocks, which are passes over tiles, where all of them fit. So the values around the median and matrices of
///   distances, kilobytes per alpha, are left out and computed again.
/// - What is computed again soon takes half of the bytes at most, so that there is room for what is not and may come later:
///   samples and layouts behind hundreds of short rounds.
///
/// Written by a queue of its own, never on the job's thread, after `Limits.partialLogMilliseconds`; short jobs never are.
/// While the database does not answer, what waits stays, which is within the bound too, and is tried again; so is what it
/// refuses, a few times.
final class PartialMirror: Sendable {
    private struct Stage {
        let plan: PlanHash
        let tasksLeft: Int
        let standsAlone: Bool
        let begunAt: MonotonicTime
        /// Bytes that it leaves to others; nil until its first partial is there.
        var leaves: Int?
    }

    private struct State {
        /// Neither written nor waiting.
        var bytesLeft: Int
        var stage: Stage?
        var profile: NumericProfile?
        var isProfileKept = false
        var waiting: [UInt8] = []
        /// Perhaps written already: to be repeated as it is.
        var sending: [UInt8] = []
        var part = 0
        var hasRows: Bool
        var isWriteDue = false
        var isAway = false
        /// Refusals in a row.
        var refusals = 0
        /// The job is over, or the database refuses.
        var isClosed = false

        mutating func add(_ header: PartialLog.Header, _ partial: Payload) {
            waiting += header.encoded
            partial.withUnsafeBytes { waiting += $0 }
            bytesLeft -= PartialLog.Header.size + partial.count
        }

        /// What to write, and as which part.
        mutating func next() -> (part: Int, records: [UInt8])? {
            if sending.isEmpty {
                sending = Array(waiting.prefix(Limits.partialMirrorRowBytesMax))
                waiting.removeFirst(sending.count)
            }
            guard !sending.isEmpty, !isClosed else { return nil }
            hasRows = true
            return (part, sending)
        }

        mutating func close() {
            isClosed = true
            (waiting, sending) = ([], [])
        }
    }

    private let bytesMax: Int
    private let delayMilliseconds: Int
    private let warn: @Sendable (String) -> Void
    private let write: @Sendable (_ part: Int, _ records: [UInt8]) throws(GridError) -> Void
    private let removeRows: @Sendable () -> Void
    private let queue = DispatchQueue(label: "alphagrid.partial-mirror")
    private let state: Mutex<State>

    /// - Parameters:
    ///   - bytesMax: of the job, whoever has written them.
    ///   - bytesThere: of earlier coordinators.
    ///   - warn: takes a sentence for the log of the program.
    ///   - write: adds bytes to those in the database; called once more with the same part when it was not reached.
    ///   - remove: called when the job is over and there may be rows of it.
    init(
        bytesMax: Int, bytesThere: Int = 0, delayMilliseconds: Int = Limits.partialLogMilliseconds,
        warn: @escaping @Sendable (String) -> Void,
        write: @escaping @Sendable (_ part: Int, _ records: [UInt8]) throws(GridError) -> Void,
        remove: @escaping @Sendable () -> Void
    ) {
        self.bytesMax = bytesMax
        self.delayMilliseconds = delayMilliseconds
        self.warn = warn
        self.write = write
        removeRows = remove
        state = Mutex(State(bytesLeft: bytesMax - bytesThere, hasRows: bytesThere > 0))
    }

    /// What the job's workers compute with; only the same gives the same bits.
    func note(_ profile: NumericProfile) {
        state.withLock { $0.profile = profile }
    }

    /// - Parameter tasksLeft: without those whose partials an earlier coordinator has kept.
    func begin(_ stage: JobStage, tasksLeft: Int, at now: MonotonicTime = .now()) {
        state.withLock {
            $0.stage = Stage(plan: stage.plan, tasksLeft: tasksLeft, standsAlone: stage.grid == nil, begunAt: now)
        }
    }

    /// Keeps a partial of the present stage if it is to be kept and there is room.
    ///
    /// - Parameter payloadChecksum: CRC32C of the task's bytes, which says what the partial is of.
    func append(_ task: TaskID, payloadChecksum: UInt32, partial: Payload, at now: MonotonicTime = .now()) {
        let header = PartialLog.Header(task, payloadChecksum: payloadChecksum, partial: partial)
        let isFirst = state.withLock { state in
            guard !state.isClosed, let stage = state.stage, stage.plan == task.plan else { return false }
            let profile = state.isProfileKept ? nil : state.profile.flatMap { PartialLog.Header.record(of: $0) }
            let bytesLeft = state.bytesLeft - (profile.map { PartialLog.Header.size + $0.text.count } ?? 0)
            let size = PartialLog.Header.size + partial.count
            let leaves = stage.leaves ?? bytesLeftAlone(by: stage, size, of: bytesLeft, at: now)
            state.stage?.leaves = leaves
            guard leaves <= bytesLeft, size <= bytesLeft - leaves else { return false }
            if let profile {
                state.add(profile.header, profile.text)
                state.isProfileKept = true
            }
            state.add(header, partial)
            defer { state.isWriteDue = true }
            return !state.isWriteDue
        }
        if isFirst { writeLater(delayMilliseconds) }
    }

    /// All of them where a pass over tiles does not fit.
    ///
    /// - Parameter size: of its first partial, which took a worker as long as the stage lasts.
    private func bytesLeftAlone(by stage: Stage, _ size: Int, of bytesLeft: Int, at now: MonotonicTime) -> Int {
        // What a slot computes in the meantime for all of the bytes.
        let seconds = now.seconds(since: stage.begunAt) * Double(bytesMax) / Double(size)
        let leaves = seconds < Limits.partialMirrorSecondsMin ? bytesMax / 2 : 0
        return stage.standsAlone || size * stage.tasksLeft <= bytesLeft - leaves ? leaves : .max
    }

    /// Writes what waits, as far as the database takes it in time.
    func flush(withinMilliseconds patience: Int = Limits.partialLogMilliseconds) {
        let isThrough = DispatchSemaphore(value: 0)
        queue.async {
            self.writeWaiting()
            isThrough.signal()
        }
        _ = isThrough.wait(timeout: .now() + .milliseconds(patience))
    }

    /// The job is over: nothing more is written, and what was written goes.
    func remove() {
        let hasRows = state.withLock { state in
            state.close()
            return state.hasRows
        }
        // Behind what is just being written.
        if hasRows { queue.async { self.removeRows() } }
    }

    private func writeLater(_ milliseconds: Int) {
        queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [weak self] in self?.writeWaiting() }
    }

    private func writeWaiting() {
        // What comes meanwhile waits for the next time: small partials would have a transaction each.
        var bytesLeft = state.withLock { state in
            state.isWriteDue = false
            return state.sending.count + state.waiting.count
        }
        while bytesLeft > 0, let (part, records) = state.withLock({ $0.next() }) {
            bytesLeft -= records.count
            do throws(GridError) {
                try write(part, records)
                state.withLock { state in
                    state.sending = []
                    state.part += 1
                    state.isAway = false
                    state.refusals = 0
                }
            } catch {
                return failed(error)
            }
        }
    }

    /// A lock that somebody holds, or a disk that is full, passes; another coordinator and a right that is missing do not.
    private func failed(_ error: GridError) {
        let isAway = error.kind == .unreachable
        let (isNew, isOver, isDue) = state.withLock { state in
            defer { state.isAway = true }
            if !isAway { state.refusals += 1 }
            let isOver = error.kind == .conflict || state.refusals > Self.refusalsMax
            if isOver { state.close() }
            defer { state.isWriteDue = true }
            return (!state.isAway, isOver, state.isWriteDue)
        }
        if isNew || isOver {
            warn("the job goes on, but a standby without its files would compute more of it again: \(error)")
        }
        if !isOver, !isDue { writeLater(max(delayMilliseconds, Self.pauseMilliseconds)) }
    }

    private static let refusalsMax = 3
    /// Between two tries, where nothing waits longer.
    private static let pauseMilliseconds = 100
}
