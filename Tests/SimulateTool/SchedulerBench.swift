import ClusterModel
import Scheduling

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Drives the scheduler alone: workers that answer every lease at once, heartbeats every simulated second, one stage
/// that covers a triangle. Prints the CPU time per task, the driver's part of it included, and how memory grows.
func benchScheduler(workers: Int, tasks: Int) {
    var bench = SchedulerBench(workers: workers, tasks: tasks)
    bench.run()
}

struct SchedulerBench {
    private let workers: Int
    private let grid: TaskGrid
    private var scheduler: Scheduler
    /// First in, first out: the next one is at `answered`.
    private var leases: [(Peer, AttemptRef)] = []
    private var answered = 0
    private var now = MonotonicTime(nanoseconds: 0)
    private var isComplete = false
    private var done = 0

    /// What a worker takes for a task, and how many it computes at once: 2 x 10,000 slots finish 100,000 tasks a second.
    private static let taskMilliseconds = 200
    private static let slots = 2

    init(workers: Int, tasks: Int) {
        self.workers = max(1, workers)
        var edge = 1
        while edge * (edge + 1) / 2 < tasks { edge += 1 }
        grid = TaskGrid(rowBlocks: 0..<edge, blockCount: edge, group: 1)
        scheduler = Scheduler(epoch: Epoch(1), configuration: SchedulerConfiguration(blockPort: 0))
    }

    mutating func run() {
        print("\(workers) workers of \(Self.slots) slots and credit \(2 * Self.slots), \(grid.taskCount) tasks")
        for worker in 0..<workers { join(worker) }
        let stage = StageSubmission(
            job: JobID(1), plan: PlanHash(1), stageName: "tiles", kind: "bench", taskCount: grid.taskCount, grid: grid)
        tell(.submit(stage))
        let begin = cpuSeconds()
        var early = 0
        var heartbeats = 0
        let tasksPerSecond = workers * Self.slots * 1_000 / Self.taskMilliseconds
        while !isComplete, let (peer, ref) = nextLease() {
            now.nanoseconds += Int64(1_000_000_000 / max(1, tasksPerSecond))
            let result = TaskResult(ref: ref, computeSeconds: 0.2, flops: 1e9)
            tell(.received(from: peer, .result(result), payload: PayloadHandle(UInt64(done)), checksum: 1))
            done += 1
            // Spread evenly, as many as the simulated time holds.
            if done * workers / tasksPerSecond > heartbeats {
                tell(.received(from: Peer(UInt64(heartbeats % workers)), .heartbeat(Heartbeat(running: 2, queued: 2))))
                heartbeats += 1
            }
            if done == grid.taskCount / 10 { early = residentKilobytes() }
        }
        let seconds = cpuSeconds() - begin
        let late = residentKilobytes()
        let tenths = Int((seconds * 1e7 / Double(max(1, done))).rounded())
        print("\(done) tasks and \(heartbeats) heartbeats in \(Int(seconds * 1_000)) ms of CPU time")
        print("\(tenths / 10).\(tenths % 10) us CPU per task")
        print("resident memory: \(early) kB after a tenth of the tasks, \(late) kB at the end")
        if !isComplete { print("NOT COMPLETE: \(scheduler.explain(JobID(1), at: now))") }
    }

    private mutating func nextLease() -> (Peer, AttemptRef)? {
        guard answered < leases.count else { return nil }
        answered += 1
        let lease = leases[answered - 1]
        if answered == 1 << 16 {
            leases.removeFirst(answered)
            answered = 0
        }
        return lease
    }

    private mutating func join(_ worker: Int) {
        let profile = NumericProfile(blasVersion: "0.3", coreType: "Haswell", epilogueVersion: 1)
        let hello = Hello(
            worker: WorkerID("host-\(worker)"), incarnation: 1, slots: UInt32(Self.slots), credit: UInt32(2 * Self.slots),
            memoryBytes: 1 << 30, profile: profile, host: "host-\(worker)", processID: 1, version: "1")
        tell(.received(from: Peer(UInt64(worker)), .hello(hello)))
    }

    private mutating func tell(_ event: SchedulerEvent) {
        var merged: TaskID?
        for effect in scheduler.handle(event, at: now) {
            switch effect {
            case .lease(let peer, let lease): leases.append((peer, lease.ref))
            case .merge(let ref, _): merged = ref.task
            case .stageComplete: isComplete = true
            default: break
            }
        }
        if let merged { tell(.merged(merged)) }
    }

    private func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Second number of /proc/self/statm, in pages; 0 where there is no such file.
func residentKilobytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard fgets(&text, Int32(text.count), file) != nil else { return 0 }
    let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let pages = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE))) / 1_024
}
