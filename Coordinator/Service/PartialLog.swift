import ClusterModel
import Dispatch
import Foundation
import Panel
import Synchronization
import WireProtocol

/// The merged partials of one job on disk, so that a coordinator that takes the job up again merges them instead of
/// having them computed a second time.
///
/// Partials wait in memory for `Limits.partialLogMilliseconds` before they are written, so a job that is over sooner
/// never touches the disk, and a coordinator that is killed loses that much work. Every coordinator writes a file of its
/// own (`JOB-EPOCH.partials`): one that wakes up after another has taken over spoils nothing. Not flushed to the disk;
/// what a power failure garbles fails its checksum and is computed again.
final class PartialLog: Sendable {
    private struct State {
        var waiting: [(header: Header, partial: Payload)] = []
        var waitingBytes = 0
        var isFlushDue = false
        var file: PartialLogFile?
        var bytesWritten = 0
        var profile: NumericProfile?
        /// Nothing more is written: the job is over, the disk is full, or the log as long as it may be.
        var isClosed = false
    }

    let directory: String
    let job: JobID
    let epoch: Epoch
    private let delayMilliseconds: Int
    private let warn: @Sendable (String) -> Void
    private let written: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - directory: made when the first partial is written.
    ///   - warn: takes a sentence for the log of the program.
    ///   - written: called each time partials have reached the file.
    init(
        directory: String, job: JobID, epoch: Epoch, delayMilliseconds: Int = Limits.partialLogMilliseconds,
        warn: @escaping @Sendable (String) -> Void, written: @escaping @Sendable () -> Void = {}
    ) {
        self.directory = directory
        self.job = job
        self.epoch = epoch
        self.delayMilliseconds = delayMilliseconds
        self.warn = warn
        self.written = written
    }

    /// What the job's workers compute with; only the same gives the same bits.
    func note(_ profile: NumericProfile) {
        state.withLock { $0.profile = profile }
    }

    /// Keeps a partial, at once or after the delay.
    ///
    /// - Parameter payloadChecksum: CRC32C of the task's bytes, which says what the partial is of.
    func append(_ task: TaskID, payloadChecksum: UInt32, partial: Payload) {
        let (isDue, isFull) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed else { return (false, false) }
            state.waiting.append((Header(task, payloadChecksum: payloadChecksum, partial: partial), partial))
            state.waitingBytes += partial.count
            let isFull = delayMilliseconds == 0 || state.waitingBytes >= Limits.partialLogWaitingBytesMax
            let isFirst = !state.isFlushDue
            state.isFlushDue = true
            return (isFirst, isFull)
        }
        if isFull { return flush() }
        // Not on the job's own thread, which may be busy for minutes with what the job computes by itself.
        if isDue {
            Self.flushes.asyncAfter(deadline: .now() + .milliseconds(delayMilliseconds)) { [weak self] in self?.flush() }
        }
    }

    func flush() {
        let outcome = state.withLock { state -> Result<Bool, GridError> in
            state.isFlushDue = false
            guard !state.isClosed, !state.waiting.isEmpty else { return .success(false) }
            defer {
                state.waiting = []
                state.waitingBytes = 0
            }
            do throws(GridError) {
                try Self.write(&state, to: path)
                return .success(true)
            } catch {
                state.isClosed = true
                state.file = nil
                return .failure(error)
            }
        }
        switch outcome {
        case .success(true): written()
        case .success(false): break
        case .failure(let error):
            warn("the job goes on, but what is computed from now on would be lost with this coordinator: \(error)")
        }
    }

    /// The job is over: its files go, those of earlier coordinators too.
    func remove() {
        state.withLock { state in
            state.isClosed = true
            state.waiting = []
            state.waitingBytes = 0
            state.file = nil
        }
        Self.removeFiles(of: job, through: epoch, in: directory)
    }

    /// Where flushes that are due run, of all jobs.
    private static let flushes = DispatchQueue(label: "alphagrid.partial-logs", attributes: .concurrent)

    private var path: String { "\(directory)/\(job)-\(epoch.rawValue).partials" }

    private static func write(_ state: inout State, to path: String) throws(GridError) {
        var bytes = state.waiting.reduce(0) { $0 + Header.size + $1.partial.count }
        guard state.bytesWritten + bytes <= Limits.partialLogBytesMax else {
            throw GridError(.conflict, "its log has reached \(Limits.partialLogBytesMax >> 30) GiB")
        }
        if state.file == nil {
            state.file = try PartialLogFile(path)
            if let profile = state.profile { bytes += try state.file?.append(profile) ?? 0 }
        }
        for (header, partial) in state.waiting { try state.file?.append(header, partial) }
        state.bytesWritten += bytes
    }
}
