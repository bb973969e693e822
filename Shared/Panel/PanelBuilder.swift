import ClusterModel
import Dispatch

/// Fills a panel's memory in its final layout, so that the values exist once.
///
/// For readers that know ids and dates before the values. Any number of threads may set values, as long as no two set
/// the same day of an alpha at once; `finish` comes after all of them, once.
package final class PanelBuilder: @unchecked Sendable {
    package let shape: PanelShape
    package let dates: [Day]
    let alphaIDs: [String]
    /// Layout position of each alpha of the input.
    let inputOrder: [Int]
    /// Byte offset of each alpha's series, in input order: `set` is called for every row of a database.
    private let offsets: [Int]
    private let idOrder: [UInt32]
    private let sampledAlphaCount: Int
    private let storage: Payload
    private let base: UnsafeMutableRawPointer
    /// What is as it was in an earlier panel, so that its hashes are known.
    var known: KnownHashes?

    /// - Parameters:
    ///   - alphaIDs: distinct ids, in the order of the input.
    ///   - dates: ascending, without duplicates.
    ///   - blockEdge: alphas per block, 1 ... `Limits.blockEdgeMax`.
    /// - Throws: `GridError(.usage)` naming the id, date or number that is not valid, also when there are none.
    package convenience init(alphaIDs: [String], dates: [Day], blockEdge: Int) throws(GridError) {
        let layout = try PanelLayoutPlan(fresh: alphaIDs, dayCount: dates.count, blockEdge: blockEdge)
        try self.init(alphaIDs: alphaIDs, dates: dates, layout: layout)
        fillMissing()
    }

    /// Leaves the values undefined.
    /// - Parameter dates: empty, or as many as the layout's days.
    init(alphaIDs ids: [String], dates: [Day], layout: PanelLayoutPlan) throws(GridError) {
        for id in ids { if let problem = AlphaIDRule.problem(id) { throw GridError(.usage, problem) } }
        for (a, b) in zip(dates, dates.dropFirst()) where a >= b {
            throw GridError(.usage, "date \(b) comes behind \(a): expected ascending dates without duplicates")
        }
        let shape = layout.shape
        var inputOrder = [Int](repeating: 0, count: ids.count)
        for (position, input) in layout.order.enumerated() { inputOrder[input] = position }
        alphaIDs = layout.order.map { ids[$0] }
        let order = AlphaOrder.bytewise(alphaIDs)
        if let twice = AlphaOrder.duplicate(alphaIDs, bytewise: order) {
            throw GridError(.usage, "alpha id '\(twice.printable)' occurs twice")
        }
        idOrder = order.map { UInt32($0) }
        self.inputOrder = inputOrder
        offsets = inputOrder.map { shape.offset(ofAlpha: $0) }
        sampledAlphaCount = layout.sampledAlphaCount
        self.shape = shape
        self.dates = dates
        storage = try FileSystem.allocate(bytes: shape.totalBytes, for: "the panel")
        base = UnsafeMutableRawPointer(mutating: storage.bytes.baseAddress!)
    }

    /// Sets one value; missing ones need not be set.
    /// - Parameters:
    ///   - alpha: position in the ids given.
    ///   - day: position in the dates.
    package func set(alpha: Int, day: Int, value: Double) {
        precondition(day >= 0 && day < shape.dayCount)
        (base + offsets[alpha]).assumingMemoryBound(to: Double.self)[day] = value
    }

    /// Sets all values of an alpha.
    package func set(alpha: Int, values: UnsafeBufferPointer<Double>) {
        precondition(values.count == shape.dayCount)
        series(inputOrder[alpha]).update(from: values.baseAddress!, count: values.count)
    }

    /// - Throws: `GridError(.usage)` naming alpha and date of values that are infinite or too large.
    package func finish() throws(GridError) -> Panel {
        // Series and block are hashed one after the other, while the block is still in the cache.
        let blocks = PanelHashing.concurrentMap(shape.blockCount) { block in
            (series: self.shape.alphas(inBlock: block).map { self.checked($0) }, parts: self.hashes(ofBlock: block))
        }
        let series = blocks.flatMap(\.series)
        if let alpha = inputOrder.first(where: { !series[$0].isValid }) { throw invalid(alpha) }
        return Panel(
            Panel.Parts(
                shape: shape, alphaIDs: alphaIDs, inputOrder: inputOrder, idOrder: idOrder, dates: dates,
                sampledAlphaCount: sampledAlphaCount, partHashes: blocks.flatMap(\.parts),
                seriesHashes: series.flatMap(\.hashes), storage: storage))
    }

    private func checked(_ alpha: Int) -> (isValid: Bool, hashes: [BlockHash]) {
        let size = shape.blockSize
        var hashes = known?.series(alpha) ?? []
        guard hashes.count < size.partCount else { return (true, hashes) }
        let isValid = canonicalise(alpha, from: size.days(ofPart: hashes.count).lowerBound)
        let bytes = UnsafeRawBufferPointer(start: series(alpha), count: shape.dayCount * 8)
        for part in hashes.count..<size.partCount {
            hashes.append(PanelHashing.hash(UnsafeRawBufferPointer(rebasing: bytes[size.range(ofPart: part, slot: 0)])))
        }
        return (isValid, hashes)
    }

    private func hashes(ofBlock block: Int) -> [BlockHash] {
        let hashes = known?.parts(ofBlock: block, in: shape) ?? []
        return hashes
            + (hashes.count..<shape.blockSize.partCount).map {
                PanelHashing.hash(ofPart: $0, block: block, storage, shape)
            }
    }

    /// Which dates have a value of any alpha.
    package func daysWithValues() -> [Bool] {
        var found = [Bool](repeating: false, count: shape.dayCount)
        // Nearly every alpha has nearly every date, so the list of those not yet seen shrinks at once.
        var left = Array(0..<shape.dayCount)
        for position in 0..<shape.alphaCount where !left.isEmpty {
            let values = series(position)
            left.removeAll { day in
                found[day] = !values[day].isNaN
                return found[day]
            }
        }
        return found
    }

    func series(_ position: Int) -> UnsafeMutablePointer<Double> {
        (base + shape.offset(ofAlpha: position)).assumingMemoryBound(to: Double.self)
    }

    private func fillMissing() {
        let group = 64
        DispatchQueue.concurrentPerform(iterations: (shape.alphaCount + group - 1) / group) { index in
            for position in (index * group)..<min((index + 1) * group, shape.alphaCount) {
                series(position).update(repeating: .nan, count: shape.dayCount)
            }
        }
        fillPadding()
    }

    /// Makes the series missing that only fill blocks up.
    func fillPadding() {
        for block in 0..<shape.blockCount {
            for slot in shape.alphas(inBlock: block).count..<shape.blockEdge {
                let start = (base + shape.offset(ofSlot: slot, inBlock: block)).assumingMemoryBound(to: Double.self)
                start.update(repeating: .nan, count: shape.dayCount)
            }
        }
    }

    /// Gives equal values equal bits: one NaN, no negative zero.
    /// - Returns: whether all values from the first day on are missing or within the limit.
    private func canonicalise(_ position: Int, from first: Int) -> Bool {
        // Read once: a loop that asks another module for its limit is not made of vectors.
        let (values, limit) = (series(position), Limits.valueMagnitudeMax)
        var invalid: UInt8 = 0
        for day in first..<shape.dayCount {
            let value = values[day]
            // Adding zero turns -0 into 0 and changes nothing else.
            values[day] = value.isNaN ? .nan : value + 0
            invalid |= value.magnitude > limit ? 1 : 0
        }
        return invalid == 0
    }

    private func invalid(_ alpha: Int) -> GridError {
        let values = series(alpha)
        let day = (0..<shape.dayCount).first { values[$0].magnitude > Limits.valueMagnitudeMax } ?? 0
        let date = dates.isEmpty ? "day \(day + 1)" : "\(dates[day])"
        let problem = PnLText.problem(values[day], text: "\(values[day])") ?? ""
        return GridError(.usage, "PnL of alpha \(alphaIDs[alpha].printable) on \(date): \(problem)")
    }
}

extension Panel {
    /// Lays a table out. The table is copied once; drop it afterwards.
    /// - Parameter blockEdge: alphas per block, 1 ... `Limits.blockEdgeMax`.
    package static func build(from table: PnLTable, blockEdge: Int) throws(GridError) -> Panel {
        let layout = try PanelLayoutPlan(fresh: table.alphaIDs, dayCount: table.dayCount, blockEdge: blockEdge)
        let builder = try PanelBuilder(alphaIDs: table.alphaIDs, dates: table.dates, layout: layout)
        builder.fillPadding()
        let group = 64
        DispatchQueue.concurrentPerform(iterations: (table.alphaIDs.count + group - 1) / group) { index in
            for alpha in (index * group)..<min((index + 1) * group, table.alphaIDs.count) {
                builder.set(alpha: alpha, values: table.series(alpha))
            }
        }
        return try builder.finish()
    }
}
