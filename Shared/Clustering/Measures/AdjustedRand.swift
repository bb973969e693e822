/// How far two labelings of the same points agree beyond chance (Hubert and Arabie 1985).
package enum AdjustedRand {
    /// 1 for the same partition, about 0 for unrelated ones, whatever the labels are called; as
    /// `sklearn.metrics.adjusted_rand_score`. Noise (-1) counts as one more cluster.
    package static func score(_ a: [Int], _ b: [Int]) -> Double { score(Labeling(a), Labeling(b)) }

    /// The same on the points that both know.
    static func score(_ a: Labeling, _ b: Labeling) -> Double {
        let counts = Contingency(a, b)
        let together = counts.pairs
        let all = counts.all
        // Pairs together in both, in one only, and in neither.
        let onlyA = counts.pairsInA - together
        let onlyB = counts.pairsInB - together
        let apart = all - together - onlyA - onlyB
        if onlyA == 0 && onlyB == 0 { return 1 }
        let dividend = 2 * (together * apart - onlyA * onlyB)
        return dividend / ((together + onlyA) * (onlyA + apart) + (together + onlyB) * (onlyB + apart))
    }

    /// The scores among several labelings, a row per labeling: the comparison of methods.
    package static func matrix(_ labelings: [[Int]]) -> [[Double]] {
        var scores = [[Double]](repeating: [Double](repeating: 1, count: labelings.count), count: labelings.count)
        let labelings = labelings.map { Labeling($0) }
        for i in labelings.indices {
            for j in labelings.indices where j > i {
                scores[i][j] = score(labelings[i], labelings[j])
                scores[j][i] = scores[i][j]
            }
        }
        return scores
    }
}

/// Labels by their place among the different ones, so that tables have a row for each; made once for many comparisons.
struct Labeling {
    /// `clusterCount` for a point that is not known.
    let numbers: [UInt32]
    let clusterCount: Int

    /// - Parameter absent: the label of points that are not known.
    init(_ labels: [Int], without absent: Int? = nil) {
        let known = Set(labels).filter { $0 != absent }.sorted()
        let number = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, UInt32($0)) })
        let unknown = UInt32(known.count)
        numbers = labels.map { number[$0] ?? unknown }
        clusterCount = known.count
    }
}

/// How many pairs of points two labelings have in the same cluster, of the points that both know.
private struct Contingency {
    var pairs = 0.0
    var pairsInA = 0.0
    var pairsInB = 0.0
    var all = 0.0

    init(_ a: Labeling, _ b: Labeling) {
        precondition(a.numbers.count == b.numbers.count, "both label the same points")
        // The last row and column are of points that one does not know; nobody counts those.
        let (rows, columns) = (a.clusterCount + 1, b.clusterCount + 1)
        var (inA, inB) = ([Int](repeating: 0, count: rows), [Int](repeating: 0, count: columns))
        func add(_ count: Int, _ row: Int, _ column: Int) {
            guard row < rows - 1, column < columns - 1 else { return }
            pairs += Self.pairs(count)
            inA[row] += count
            inB[column] += count
        }
        if rows * columns <= Self.cellsMax(a.numbers.count) {
            let table = Self.table(a.numbers, b.numbers, rows: rows, columns: columns)
            for row in 0..<rows {
                for column in 0..<columns { add(Int(table[row * columns + column]), row, column) }
            }
        } else {
            // Nearly every point is a cluster of its own: most of a table would stay empty.
            let cells = zip(a.numbers, b.numbers).map { Int($0) * columns + Int($1) }.sorted()
            var begin = 0
            for end in cells.indices where end + 1 == cells.count || cells[end + 1] != cells[end] {
                add(end + 1 - begin, cells[end] / columns, cells[end] % columns)
                begin = end + 1
            }
        }
        pairsInA = inA.reduce(0) { $0 + Self.pairs($1) }
        pairsInB = inB.reduce(0) { $0 + Self.pairs($1) }
        all = Self.pairs(inA.reduce(0, +))
    }

    private static func cellsMax(_ points: Int) -> Int { 4 * points + 1_024 }

    private static func pairs(_ count: Int) -> Double { Double(count) * Double(count - 1) / 2 }

    private static func table(_ a: [UInt32], _ b: [UInt32], rows: Int, columns: Int) -> [UInt32] {
        var table = [UInt32](repeating: 0, count: rows * columns)
        table.withUnsafeMutableBufferPointer { table in
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    for point in 0..<a.count { table[Int(a[point]) &* columns &+ Int(b[point])] &+= 1 }
                }
            }
        }
        return table
    }
}
