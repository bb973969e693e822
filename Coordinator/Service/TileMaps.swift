import ClusterModel
import Messaging
import Synchronization

/// Pictures of stages that were made a moment ago, so that any number of people who look at a job cost one picture.
final class TileMaps: Sendable {
    private struct Entry {
        var job: JobID
        var map: TileMapView
        var madeAt: MonotonicTime
    }

    private static let entriesMax = 16
    /// Pictures on their way.
    private static let openMax = 32

    private let state = Mutex((entries: [Entry](), open: 0))

    /// - Parameter make: asks the thread that knows.
    /// - Throws: `GridError(.unreachable)` when many are asked for already.
    func map(of job: JobID, _ make: () async -> TileMapView?) async throws -> TileMapView? {
        let now = MonotonicTime.now()
        let known = try state.withLock { state in
            state.entries.removeAll { now >= $0.madeAt.advanced(milliseconds: Limits.tileMapMilliseconds) }
            if let entry = state.entries.first(where: { $0.job == job }) { return entry.map as TileMapView? }
            guard state.open < Self.openMax else {
                throw GridError(.unreachable, "many maps of tiles are being made already: try again later")
            }
            state.open += 1
            return nil
        }
        if let known { return known }
        let made = await make()
        state.withLock { state in
            state.open -= 1
            guard let made else { return }
            if state.entries.count == Self.entriesMax { state.entries.removeFirst() }
            state.entries.append(Entry(job: job, map: made, madeAt: now))
        }
        return made
    }
}

/// Somebody who waits for a picture of a stage; nil when there is none, also when nobody takes the question.
final class TileRequest: Sendable {
    private let waiting: Mutex<CheckedContinuation<TileMapView?, Never>?>

    init(_ continuation: CheckedContinuation<TileMapView?, Never>) { waiting = Mutex(continuation) }

    deinit { give(nil) }

    func give(_ map: TileMapView?) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: map)
    }
}
