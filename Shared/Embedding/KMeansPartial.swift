import ClusterModel
import Kernels

/// Centres of clusters: `count` x `width`, row-major.
package struct Centroids: Sendable, Equatable {
    package let count: Int
    package let width: Int
    package internal(set) var values: [Double]
    /// The rows that first centres are, by number among all rows; empty for centres that are no rows.
    package let rows: [Int]

    package init(count: Int, width: Int, values: [Double], rows: [Int] = []) {
        precondition(values.count == count * width)
        self.count = count
        self.width = width
        self.values = values
        self.rows = rows
    }
}

/// What one block of rows adds to a round of k-means; partials of all blocks are merged in block order.
package struct KMeansPartial: Sendable, Equatable {
    /// A row that lies far from its centre, for clusters that have lost all of theirs.
    package struct FarRow: Sendable, Equatable {
        package let row: Int
        package let label: Int
        package let squaredDistance: Double
        package let values: [Double]

        package init(row: Int, label: Int, squaredDistance: Double, values: [Double]) {
            self.row = row
            self.label = label
            self.squaredDistance = squaredDistance
            self.values = values
        }
    }

    /// Far rows that a partial keeps: empty clusters beyond as many wait for the next round.
    package static let farRowsMax = 4

    /// The cluster of each row, in the order of the rows; the smaller of two at the same distance.
    package internal(set) var labels: [Int32]
    /// k: rows per cluster; k x T: their sum.
    package internal(set) var counts: [Int]
    package internal(set) var sums: [Double]
    /// The sum of squared distances of the rows from their centres.
    package internal(set) var inertia: Double
    /// Farthest first, of equals the smaller row.
    package internal(set) var farRows: [FarRow]

    package init(labels: [Int32], counts: [Int], sums: [Double], inertia: Double, farRows: [FarRow]) {
        self.labels = labels
        self.counts = counts
        self.sums = sums
        self.inertia = inertia
        self.farRows = farRows
    }

    /// Assigns each row of a block to the nearest centre: |c|^2 - 2 x'c by a matrix product, and the distance to the
    /// nearest from the differences.
    ///
    /// - Parameters:
    ///   - rows: `count` x `centroids.width`, row-major, finite.
    ///   - firstRow: number of the block's first row among all rows.
    package init(block rows: UnsafePointer<Double>, count: Int, firstRow: Int, centroids: Centroids) {
        let (k, width) = (centroids.count, centroids.width)
        labels = [Int32](repeating: 0, count: count)
        counts = [Int](repeating: 0, count: k)
        sums = [Double](repeating: 0, count: k * width)
        inertia = 0
        farRows = []
        let norms = (0..<k).map { c in
            centroids.values[(c * width)..<((c + 1) * width)].reduce(0) { $0 + $1 * $1 }
        }
        var products = [Double](repeating: 0, count: count * k)
        LinearAlgebra.multiply(
            rows, step: width, by: centroids.values, step: width, into: &products, step: k, rows: count, columns: k,
            depth: width, rightTransposed: true)
        centroids.values.withUnsafeBufferPointer { centres in
            for i in 0..<count {
                var (nearest, least) = (0, Double.infinity)
                for c in 0..<k {
                    let distance = norms[c] - 2 * products[i * k + c]
                    if distance < least { (nearest, least) = (c, distance) }
                }
                add(rows + i * width, row: firstRow + i, to: nearest, centre: centres, width: width)
                labels[i] = Int32(nearest)
            }
        }
    }

    private mutating func add(
        _ row: UnsafePointer<Double>, row number: Int, to c: Int, centre: UnsafeBufferPointer<Double>, width: Int
    ) {
        var distance = 0.0
        sums.withUnsafeMutableBufferPointer { sums in
            for t in 0..<width {
                let difference = row[t] - centre[c * width + t]
                distance += difference * difference
                sums[c * width + t] += row[t]
            }
        }
        counts[c] += 1
        inertia += distance
        guard isWanted(distance) else { return }
        let values = Array(UnsafeBufferPointer(start: row, count: width))
        insert(FarRow(row: number, label: c, squaredDistance: distance, values: values))
    }

    private func isWanted(_ squaredDistance: Double) -> Bool {
        farRows.count < Self.farRowsMax || squaredDistance > farRows[farRows.count - 1].squaredDistance
    }

    /// Rows come in ascending order, so that equals stay behind the smaller row.
    private mutating func insert(_ far: FarRow) {
        farRows.insert(far, at: farRows.firstIndex { $0.squaredDistance < far.squaredDistance } ?? farRows.count)
        if farRows.count > Self.farRowsMax { farRows.removeLast() }
    }

    /// Adds the partial of the next block.
    package mutating func merge(_ next: KMeansPartial) {
        precondition(next.counts.count == counts.count && next.sums.count == sums.count)
        labels += next.labels
        for c in counts.indices { counts[c] += next.counts[c] }
        for i in sums.indices { sums[i] += next.sums[i] }
        inertia += next.inertia
        for far in next.farRows where isWanted(far.squaredDistance) { insert(far) }
    }
}
