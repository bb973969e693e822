/// A symmetric graph with positive weights, row by row: row i's edges at [offsets[i] ..< offsets[i + 1]], columns ascending.
struct SparseGraph: Sendable {
    private(set) var offsets: [Int]
    private(set) var columns: [Int32]
    private(set) var weights: [Double]

    var count: Int { offsets.count - 1 }
    var edgeCount: Int { columns.count }

    func row(_ i: Int) -> Range<Int> { offsets[i]..<offsets[i + 1] }

    /// Rows of directed edges: what lies in place p of row i leads from i to `targets[p]`, or nowhere if that is negative.
    ///
    /// An edge of the result has the weight `join(w(i to j), w(j to i))`, 0 standing for a direction that is not there.
    /// `join` gives the same either way round; an edge whose joint weight is 0 is left out.
    init(count: Int, width: Int, targets: [Int32], weights directed: [Double], join: (Double, Double) -> Double) {
        // Both directions of every edge by row, as a counting sort: rows come out with their columns in any order.
        var starts = [Int](repeating: 0, count: count + 1)
        for place in 0..<(count * width) where targets[place] >= 0 {
            starts[place / width + 1] += 1
            starts[Int(targets[place]) + 1] += 1
        }
        for i in 0..<count { starts[i + 1] += starts[i] }
        var filled = starts
        var entries = [Entry](repeating: Entry(column: 0, isReverse: false, weight: 0), count: starts[count])
        for place in 0..<(count * width) where targets[place] >= 0 {
            let (i, j) = (place / width, Int(targets[place]))
            entries[filled[i]] = Entry(column: Int32(j), isReverse: false, weight: directed[place])
            entries[filled[j]] = Entry(column: Int32(i), isReverse: true, weight: directed[place])
            filled[i] += 1
            filled[j] += 1
        }
        offsets = [0]
        offsets.reserveCapacity(count + 1)
        columns = []
        weights = []
        for i in 0..<count {
            entries[starts[i]..<starts[i + 1]].sort { ($0.column, $0.isReverse ? 1 : 0) < ($1.column, $1.isReverse ? 1 : 0) }
            var place = starts[i]
            while place < starts[i + 1] {
                let column = entries[place].column
                var (there, back) = (0.0, 0.0)
                while place < starts[i + 1], entries[place].column == column {
                    if entries[place].isReverse { back = entries[place].weight } else { there = entries[place].weight }
                    place += 1
                }
                append(column, join(there, back))
            }
            offsets.append(columns.count)
        }
    }

    private struct Entry {
        var column: Int32
        var isReverse: Bool
        var weight: Double
    }

    private mutating func append(_ column: Int32, _ weight: Double) {
        guard weight > 0 else { return }
        columns.append(column)
        weights.append(weight)
    }

    /// The edges of at least this weight.
    func droppingBelow(_ least: Double) -> SparseGraph {
        var kept = self
        kept.offsets = [0]
        kept.columns = []
        kept.weights = []
        for i in 0..<count {
            for place in row(i) where weights[place] >= least { kept.append(columns[place], weights[place]) }
            kept.offsets.append(kept.columns.count)
        }
        return kept
    }

    /// The part between the points for which `numbers` has a number, listed in its order, from 0 on.
    ///
    /// Edges to points that are not in the list must not lead to a listed one's number: `numbers` may serve all components
    /// of a graph at once, since no edge leaves a component.
    func part(of points: [Int], numbers: [Int32]) -> SparseGraph {
        guard points.count < count else { return self }
        var part = self
        part.offsets = [0]
        part.columns = []
        part.weights = []
        for old in points {
            for edge in row(old) where numbers[Int(columns[edge])] >= 0 {
                part.append(numbers[Int(columns[edge])], weights[edge])
            }
            part.offsets.append(part.columns.count)
        }
        return part
    }

    /// The points that have an edge, ascending.
    var connected: [Int] { (0..<count).filter { !row($0).isEmpty } }

    /// Connected components, each ascending; the largest first, of equals the one with the smallest point.
    func components() -> [[Int]] {
        var component = [Int](repeating: -1, count: count)
        var found: [[Int]] = []
        for start in 0..<count where component[start] < 0 {
            var members = [start]
            component[start] = found.count
            var next = 0
            while next < members.count {
                for edge in row(members[next]) where component[Int(columns[edge])] < 0 {
                    component[Int(columns[edge])] = found.count
                    members.append(Int(columns[edge]))
                }
                next += 1
            }
            found.append(members.sorted())
        }
        return found.sorted { ($1.count, $0[0]) < ($0.count, $1[0]) }
    }
}
