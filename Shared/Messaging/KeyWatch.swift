import ClusterModel
import Glibc
import Synchronization

/// Reads a list of keys again when its file has changed, and until it could be read.
final class KeyWatch: Sendable {
    /// What tells one state of a file from another. The time of the last change is part of it beside that of the last writing:
    /// a file that was brought with a mode that is refused changes nothing else when the mode is put right.
    struct Stamp: Equatable, Sendable {
        var inode: UInt64 = 0
        var size = 0
        var writtenSeconds = 0
        var writtenNanoseconds = 0
        var changedSeconds = 0
        var changedNanoseconds = 0
    }

    private struct Failure {
        let stamp: Stamp?
        let at: MonotonicTime
    }

    private struct State {
        /// Of the file as it was read last.
        var seen: Stamp?
        /// Of the file as it is, which could not be read.
        var failure: Failure?
    }

    private let stamp: @Sendable () -> Stamp?
    private let read: @Sendable () throws(GridError) -> [KeyFolder.Record]
    private let clock: @Sendable () -> MonotonicTime
    private let report: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// - Parameter stamp: nil where there is no file.
    init(
        stamp: @escaping @Sendable () -> Stamp?, read: @escaping @Sendable () throws(GridError) -> [KeyFolder.Record],
        clock: @escaping @Sendable () -> MonotonicTime = { .now() }, report: @escaping @Sendable (String) -> Void
    ) {
        self.stamp = stamp
        self.read = read
        self.clock = clock
        self.report = report
    }

    func begin() throws(GridError) -> [KeyFolder.Record] {
        // Taken before reading: a change in between is read twice, not missed.
        let stamp = stamp()
        let records = try read()
        state.withLock { $0.seen = stamp }
        return records
    }

    /// Nil when nothing has changed since it was read last, or what is there cannot be read. That is reported once for each state
    /// of the file, and tried again after a while: what stood in the way, such as too many open files, may be gone by then, and
    /// what was revoked must not stay admitted.
    func changed() -> [KeyFolder.Record]? {
        let (records, error) = state.withLock { state -> ([KeyFolder.Record]?, GridError?) in
            let (stamp, now) = (stamp(), clock())
            guard stamp != state.seen else {
                state.failure = nil
                return (nil, nil)
            }
            let known = state.failure.flatMap { $0.stamp == stamp ? $0 : nil }
            if let known, now < known.at.advanced(milliseconds: Limits.keysRetryMilliseconds) { return (nil, nil) }
            do throws(GridError) {
                let records = try read()
                state = State(seen: stamp, failure: nil)
                return (records, nil)
            } catch {
                state.failure = Failure(stamp: stamp, at: now)
                return (nil, known == nil ? error : nil)
            }
        }
        if let error { report("the keys stay as they were: \(error)") }
        return records
    }
}

extension KeyWatch.Stamp {
    /// Nil where there is no file of this name.
    init?(of path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        self.init(
            inode: UInt64(info.st_ino), size: Int(info.st_size), writtenSeconds: info.st_mtim.tv_sec,
            writtenNanoseconds: info.st_mtim.tv_nsec, changedSeconds: info.st_ctim.tv_sec,
            changedNanoseconds: info.st_ctim.tv_nsec)
    }
}
