import ClusterModel
import Panel

/// Decides which rows bring a kept panel up to date. Knows nothing of the database.
struct RefreshPlan: Equatable {
    /// Alphas of the pool whose rows are all read, in bytewise order: those that are new or were changed in their past.
    var whole: [String] = []
    /// Rows of all other alphas from this date on are read; nil for none.
    var tailFrom: Day?
    /// Rows that will be read, roughly.
    var rowEstimate = 0
    /// Whether alphas of the panel are no longer in the pool.
    var hasLeavers = false

    /// Nothing of the pool has changed.
    var isEmpty: Bool { whole.isEmpty && tailFrom == nil && !hasLeavers }

    /// - Parameters:
    ///   - panel: the kept one.
    ///   - withoutPnL: alphas that were in the pool then and had no rows.
    ///   - members: the pool now, in bytewise order.
    ///   - changes: the earliest date touched of each changed alpha, pool or not.
    init(panel: Panel, withoutPnL: [String], members: [String], changes: [(id: String, firstDay: Day)]) {
        let changed = AlphaIndex(changes.map(\.id))
        let idle = AlphaIndex(withoutPnL)
        let positions = AlphaIndex(panel.alphaIDs)
        var touched: [(id: String, firstDay: Day)] = []
        var staying = 0
        for id in members {
            let alpha = positions.find(id)
            let change = changed.find(id)
            if alpha >= 0 {
                staying += 1
                guard change >= 0 else { continue }
                let day = changes[change].firstDay
                // An alpha without a value before that day may have lost all its rows: reading it whole tells.
                let first = panel.series(alpha).firstIndex { !$0.isNaN }
                let isOlder = first.map { panel.dates[$0] < day } ?? false
                touched.append((id, isOlder ? day : .earliest))
            } else if change >= 0 || idle.find(id) < 0 {
                touched.append((id, .earliest))
            }
        }
        hasLeavers = staying < panel.alphaCount
        tailFrom = Self.cheapestTail(touched.map(\.firstDay), dates: panel.dates, alphaCount: panel.alphaCount)
        whole = touched.filter { alpha in tailFrom.map { alpha.firstDay < $0 } ?? true }.map(\.id)
        rowEstimate = Self.cost(touched.map(\.firstDay), tailFrom: tailFrom, dates: panel.dates, alphaCount: panel.alphaCount)
    }

    /// The date from which on reading everybody's rows, and whole series of those touched before it, reads fewest rows;
    /// nil when reading only whole series does.
    private static func cheapestTail(_ firstDays: [Day], dates: [Day], alphaCount: Int) -> Day? {
        var best: Day?
        var bestCost = cost(firstDays, tailFrom: nil, dates: dates, alphaCount: alphaCount)
        let sorted = firstDays.sorted()
        for (index, day) in sorted.enumerated() where day > .earliest && (index == 0 || sorted[index - 1] < day) {
            let cost = index * (dates.count + 1) + tailDays(day, dates) * alphaCount
            if cost < bestCost { (best, bestCost) = (day, cost) }
        }
        return best
    }

    private static func cost(_ firstDays: [Day], tailFrom: Day?, dates: [Day], alphaCount: Int) -> Int {
        guard let tailFrom else { return firstDays.count * (dates.count + 1) }
        return firstDays.count { $0 < tailFrom } * (dates.count + 1) + tailDays(tailFrom, dates) * alphaCount
    }

    /// Dates of the panel from `day` on, and one for those it does not have yet.
    private static func tailDays(_ day: Day, _ dates: [Day]) -> Int {
        var low = 0
        var high = dates.count
        while low < high {
            let middle = (low + high) / 2
            if dates[middle] < day { low = middle + 1 } else { high = middle }
        }
        return dates.count - low + 1
    }
}
