import ClusterModel
import Scheduling
import WireProtocol

/// What anybody on the network can say to a coordinator, in any order, with jobs running meanwhile; its books are checked after
/// each word.
///
/// Input: one after another a byte for what happens and what that needs, often numbers at the ends of what a field may hold.
package enum SchedulerTarget: FuzzTarget {
    package static let name = "scheduler"

    package static func seeds() throws -> [[UInt8]] {
        [
            // Two workers join, a job comes, time passes, results come and are merged, one worker leaves.
            [0, 1, 1, 1, 2, 0, 0, 2, 2, 1, 2, 0, 6, 1, 5, 0, 5, 200, 2, 0, 2, 1, 8, 0, 8, 0, 4, 1, 5, 200],
            // A worker fails its tasks, another is lost, the job is finished.
            [0, 1, 1, 1, 2, 0, 6, 1, 9, 1, 5, 50, 3, 0, 3, 0, 3, 0, 5, 255, 5, 255, 7, 1],
        ] + (try WireTarget.seeds()).prefix(5).map { [0, 1, 1, 1, 2, 0, 6, 1, 5, 0, 13, 1, UInt8($0.count), 0] + $0 }
    }

    private static let eventsMax = 200

    package static func check(_ input: [UInt8]) throws -> Bool {
        var room = Room(input)
        for _ in 0..<eventsMax where !room.input.isEmpty {
            let wrong = try room.step()
            try promise(wrong.isEmpty, wrong.joined(separator: "; "))
        }
        return room.scheduler.counters.workersJoined > 0
    }

    private struct Room {
        var input: FuzzInput
        var scheduler = Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 5_711))
        var now = MonotonicTime(nanoseconds: 0)
        var leased: [(Peer, AttemptRef)] = []
        var merging: [AttemptRef] = []
        var handles: Set<PayloadHandle> = []
        var lastHandle: UInt64 = 0

        init(_ input: [UInt8]) { self.input = FuzzInput(input) }

        /// - Returns: what does not add up.
        mutating func step() throws -> [String] {
            guard let event = try nextEvent() else { return [] }
            let effects = scheduler.handle(event, at: now)
            var wrong = scheduler.validate()
            for effect in effects {
                switch effect {
                case .lease(let peer, let lease): leased.append((peer, lease.ref))
                case .merge(let ref, let handle):
                    merging.append(ref)
                    if handles.remove(handle) == nil { wrong.append("\(handle) was not the scheduler's") }
                case .discard(let handle):
                    if handles.remove(handle) == nil { wrong.append("\(handle) was not the scheduler's") }
                case .jobFailed(let job, _):
                    merging.removeAll { $0.task.job == job }
                    for effect in scheduler.handle(.finish(job), at: now) {
                        if case .discard(let handle) = effect { handles.remove(handle) }
                    }
                case .alarm(let sentence, _, _):
                    if sentence.utf8.count > 2_000 { wrong.append("an alarm of \(sentence.utf8.count) bytes") }
                default: break
                }
            }
            if handles.count > 64 { wrong.append("\(handles.count) payloads are held by nobody") }
            look()
            return wrong
        }

        /// What an operator would look at.
        func look() {
            _ = scheduler.workerViews(at: now)
            _ = scheduler.load()
            for job in 1...3 {
                _ = scheduler.progress(of: JobID(Int64(job)))
                _ = scheduler.explain(JobID(Int64(job)), at: now)
            }
        }

        mutating func nextEvent() throws -> SchedulerEvent? {
            switch input.byte() % 14 {
            case 0: return message(peer(), .hello(hello()))
            case 1:
                let beat = Heartbeat(
                    running: UInt32(truncatingIfNeeded: extreme()), queued: UInt32(truncatingIfNeeded: extreme()),
                    cachedBytes: extreme(), flopsTotal: quantity(), busySecondsTotal: quantity())
                return message(peer(), .heartbeat(beat))
            case 2:
                let (sender, ref) = attempt()
                return message(sender, .result(TaskResult(ref: ref, computeSeconds: quantity(), flops: quantity())))
            case 3:
                let (sender, ref) = attempt()
                return message(sender, .failed(TaskFailure(ref: ref, message: "it failed")))
            case 4: return message(peer(), .goodbye)
            case 5:
                now = now.advanced(milliseconds: Int64(input.byte()) * 50)
                return .tick
            case 6:
                let (job, tasks) = (JobID(Int64(input.byte() % 3) + 1), Int(input.byte() % 12))
                merging.removeAll { $0.task.job == job }
                return .submit(
                    StageSubmission(job: job, plan: PlanHash(UInt64(tasks)), stageName: "tiles", kind: "toy", taskCount: tasks))
            case 7:
                let job = JobID(Int64(input.byte() % 3) + 1)
                merging.removeAll { $0.task.job == job }
                return .finish(job)
            case 8: return merging.isEmpty ? nil : .merged(merging.removeFirst().task)
            case 9: return merging.isEmpty ? nil : .mergeRejected(merging.removeFirst().task, reason: "it is none")
            case 10: return .unroutable(peer())
            case 11:
                let byte = input.byte()
                let worker = WorkerID("w\(byte % 4)")
                switch byte >> 6 {
                case 1: return .undrain(worker)
                case 2: return .setPaused(JobID(Int64(byte % 3) + 1), byte & 4 != 0)
                default: return .drain(worker, deadline: byte & 8 == 0 ? nil : now)
                }
            case 12: return .unsupportedVersion(from: peer(), version: UInt32(truncatingIfNeeded: extreme()))
            default: return try wire(from: peer())
            }
        }

        /// A message as it comes from the network.
        private mutating func wire(from sender: Peer) throws -> SchedulerEvent {
            let frames = WireTarget.frames(input.bytes(input.number()))
            let found = try accepted(as: [.usage, .conflict]) { try WireCodec.decodeWorkerMessage(frames) }
            guard let (words, payload) = found else { return .undecodable(from: sender, reason: "garbage") }
            guard payload != nil else { return .received(from: sender, words) }
            return message(sender, words)
        }

        /// Results bring a payload.
        private mutating func message(_ sender: Peer, _ words: WorkerMessage) -> SchedulerEvent {
            guard case .result = words else { return .received(from: sender, words) }
            lastHandle += 1
            handles.insert(PayloadHandle(lastHandle))
            return .received(from: sender, words, payload: PayloadHandle(lastHandle), checksum: UInt32(input.byte() & 1))
        }

        private mutating func peer() -> Peer { Peer(UInt64(input.byte() % 5)) }

        private mutating func attempt() -> (Peer, AttemptRef) {
            let choice = input.byte()
            if choice < 200, !leased.isEmpty { return leased[Int(choice) % leased.count] }
            let task = TaskID(job: JobID(Int64(choice % 4)), plan: PlanHash(UInt64(input.byte() % 12)), index: UInt32(choice))
            return (peer(), AttemptRef(task: task, attempt: AttemptID(extreme())))
        }

        private mutating func hello() -> Hello {
            var hello = Hello(
                worker: WorkerID("w\(input.byte() % 4)"), incarnation: UInt64(input.byte() % 3),
                slots: UInt32(truncatingIfNeeded: extreme()), credit: UInt32(truncatingIfNeeded: extreme()),
                memoryBytes: extreme(),
                profile: NumericProfile(blasVersion: "1", coreType: "c\(input.byte() % 3)", epilogueVersion: 1), host: "h",
                processID: 1, version: "1")
            let choices = input.byte()
            hello.draining = choices & 1 != 0
            if choices & 2 != 0 {
                hello.coreTypes = (0..<3).map { type in
                    let speed = quantity()
                    return CoreTypeSpeed(
                        coreType: "c\(type)", float32GigaflopsPerSecond: speed, float64GigaflopsPerSecond: quantity(),
                        answer: "a\(type)")
                }
            }
            if choices & 4 != 0 { hello.inHand = leased.suffix(Int(choices >> 4)).map(\.1) }
            return hello
        }

        /// Small numbers, and the largest that there are.
        private mutating func extreme() -> UInt64 {
            let choice = input.byte()
            return choice < 250 ? UInt64(choice) : choice < 253 ? UInt64(UInt32.max) : choice == 255 ? .max : input.word()
        }

        /// What the wire lets through: finite and not negative.
        private mutating func quantity() -> Double {
            let choice = input.byte()
            return choice < 250 ? Double(choice) / 8 : choice < 253 ? 1e300 : .greatestFiniteMagnitude
        }
    }
}
