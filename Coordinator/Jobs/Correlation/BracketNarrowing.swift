import ClusterModel

/// Takes what has arrived into the median searches of some alphas, and narrows their brackets.
struct BracketNarrowing: Sendable {
    /// Of all alphas; nobody else touches those that `run` is given.
    nonisolated(unsafe) let searches: UnsafeMutableBufferPointer<MedianSearch>
    let arrived: ArrivedValues
    /// Values seen of each alpha.
    let count: [Int]
    /// Part of an alpha's values that has been seen, 0 ... 1.
    let fractionSeen: @Sendable (_ alpha: Int) -> Double
    /// Half width of the brackets in standard deviations of the sampling error.
    let deviations: Double
    /// Told each alpha's median, as far as it is known.
    let tell: (@Sendable (_ alpha: Int, MedianSearch.Outcome) -> Void)?

    /// Values that are put together at a time, unless one alpha alone has more: few enough to stay in a core's cache, and for
    /// memory that an allocator has at hand.
    private static let valuesAtOnce = 8_192

    func run<Value: MedianValue>(_ alphas: Range<Int>, _: Value.Type) {
        let arrived = arrived.of(alphas)
        var counts = alphas.map { searches[$0].inside.count }
        arrived.add(of: alphas, to: &counts)
        var first = 0
        while first < counts.count {
            var (end, total) = (first + 1, counts[first])
            while end < counts.count, total + counts[end] <= Self.valuesAtOnce {
                total += counts[end]
                end += 1
            }
            let together = (alphas.lowerBound + first)..<(alphas.lowerBound + end)
            narrow(together, arrived, counts[first..<end], total: total, Value.self)
            first = end
        }
    }

    private func narrow<Value: MedianValue>(
        _ alphas: Range<Int>, _ arrived: ArrivedValues, _ counts: ArraySlice<Int>, total: Int, _: Value.Type
    ) {
        let most = max(1, counts.max() ?? 0)
        withUnsafeTemporaryAllocation(of: Value.self, capacity: total + most) { room in
            guard let base = room.baseAddress else { return }
            var places: [UnsafeMutablePointer<Value>] = []
            places.reserveCapacity(alphas.count)
            var next = base
            for (alpha, count) in zip(alphas, counts) {
                let kept = Value.array(searches[alpha].inside) ?? []
                kept.withUnsafeBufferPointer { values in
                    if let start = values.baseAddress { next.initialize(from: start, count: values.count) }
                }
                places.append(next + kept.count)
                next += count
            }
            arrived.copy(of: alphas, to: &places)
            let scratch = base + total
            next = base
            for (alpha, count) in zip(alphas, counts) {
                searches[alpha].narrow(
                    UnsafeMutableBufferPointer(start: next, count: count), scratch: scratch, seen: self.count[alpha],
                    fraction: fractionSeen(alpha), deviations: deviations)
                tell?(alpha, searches[alpha].median(count: self.count[alpha], scratch: scratch))
                next += count
            }
        }
    }
}
