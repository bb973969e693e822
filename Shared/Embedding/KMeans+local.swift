import ClusterModel

extension KMeans {
    /// Rows per block of a run within one process.
    package static let blockRows = 512

    /// Lloyd's iteration within one process, with blocks of `blockRows` rows as a distributed run would have them.
    package static func run(
        _ rows: UnsafePointer<Double>, count: Int, width: Int, start: Centroids, meanVariance: Double = 1
    ) -> KMeansResult {
        var machine = KMeans(start: start, meanVariance: meanVariance)
        var step = machine.first
        while true {
            switch step {
            case .done(let result): return result
            case .assign(let centroids): step = machine.take(assign(rows, count: count, width: width, centroids))
            }
        }
    }

    /// The best of some starts: the smallest inertia, of equals the earlier.
    ///
    /// - Throws: GridError for fewer rows than clusters.
    package static func run(
        _ rows: UnsafePointer<Double>, count: Int, width: Int, clusters: Int, seed: UInt64, starts: Int = 10
    ) throws -> KMeansResult {
        let variance = meanVariance(rows, count: count, width: width)
        var best: KMeansResult?
        for number in 0..<max(1, starts) {
            var generator = SeededGenerator(seed: seed, stream: UInt64(number))
            let start = try KMeansStart.plusPlus(
                rows, count: count, width: width, clusters: clusters, seed: generator.next())
            let result = run(rows, count: count, width: width, start: start, meanVariance: variance)
            if best.map({ result.inertia < $0.inertia }) ?? true { best = result }
        }
        guard let best else { throw GridError(.failed, "k-means made no start") }
        return best
    }

    /// All rows of this process as one merged partial.
    package static func assign(
        _ rows: UnsafePointer<Double>, count: Int, width: Int, _ centroids: Centroids
    ) -> KMeansPartial {
        var merged: KMeansPartial?
        for first in stride(from: 0, to: max(1, count), by: blockRows) {
            let block = KMeansPartial(
                block: rows + first * width, count: min(blockRows, count - first), firstRow: first, centroids: centroids)
            if merged == nil { merged = block } else { merged?.merge(block) }
        }
        return merged ?? KMeansPartial(block: rows, count: 0, firstRow: 0, centroids: centroids)
    }

    /// Mean over the columns of their variance (ddof 0).
    package static func meanVariance(_ rows: UnsafePointer<Double>, count: Int, width: Int) -> Double {
        var (sums, squares) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
        for i in 0..<count { for t in 0..<width { sums[t] += rows[i * width + t] } }
        for i in 0..<count {
            for t in 0..<width {
                let difference = rows[i * width + t] - sums[t] / Double(count)
                squares[t] += difference * difference
            }
        }
        return squares.reduce(0, +) / Double(max(1, count * width))
    }
}
