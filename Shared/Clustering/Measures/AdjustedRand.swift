/// How far two labelings of the same points agree beyond chance (Hubert and Arabie 1985).
package enum AdjustedRand {
    /// 1 for the same partition, about 0 for unrelated ones, whatever the labels are called; as
    /// `sklearn.metrics.adjusted_rand_score`. Noise (-1) counts as one more cluster.
    package static func score(_ a: [Int], _ b: [Int]) -> Double {
        precondition(a.count == b.count, "both label the same points")
        let order = a.indices.sorted { (a[$0], b[$0]) < (a[$1], b[$1]) }
        let together = pairs(order, a, b)
        let inA = pairs(order, a, a)
        let byB = b.indices.sorted { b[$0] < b[$1] }
        let inB = pairs(byB, b, b)
        let all = Double(a.count) * Double(a.count - 1) / 2
        // Pairs together in both, in one only, and in neither.
        let onlyA = inA - together
        let onlyB = inB - together
        let apart = all - together - onlyA - onlyB
        if onlyA == 0 && onlyB == 0 { return 1 }
        let dividend = 2 * (together * apart - onlyA * onlyB)
        return dividend / ((together + onlyA) * (onlyA + apart) + (together + onlyB) * (onlyB + apart))
    }

    /// Pairs of points that have both labels in common, the order bringing them side by side.
    private static func pairs(_ order: [Int], _ a: [Int], _ b: [Int]) -> Double {
        var total = 0.0
        var run = 0.0
        for (place, point) in order.enumerated() {
            let isSame = place > 0 && a[order[place - 1]] == a[point] && b[order[place - 1]] == b[point]
            run = isSame ? run + 1 : 0
            total += run
        }
        return total
    }

    /// The scores among several labelings, a row per labeling: the comparison of methods.
    package static func matrix(_ labelings: [[Int]]) -> [[Double]] {
        var scores = [[Double]](repeating: [Double](repeating: 1, count: labelings.count), count: labelings.count)
        for i in labelings.indices {
            for j in labelings.indices where j > i {
                scores[i][j] = score(labelings[i], labelings[j])
                scores[j][i] = scores[i][j]
            }
        }
        return scores
    }
}
