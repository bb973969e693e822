import ClusterModel
import Embedding

/// Points with known groups, and their distances.
struct World {
    /// Point by point, `width` values each.
    let points: [[Double]]
    let groups: [Int]

    /// Groups of equal size, far from each other compared with their width; points of a group are not next to each other.
    init(groups: Int, size: Int, width: Int, gap: Double = 12, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        let centres = (0..<groups).map { _ in (0..<width).map { _ in gap * generator.normal() / Double(width).squareRoot() } }
        self.groups = (0..<(groups * size)).map { $0 % groups }
        points = self.groups.map { group in
            centres[group].map { $0 + generator.normal() / Double(width).squareRoot() }
        }
    }

    /// A closed curve in space, which no layout in the plane has to tear.
    init(circleOf count: Int) {
        groups = [Int](repeating: 0, count: count)
        var points: [[Double]] = []
        var (x, y) = (1.0, 0.0)
        // One turn by a rotation of its own, so that no trigonometry of ours is tested with the same.
        let step = 2 * 3.141592653589793 / Double(count)
        let (cosine, sine) = (1 - step * step / 2 + step * step * step * step / 24, step - step * step * step / 6)
        for _ in 0..<count {
            points.append([x, y, 0.5 * x])
            (x, y) = (x * cosine - y * sine, x * sine + y * cosine)
        }
        self.points = points
    }

    var count: Int { points.count }

    func distance(_ i: Int, _ j: Int) -> Double {
        zip(points[i], points[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    func fill(_ i: Int, _ row: inout [Double]) {
        for j in row.indices { row[j] = distance(i, j) }
    }

    func graph(_ width: Int) throws -> NeighbourGraph {
        try NeighbourGraph.exact(count: count, width: width, row: fill)
    }
}

extension Coordinates {
    func distance(_ i: Int, _ j: Int) -> Double {
        zip(self[i], self[j]).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
    }

    /// Share of points whose nearest point belongs to the same group.
    func purity(_ groups: [Int]) -> Double {
        let same = (0..<count).filter { i in
            let nearest = (0..<count).filter { $0 != i }.min { distance(i, $0) < distance(i, $1) }
            return nearest.map { groups[$0] == groups[i] } ?? false
        }
        return Double(same.count) / Double(count)
    }
}
