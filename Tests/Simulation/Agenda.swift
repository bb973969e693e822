import ClusterModel
import HeapModule

/// Something that will happen in the simulated world.
enum Happening: Sendable {
    case reachesCoordinator(Int, Peer, Parcel)
    case coordinatorTick(Int)
    case mergeEnds(Int, generation: Int, AttemptRef, PayloadHandle)
    case leaseIsDue(Int, generation: Int)
    case logIsDue(Int, generation: Int, JobID)
    case panelIsLoaded(Int, generation: Int, JobID)
    case storeAnswers(StoreCall, StoreAnswer)
    case coordinatorStarts(Int, asStandby: Bool)
    case reachesStore(StoreCall, StorePhase)

    case reachesWorker(Int, Peer, CoordinatorMessage, ToyJob.Task?)
    case workerTick(Int)
    case workerConnects(Int, incarnation: UInt64)
    case computed(Int, incarnation: UInt64, AttemptRef, ToyJob.Task)

    case jobArrives(Int)
    case jobIsCancelled(Int)
    case jobIsResumed(Int)
    /// A fault of a worker or a coordinator's host.
    case faultBegins(Fault, Int)
    case faultEnds(Fault, Int)
    /// The last fault is over, and everybody comes back.
    case heals
}

/// What travels from a worker to the coordinator.
enum Parcel: Sendable {
    case message(WorkerMessage, ToyJob.Partial?)
    case garbage(String)
    case otherVersion(UInt32)
}

/// What will happen and when; of two things at the same time, the one that was planned first.
struct Agenda {
    private struct Entry: Comparable {
        let at: MonotonicTime
        let number: UInt64
        let happening: Happening
        static func < (a: Entry, b: Entry) -> Bool { (a.at, a.number) < (b.at, b.number) }
        static func == (a: Entry, b: Entry) -> Bool { a.number == b.number }
    }

    private var entries = Heap<Entry>()
    private var count: UInt64 = 0

    mutating func add(_ happening: Happening, at moment: MonotonicTime) {
        count += 1
        entries.insert(Entry(at: moment, number: count, happening: happening))
    }

    mutating func next() -> (at: MonotonicTime, happening: Happening)? {
        entries.popMin().map { ($0.at, $0.happening) }
    }
}
