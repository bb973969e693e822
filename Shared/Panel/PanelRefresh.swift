import ClusterModel
import Dispatch

/// Which place each alpha of an input gets in a panel.
struct PanelLayoutPlan {
    let shape: PanelShape
    /// Positions in the input, by layout position.
    let order: [Int]
    let sampledAlphaCount: Int

    /// A layout that depends on the ids alone.
    init(fresh ids: [String], dayCount: Int, blockEdge: Int) throws(GridError) {
        shape = try PanelShape(alphaCount: ids.count, dayCount: dayCount, blockEdge: blockEdge, name: "the panel")
        order = AlphaOrder.layout(ids)
        sampledAlphaCount = ids.count
    }

    /// Keeps the places of an earlier panel and puts new alphas into blocks of their own behind them, in fresh order.
    ///
    /// - Parameter inputs: input position of each alpha of `old`, by layout position.
    /// - Returns: nil when an alpha of `old` is gone, or when part-filled blocks would make much more work than a fresh
    ///   layout does.
    init?(appendingTo old: Panel, inputs: [Int?], ids: [String]) throws(GridError) {
        var isOld = [Bool](repeating: false, count: ids.count)
        var order: [Int] = []
        for input in inputs {
            guard let input else { return nil }
            isOld[input] = true
            order.append(input)
        }
        let added = ids.indices.filter { !isOld[$0] }
        var counts = (0..<old.blockCount).map { old.alphas(inBlock: $0).count }
        var left = added.count
        while left > 0 {
            counts.append(min(left, old.blockEdge))
            left -= old.blockEdge
        }
        let freshCount = (ids.count + old.blockEdge - 1) / old.blockEdge
        guard counts.count <= freshCount + max(Limits.panelBlocksPartFilledMin, freshCount / 8) else { return nil }
        order += AlphaOrder.layout(added.map { ids[$0] }).map { added[$0] }
        shape = try PanelShape(blockCounts: counts, dayCount: old.dayCount, blockEdge: old.blockEdge, name: "the panel")
        self.order = order
        sampledAlphaCount = old.sampledAlphaCount
    }
}

extension PanelBuilder {
    /// Begins with the values of an earlier panel where they still hold, and missing values elsewhere.
    ///
    /// While the dates stay the same, alphas keep their places, and blocks without a stale alpha their bytes and hashes;
    /// new alphas come behind in blocks of their own. With other dates everything is computed anew, so that the layout
    /// is fresh; so it is when alphas are gone. Parts whose days are as they were keep their hashes in any case: those of
    /// series, and those of blocks that have the same alphas in the fresh layout.
    ///
    /// - Parameters:
    ///   - alphaIDs: distinct ids of the new panel, in the order of the input.
    ///   - dates: of the new panel.
    ///   - stale: positions in `alphaIDs` of alphas whose values are all to be set again.
    ///   - staleDay: values of all alphas from this date on are to be set again.
    package convenience init(
        refreshing old: Panel, alphaIDs: [String], dates: [Day], stale: Set<Int>, staleFrom staleDay: Day? = nil
    ) throws(GridError) {
        let inputs = Self.inputs(of: old, in: alphaIDs)
        let kept = dates == old.dates ? try PanelLayoutPlan(appendingTo: old, inputs: inputs, ids: alphaIDs) : nil
        let layout: PanelLayoutPlan
        if let kept {
            layout = kept
        } else {
            layout = try PanelLayoutPlan(fresh: alphaIDs, dayCount: dates.count, blockEdge: old.blockEdge)
        }
        try self.init(alphaIDs: alphaIDs, dates: dates, layout: layout)
        var sources = [Int?](repeating: nil, count: alphaIDs.count)
        for (position, input) in inputs.enumerated() {
            if let input, !stale.contains(input) { sources[inputOrder[input]] = position }
        }
        let days = Self.dayMap(from: old.dates, to: dates, before: staleDay)
        copyValues(of: old, sources: sources, days: days)
        fillPadding()
        let isEvery = days.commonCount == dates.count && days.commonCount == old.dayCount
        known = KnownHashes(
            panel: old, sources: sources, partCount: isEvery ? shape.blockSize.partCount : days.commonCount / Limits.partDays)
    }

    /// Hashes of the earlier panel that hold in the new one.
    struct KnownHashes: Sendable {
        let panel: Panel
        /// Where in `panel` each series comes from, by layout position; nil for one that has to be hashed.
        let sources: [Int?]
        /// The first so many parts have the same days in both.
        let partCount: Int

        /// Of the first parts of a series.
        func series(_ position: Int) -> [BlockHash] {
            guard let source = sources[position] else { return [] }
            let start = source * panel.shape.blockSize.partCount
            return Array(panel.seriesHashes[start..<(start + partCount)])
        }

        /// Of the first parts of a block that has the same alphas in the same places.
        func parts(ofBlock block: Int, in shape: PanelShape) -> [BlockHash] {
            guard block < panel.blockCount, shape.alphas(inBlock: block) == panel.alphas(inBlock: block),
                shape.alphas(inBlock: block).allSatisfy({ sources[$0] == $0 })
            else { return [] }
            return Array(panel.blockNames[block].parts.prefix(partCount))
        }
    }

    /// Position in `ids` of each alpha of `old`, by layout position; nil for those that are gone.
    private static func inputs(of old: Panel, in ids: [String]) -> [Int?] {
        var table = AlphaIDTable()
        func insert(_ id: String) -> Int {
            var id = id
            return id.withUTF8 { table.insert($0).position }
        }
        // Positions differ from input positions only behind an id that occurs twice, which is refused anyway.
        for id in ids { _ = insert(id) }
        return old.alphaIDs.map { id in
            let position = insert(id)
            return position < ids.count ? position : nil
        }
    }

    /// - Parameter sources: where in `old` each series comes from, by layout position; nil for a missing one.
    private func copyValues(of old: Panel, sources: [Int?], days: DayMap) {
        let group = 64
        DispatchQueue.concurrentPerform(iterations: (shape.alphaCount + group - 1) / group) { index in
            for position in (index * group)..<min((index + 1) * group, shape.alphaCount) {
                let target = series(position)
                guard let source = sources[position] else {
                    target.update(repeating: .nan, count: shape.dayCount)
                    continue
                }
                let values = old.series(source)
                if days.commonCount > 0 { target.update(from: values.baseAddress!, count: days.commonCount) }
                (target + days.commonCount).update(repeating: .nan, count: shape.dayCount - days.commonCount)
                for (from, to) in days.moved { target[to] = values[from] }
            }
        }
    }

    private struct DayMap {
        /// The first so many dates are the same in both panels and copied as they are.
        var commonCount = 0
        /// Positions of later dates that are in both.
        var moved: [(from: Int, to: Int)] = []
    }

    private static func dayMap(from old: [Day], to new: [Day], before end: Day?) -> DayMap {
        let kept = old.prefix { day in end.map { day < $0 } ?? true }
        var map = DayMap()
        while map.commonCount < min(kept.count, new.count), kept[map.commonCount] == new[map.commonCount] {
            map.commonCount += 1
        }
        var to = map.commonCount
        for from in map.commonCount..<kept.count {
            while to < new.count, new[to] < kept[from] { to += 1 }
            if to < new.count, new[to] == kept[from] { map.moved.append((from, to)) }
        }
        return map
    }
}
