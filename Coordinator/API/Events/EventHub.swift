import ClusterModel
import HTTPTypes
import Logging
import Synchronization

/// Tells every stream of events what happens. One look at the grid a second serves them all, so what they cost a running
/// job does not grow with their number; while there are none, nobody looks.
final class EventHub: Sendable {
    private struct State {
        var isStopped = false
        var streams: [ObjectIdentifier: EventStream] = [:]
        var latest: EventTick?
        var isRunning = false
        /// Streams that are open or about to be.
        var seats: [String: Int] = [:]
        var seatCount = 0
    }

    private let control: any ServedGrid
    private let logger: Logger
    private let interval: Duration
    /// Between two looks at whether a stream's owner would still be let in.
    let accessInterval: Duration
    private let seatsMax: Int
    private let seatsPerAddressMax: Int
    private let state = Mutex(State())

    /// - Parameter interval: Between two looks at the grid.
    init(
        control: any ServedGrid, logger: Logger, interval: Duration = .milliseconds(Limits.eventSnapshotMilliseconds),
        accessInterval: Duration = .milliseconds(Limits.eventAccessMilliseconds), seatsMax: Int = Limits.eventStreamsMax,
        seatsPerAddressMax: Int = Limits.eventStreamsPerAddressMax
    ) {
        self.control = control
        self.logger = logger
        self.interval = interval
        self.accessInterval = accessInterval
        self.seatsMax = seatsMax
        self.seatsPerAddressMax = seatsPerAddressMax
    }

    /// The right to one stream, until it is let go.
    final class Seat: Sendable {
        private let hub: EventHub
        private let address: String

        fileprivate init(_ hub: EventHub, _ address: String) {
            self.hub = hub
            self.address = address
        }

        deinit { hub.leave(address) }
    }

    /// - Throws: A `Problem` when there are too many streams, or the coordinator stops.
    func seat(for address: String) throws(Problem) -> Seat {
        let refusal = state.withLock { state -> String? in
            if state.isStopped { return "the coordinator is stopping" }
            if state.seatCount >= seatsMax { return "there are \(seatsMax) streams of events already: try again later" }
            guard state.seats[address, default: 0] < seatsPerAddressMax else {
                return "this address has \(seatsPerAddressMax) streams of events already: close some first"
            }
            state.seats[address, default: 0] += 1
            state.seatCount += 1
            return nil
        }
        if let refusal { throw Problem(.serviceUnavailable, refusal, headers: [.retryAfter: "\(Limits.retryAfterSeconds)"]) }
        return Seat(self, address)
    }

    private func leave(_ address: String) {
        state.withLock { state in
            state.seatCount -= 1
            state.seats[address] = state.seats[address].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }

    /// Begins a stream, and the looking if it is the first.
    ///
    /// - Parameter job: What is watched; nil for everything.
    func open(job: JobID?) -> EventStream {
        let stream = EventStream(job: job)
        let begins = state.withLock { state in
            guard !state.isStopped else {
                stream.end()
                return false
            }
            // Within the lock, so that no later tick comes before.
            if let latest = state.latest { stream.offer(latest) }
            state.streams[ObjectIdentifier(stream)] = stream
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if begins { Task { await self.run() } }
        return stream
    }

    func close(_ stream: EventStream) {
        stream.end()
        state.withLock { $0.streams[ObjectIdentifier(stream)] = nil }
    }

    /// Ends all streams; there will be no others.
    func stop() {
        let streams = state.withLock { state in
            state.isStopped = true
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in streams { stream.end() }
    }

    private func run() async {
        var encoder = EventEncoder()
        var taskSerial: Int?
        var looks = 0
        let workersEvery = max(1, Limits.eventWorkersMilliseconds / Limits.eventSnapshotMilliseconds)
        let commentsEvery = max(1, Limits.eventCommentMilliseconds / Limits.eventSnapshotMilliseconds)
        while true {
            let moment = await control.moment(tasksAfter: taskSerial ?? .max)
            let skipped = taskSerial.map { max(0, moment.taskSerial - $0 - moment.tasks.count) } ?? 0
            taskSerial = moment.taskSerial
            looks += 1
            do {
                let tick = try encoder.tick(
                    moment, skipped: skipped, watched: watched, sendsWorkers: looks % workersEvery == 0,
                    comments: looks % commentsEvery == 0)
                for stream in present(tick) { stream.offer(tick) }
            } catch {
                logger.error("events could not be written", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: interval)
            if isIdle() { return }
        }
    }

    var streamCount: Int { state.withLock { $0.streams.count } }

    private var watched: Set<JobID> { state.withLock { Set($0.streams.values.compactMap(\.job)) } }

    /// - Returns: those who are to hear of it.
    private func present(_ tick: EventTick) -> [EventStream] {
        state.withLock { state in
            state.latest = tick
            return Array(state.streams.values)
        }
    }

    /// Whether nobody listens any more; then the next stream begins anew.
    private func isIdle() -> Bool {
        state.withLock { state in
            guard state.streams.isEmpty else { return false }
            state.latest = nil
            state.isRunning = false
            return true
        }
    }
}

/// One stream's place in the hub: the latest tick that it has not taken yet, and nothing else, however slow it is.
final class EventStream: Sendable {
    private struct State {
        var waiting: EventTick?
        var isEnded = false
        var taker: CheckedContinuation<EventTick?, Never>?
    }

    let job: JobID?
    private let state = Mutex(State())

    init(job: JobID?) { self.job = job }

    func offer(_ tick: EventTick) {
        let taker = state.withLock { state -> CheckedContinuation<EventTick?, Never>? in
            guard !state.isEnded else { return nil }
            defer { state.taker = nil }
            if state.taker == nil { state.waiting = tick }
            return state.taker
        }
        taker?.resume(returning: tick)
    }

    func end() {
        let taker = state.withLock { state in
            state.isEnded = true
            state.waiting = nil
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume(returning: nil)
    }

    /// - Returns: nil when the stream is over.
    func next() async -> EventTick? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> EventTick?? in
                    if state.isEnded { return .some(nil) }
                    if let tick = state.waiting {
                        state.waiting = nil
                        return tick
                    }
                    state.taker = continuation
                    return .none
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            end()
        }
    }
}
