/// How far the neighbours of a layout are neighbours at all (Venna and Kaski 2001), as
/// `sklearn.manifold.trustworthiness` has it.
///
///     1 - 2 / (n k (2n - 3k - 1)) * sum over points i, and the k points j nearest to i in the layout,
///                                   of max(0, rank of j among the true distances of i - k)
///
/// 1 is best. Ranks count from 1 and leave out the point itself. Points without a place are left out of n and of all ranks.
package enum Trustworthiness {
    /// - Parameters:
    ///   - k: neighbours looked at; less than half the placed points.
    ///   - row: fills the true distances of point i to all points; NaN counts as farther than everything.
    /// - Returns: nil where it is not defined: fewer than 2k + 1 placed points.
    /// - Complexity: n rows of n k operations; nothing of n x n is kept.
    package static func measure(_ layout: Coordinates, k: Int, row: (Int, inout [Double]) -> Void) -> Double? {
        let placed = (0..<layout.count).filter(layout.isPlaced)
        let n = placed.count
        guard k >= 1, n >= 2 * k + 1 else { return nil }
        var truth = [Double](repeating: 0, count: layout.count)
        var excess = 0
        for i in placed {
            row(i, &truth)
            let distances = placed.map { $0 == i ? -Double.infinity : truth[$0].isNaN ? .infinity : truth[$0] }
            for j in nearest(to: i, in: layout, placed: placed, k: k) {
                // Ties go to the smaller index. The point itself, at -infinity, takes the place that ranks from 1 need.
                var rank = 0
                let distance = distances[j]
                for other in 0..<n where distances[other] < distance || (distances[other] == distance && other < j) { rank += 1 }
                excess += max(0, rank - k)
            }
        }
        let scale = Double(n) * Double(k) * (2 * Double(n) - 3 * Double(k) - 1)
        return 1 - 2 / scale * Double(excess)
    }

    /// Places in `placed` of the k nearest to point i, ties to the smaller.
    private static func nearest(to i: Int, in layout: Coordinates, placed: [Int], k: Int) -> [Int] {
        var best: [(distance: Double, place: Int)] = []
        let centre = Array(layout[i])
        layout.values.withUnsafeBufferPointer { values in
            for (place, j) in placed.enumerated() where j != i {
                var distance = 0.0
                for axis in 0..<layout.dimensions {
                    let difference = Double(values[j * layout.dimensions + axis]) - Double(centre[axis])
                    distance += difference * difference
                }
                if best.count == k, distance >= best[k - 1].distance { continue }
                let slot = best.firstIndex { $0.distance > distance } ?? best.count
                best.insert((distance, place), at: slot)
                if best.count > k { best.removeLast() }
            }
        }
        return best.map(\.place)
    }
}
