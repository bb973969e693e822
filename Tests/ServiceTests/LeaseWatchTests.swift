import ClusterModel
import Store
import Testing

@testable import Service

@Suite("Watching the coordinator's lease")
struct LeaseWatchTests {
    private static func lease(_ epoch: Int64, _ renewals: Int64) -> LeaseView {
        LeaseView(epoch: Epoch(epoch), holder: "a", renewals: renewals)
    }

    /// What a watch with a patience of 100 ms says at each of the given milliseconds.
    private func verdicts(_ sights: [(milliseconds: Int64, lease: LeaseView)]) -> [Bool] {
        var watch = LeaseWatch()
        return sights.map { sight in
            let now = MonotonicTime(nanoseconds: 0).advanced(milliseconds: sight.milliseconds)
            return watch.isStale(sight.lease, at: now, staleMilliseconds: 100)
        }
    }

    @Test("A lease is stale when it has stood still for so long since it was first seen, and no sooner")
    func standsStill() {
        let lease = Self.lease(3, 7)
        #expect(verdicts([(0, lease), (99, lease), (100, lease)]) == [false, false, true])
    }

    @Test("Every sign of life, and every other coordinator, begins the wait anew")
    func signsOfLife() {
        let alive = (0..<20 as Range<Int64>).map { ($0 * 90, Self.lease(3, $0)) }
        let other = [1_805, 1_904, 1_905].map { (Int64($0), Self.lease(4, 19)) }
        #expect(verdicts(alive + other) == Array(repeating: false, count: 22) + [true])
    }

    @Test("One that has left, and a database that never had one, are free")
    func free() {
        #expect(Self.lease(3, -1).isFree)
        #expect(Self.lease(0, 0).isFree)
        #expect(!Self.lease(1, 0).isFree)
    }
}
