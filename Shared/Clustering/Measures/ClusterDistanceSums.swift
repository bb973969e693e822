import ClusterModel

/// For some points the sums of their distances to the points of each cluster: what silhouettes are made of.
///
/// Sums are whole multiples of 2^(exponent - 40), so adding up the tiles of a matrix in any order gives the same bits.
package struct ClusterDistanceSums: Equatable, Sendable {
    package let pointCount: Int
    package let clusterCount: Int
    /// Distances are below 2^(exponent + 1). The same for all tiles of a matrix; 0 for distances of correlations, exact to 1e-12.
    package let exponent: Int
    /// Point by point, its sum for each cluster in units of 2^(exponent - 40).
    package private(set) var sums: [Int64]
    /// Likewise, how many defined pairs are in each sum.
    package private(set) var counts: [Int32]
    private let scale: Double

    package init(pointCount: Int, clusterCount: Int, exponent: Int = 0) {
        self.pointCount = pointCount
        self.clusterCount = clusterCount
        self.exponent = exponent
        scale = Double(sign: .plus, exponent: 40 - exponent, significand: 1)
        sums = [Int64](repeating: 0, count: pointCount * clusterCount)
        counts = [Int32](repeating: 0, count: pointCount * clusterCount)
    }

    /// Adds the distance of a point from one of a cluster; nothing when it is undefined or infinite.
    ///
    /// - Parameter cluster: negative for noise, which belongs to no cluster.
    package mutating func add(_ distance: Double, point: Int, cluster: Int) {
        guard cluster >= 0, distance.isFinite else { return }
        let value = (distance * scale).rounded()
        precondition(value.magnitude <= 0x1p41, "the exponent is chosen for the largest distance")
        let at = point * clusterCount + cluster
        sums[at] += Int64(value)
        counts[at] += 1
    }

    /// - Parameter offset: where the other's first point stands among these.
    /// - Throws: `GridError` when the other does not fit.
    package mutating func merge(_ other: ClusterDistanceSums, at offset: Int = 0) throws(GridError) {
        guard other.clusterCount == clusterCount, other.exponent == exponent, offset >= 0, offset + other.pointCount <= pointCount
        else {
            throw GridError(
                .failed,
                "distance sums of \(other.pointCount) alphas and \(other.clusterCount) clusters do not fit into those of"
                    + " \(pointCount) alphas and \(clusterCount) clusters at \(offset)")
        }
        let from = offset * clusterCount
        for at in other.sums.indices {
            sums[from + at] += other.sums[at]
            counts[from + at] += other.counts[at]
        }
    }

    /// Mean distance of a point from a cluster; nil when no pair is defined.
    package func mean(point: Int, cluster: Int) -> Double? {
        let at = point * clusterCount + cluster
        return counts[at] == 0 ? nil : Double(sums[at]) / scale / Double(counts[at])
    }

    /// All pairs at once.
    package init(_ distances: CondensedDistances, labels: [Int]) {
        precondition(labels.count == distances.count)
        let largest = distances.values.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
        self.init(
            pointCount: labels.count, clusterCount: (labels.max() ?? -1) + 1,
            exponent: largest > 0 ? Int(largest.exponent) : 0)
        let values = distances.values
        var at = 0
        for i in labels.indices {
            for j in labels.indices.dropFirst(i + 1) {
                add(values[at], point: i, cluster: labels[j])
                add(values[at], point: j, cluster: labels[i])
                at += 1
            }
        }
        withExtendedLifetime(distances) {}
    }
}

extension ClusterDistanceSums {
    /// Whether what `add(sums:counts:point:)` is about to add can be: distances of correlations, which are at most 2, and no more
    /// of them than there are points.
    package func hasRoom(sums: ArraySlice<Int64>, counts: ArraySlice<UInt32>, point: Int) -> Bool {
        let at = point * clusterCount
        return zip(sums, counts).enumerated().allSatisfy { cluster, found in
            found.0 >= 0 && found.0 <= Int64(found.1) << 41 && Int(self.counts[at + cluster]) + Int(found.1) <= pointCount
        }
    }

    /// Adds what a tile has found of one point: for each cluster a sum in units of 2^-40 and the number of its pairs.
    ///
    /// - Precondition: both have `clusterCount` elements.
    package mutating func add(sums: ArraySlice<Int64>, counts: ArraySlice<UInt32>, point: Int) {
        precondition(sums.count == clusterCount && counts.count == clusterCount)
        let at = point * clusterCount
        for (cluster, sum) in sums.enumerated() { self.sums[at + cluster] += sum }
        for (cluster, count) in counts.enumerated() { self.counts[at + cluster] += Int32(clamping: count) }
    }
}
