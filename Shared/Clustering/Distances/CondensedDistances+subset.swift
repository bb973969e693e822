extension CondensedDistances {
    /// Which points to leave out so that every remaining pair is defined.
    ///
    /// Leaves out the point with the most undefined pairs among the remaining ones, the last of them when several have as many,
    /// until no undefined pair remains.
    ///
    /// - Returns: the points kept and those left out, both ascending.
    package func complete() -> (kept: [Int], leftOut: [Int]) {
        var partners = [[Int32]](repeating: [], count: count)
        var at = 0
        let values = values
        for i in 0..<count {
            for j in i + 1..<count {
                if !values[at].isFinite {
                    partners[i].append(Int32(j))
                    partners[j].append(Int32(i))
                }
                at += 1
            }
        }
        var undefined = partners.map(\.count)
        var isKept = [Bool](repeating: true, count: count)
        while let most = undefined.max(), most > 0, let worst = undefined.lastIndex(of: most) {
            isKept[worst] = false
            undefined[worst] = 0
            for partner in partners[worst] { undefined[Int(partner)] -= 1 }
        }
        return ((0..<count).filter { isKept[$0] }, (0..<count).filter { !isKept[$0] })
    }

    /// The distances among some of the points, in the order given.
    package func subset(_ points: [Int]) throws -> CondensedDistances {
        try CondensedDistances(count: points.count) { values in
            var at = 0
            for (place, i) in points.enumerated() {
                for j in points[(place + 1)...] {
                    values[at] = self[i, j]
                    at += 1
                }
            }
        }
    }

    /// Distance of each point to its `k`-th nearest other point, as HDBSCAN counts them; infinite with fewer defined pairs.
    ///
    /// The hdbscan package calls k `min_samples` and takes n - 1 when there are fewer points.
    package func coreDistances(minSamples k: Int) -> [Double] {
        let rank = min(k, count - 1)
        guard rank >= 1 else { return [Double](repeating: 0, count: count) }
        return (0..<count).map { point in
            var nearest = NearestDistances(keeping: rank)
            forEachDistance(from: point) { _, distance in nearest.add(distance) }
            return nearest.last
        }
    }
}

/// The k smallest of a stream of distances; NaN is passed over.
struct NearestDistances {
    private var kept: [Double] = []
    private let limit: Int

    init(keeping limit: Int) {
        precondition(limit >= 1)
        self.limit = limit
        kept.reserveCapacity(limit)
    }

    mutating func add(_ distance: Double) {
        guard !distance.isNaN else { return }
        if kept.count == limit {
            guard distance < kept[limit - 1] else { return }
            kept.removeLast()
        }
        var low = 0
        var high = kept.count
        while low < high {
            let middle = (low + high) / 2
            if kept[middle] <= distance { low = middle + 1 } else { high = middle }
        }
        kept.insert(distance, at: low)
    }

    /// The k-th smallest, infinite while there are fewer.
    var last: Double { kept.count == limit ? kept[limit - 1] : .infinity }
}
