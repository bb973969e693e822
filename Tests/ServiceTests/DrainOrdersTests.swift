import ClusterModel
import Store
import Testing

@testable import Service

struct DrainOrdersTests {
    private func worker(_ name: String, process: Int32 = 1, state: String = "connected") -> WorkerView {
        WorkerView(
            worker: name, host: "host", processID: process, version: "1", profile: "p", state: state, slots: 1, running: 0,
            queued: 0, tasksDone: 0, tasksFailed: 0, memoryBytes: 0, cachedBytes: 0, gigaflopsPerSecond: 1, heartbeatAgeSeconds: 0
        )
    }

    private func drain(
        _ name: String, process: Int32 = 1, incarnation: UInt64? = nil, hasLeft: Bool = false
    ) -> Store.StoredDrain {
        Store.StoredDrain(
            worker: WorkerID(name), processID: process, incarnation: incarnation, reason: "why", deadline: nil, hasLeft: hasLeft)
    }

    @Test("A worker that has left as ordered stays listed as drained, until somebody takes the order back")
    func leaves() {
        var orders = DrainOrders()
        orders.order(drain("w1"), worker("w1"))
        #expect(orders.see([worker("w1", state: "draining"), worker("w2")]).fulfilled.isEmpty)
        #expect(orders.drained().isEmpty && orders.holds(WorkerID("w1")))
        #expect(orders.marked(worker("w1")).drainReason == "why" && orders.marked(worker("w2")).drainReason == nil)
        // Lost is not left: it may come back.
        #expect(orders.see([worker("w1", state: "lost")]).fulfilled.isEmpty)
        #expect(orders.see([worker("w2")]).fulfilled == [drain("w1", hasLeft: true)])
        #expect(orders.see([worker("w2")]).fulfilled.isEmpty, "said once")
        #expect(orders.drained().map(\.state) == ["drained"] && !orders.holds(WorkerID("w1")))
        #expect(orders.drainedCount == 1)
        #expect(orders.left(WorkerID("w1"))?.drainReason == "why")
        orders.remove(WorkerID("w1"))
        #expect(orders.drained().isEmpty)
    }

    @Test("The order is over when another process of the name comes")
    func restarted() {
        var orders = DrainOrders()
        orders.order(drain("w1"), worker("w1"))
        #expect(orders.see([worker("w1", process: 2)]).over == [WorkerID("w1")])
        #expect(!orders.holds(WorkerID("w1")))
    }

    @Test("The order is over when the worker is started again with the same process number, as in a container")
    func restartedContainer() {
        let name = WorkerID("w1")
        for isKnown in [true, false] {
            var orders = DrainOrders()
            if isKnown {
                orders.order(drain("w1", incarnation: 7), worker("w1"))
            } else {
                orders.restore(drain("w1", incarnation: 7))
            }
            #expect(orders.see([worker("w1")], [name: 7]).over.isEmpty && orders.holds(name))
            let news = orders.see([worker("w1")], [name: 8])
            #expect(news.over == [name] && news.untold.isEmpty && !orders.holds(name))
        }
    }

    @Test("An order to an earlier coordinator is said again when its worker comes, and only to that process")
    func restored() {
        var orders = DrainOrders()
        for name in ["w1", "w2"] { orders.restore(drain(name)) }
        orders.restore(drain("w3", hasLeft: true))
        #expect(orders.see([]).untold.isEmpty, "they may not have come yet")
        #expect(orders.drained().map(\.worker) == ["w3"])
        let news = orders.see([worker("w1"), worker("w2", process: 9)])
        #expect(news.untold == [drain("w1")] && news.over == [WorkerID("w2")])
        #expect(orders.see([worker("w1")]).untold.isEmpty)
    }

    @Test("Who has left looks as old as it is, also to a coordinator that has never seen it")
    func age() throws {
        var orders = DrainOrders()
        orders.order(drain("w1"), worker("w1"), at: 1_000)
        _ = orders.see([worker("w1", state: "draining")], at: 1_010)
        _ = orders.see([], at: 1_011)
        #expect(orders.drained(at: 1_070).map(\.heartbeatAgeSeconds) == [60])
        var stored = drain("w1", hasLeft: true)
        stored.changedAt = 1_011
        var later = DrainOrders()
        later.restore(stored)
        #expect(later.drained(at: 4_611).map(\.heartbeatAgeSeconds) == [3_600])
    }

    @Test("Their number is bounded")
    func bounded() {
        var orders = DrainOrders()
        for number in 0..<(Limits.drainOrdersMax + 50) { orders.order(drain("w\(number)"), worker("w\(number)")) }
        _ = orders.see([])
        #expect(orders.drained().count == Limits.drainOrdersMax)
    }
}
