import ClusterModel
import Foundation
import Store

/// Which workers an operator wants to leave, and which have: those stay listed, so that somebody who misses one sees why.
struct DrainOrders: Sendable {
    private struct Order: Sendable {
        var stored: Store.StoredDrain
        /// As it was last seen, and when: in seconds since 1970.
        var view: WorkerView
        var seenAt: Double
        /// False for an order of an earlier coordinator until its worker comes.
        var isTold = true
    }

    private var orders: [WorkerID: Order] = [:]

    mutating func order(_ drain: Store.StoredDrain, _ view: WorkerView, at now: Double = Self.now) {
        orders[drain.worker] = Order(stored: drain, view: view, seenAt: now)
        while orders.count > Limits.drainOrdersMax {
            let other = orders.keys.sorted().first { orders[$0]?.stored.hasLeft == true } ?? orders.keys.min()
            if let other { orders[other] = nil }
        }
    }

    mutating func restore(_ drain: Store.StoredDrain) {
        // Nothing else is known of it until it comes.
        let view = WorkerView(
            worker: drain.worker.rawValue, host: "", processID: drain.processID, version: "", profile: "", state: "draining",
            slots: 0, running: 0, queued: 0, tasksDone: 0, tasksFailed: 0, memoryBytes: 0, cachedBytes: 0,
            gigaflopsPerSecond: 0, heartbeatAgeSeconds: 0)
        // One that has left was there until its order was marked as fulfilled.
        orders[drain.worker] = Order(stored: drain, view: view, seenAt: drain.changedAt ?? Self.now, isTold: false)
    }

    /// Seconds since 1970.
    static var now: Double { Date.now.timeIntervalSince1970 }

    mutating func remove(_ worker: WorkerID) { orders[worker] = nil }

    func holds(_ worker: WorkerID) -> Bool { orders[worker].map { !$0.stored.hasLeft } ?? false }

    /// The order that holds for a worker.
    func stored(_ worker: WorkerID) -> Store.StoredDrain? { holds(worker) ? orders[worker]?.stored : nil }

    /// A worker that has left as it was ordered to.
    func left(_ worker: WorkerID) -> WorkerView? { drained().first { $0.worker == worker.rawValue } }

    /// Takes in who is there, and which start of each.
    ///
    /// - Returns: orders whose workers have not heard of them, those that are fulfilled now, and workers whose orders are over
    ///   because somebody has started them again.
    mutating func see(
        _ workers: [WorkerView], _ incarnations: [WorkerID: UInt64] = [:], at now: Double = Self.now
    ) -> (untold: [Store.StoredDrain], fulfilled: [Store.StoredDrain], over: [WorkerID]) {
        guard !orders.isEmpty else { return ([], [], []) }
        let present = Dictionary(workers.map { (WorkerID($0.worker), $0) }, uniquingKeysWith: { first, _ in first })
        var (untold, fulfilled, over): ([Store.StoredDrain], [Store.StoredDrain], [WorkerID]) = ([], [], [])
        for worker in orders.keys.sorted() {
            guard var order = orders[worker] else { continue }
            if let view = present[worker] {
                if view.state == "lost" { continue }
                let isOther = order.stored.incarnation.map { $0 != incarnations[worker] }
                if isOther ?? (order.stored.processID != view.processID) || order.stored.hasLeft {
                    orders[worker] = nil
                    over.append(worker)
                    continue
                }
                if !order.isTold { untold.append(order.stored) }
                (order.isTold, order.view, order.seenAt) = (true, view, now)
            } else if order.isTold, !order.stored.hasLeft {
                order.stored.hasLeft = true
                fulfilled.append(order.stored)
            }
            orders[worker] = order
        }
        return (untold, fulfilled, over)
    }

    /// The view with its order, if there is one.
    func marked(_ view: WorkerView) -> WorkerView {
        guard let order = orders[WorkerID(view.worker)], !order.stored.hasLeft else { return view }
        return Self.marked(view, order)
    }

    private static func marked(_ view: WorkerView, _ order: Order) -> WorkerView {
        var view = view
        view.drainReason = order.stored.reason.isEmpty ? nil : order.stored.reason
        view.drainDeadline = order.stored.deadline.map { ActiveJob.timestamp(Date(timeIntervalSince1970: $0)) }
        return view
    }

    /// How many have left.
    var drainedCount: Int { orders.values.count { $0.stored.hasLeft } }

    /// Those that have left, by name; the age of their last sign of life goes on growing.
    func drained(at now: Double = Self.now) -> [WorkerView] {
        orders.keys.sorted().compactMap { worker in
            guard let order = orders[worker], order.stored.hasLeft else { return nil }
            var view = Self.marked(order.view, order)
            (view.state, view.running, view.queued, view.gigaflopsPerSecond) = ("drained", 0, 0, 0)
            view.heartbeatAgeSeconds += max(0, now - order.seenAt)
            view.drainDeadline = nil
            return view
        }
    }
}
