import ClusterModel

/// The exact nearest neighbours of every point: all that UMAP and t-SNE know of the distances.
///
/// A point never is its own neighbour. A pair whose distance is undefined is no edge, so that a point may have fewer than
/// `width` neighbours, or none.
package struct NeighbourGraph: Sendable, Equatable {
    package let count: Int
    /// Places per point.
    package let width: Int
    /// Point i's neighbours at [i * width ..< i * width + degree], nearest first; -1 in the places that are left.
    package let indices: [Int32]
    /// Distances of the same places, ascending, at least 0; infinity in the places that are left.
    package let distances: [Double]

    /// - Throws: GridError naming the point when a row breaks the rules above.
    package init(count: Int, width: Int, indices: [Int32], distances: [Double]) throws {
        guard count >= 0, count < Int(Int32.max), width > 0, indices.count == count * width,
            distances.count == count * width
        else {
            throw GridError(
                .failed,
                "\(count) points with \(width) neighbours do not fit \(indices.count) indices, \(distances.count) distances")
        }
        self.count = count
        self.width = width
        self.indices = indices
        self.distances = distances
        // Who was met last as a neighbour of whom: twice by the same point is a mistake.
        var met = [Int32](repeating: -1, count: count)
        for point in 0..<count { try check(point, &met) }
    }

    /// Neighbours that point i has.
    package func degree(_ i: Int) -> Int {
        var degree = 0
        while degree < width, indices[i * width + degree] >= 0 { degree += 1 }
        return degree
    }

    private func check(_ point: Int, _ met: inout [Int32]) throws {
        let places = (point * width)..<((point + 1) * width)
        let degree = degree(point)
        var last = 0.0
        for (order, place) in places.enumerated() {
            let (index, distance) = (indices[place], distances[place])
            if order >= degree {
                guard index == -1, distance == .infinity else {
                    throw GridError(.failed, "point \(point) has something behind its last neighbour")
                }
                continue
            }
            guard index < count, index != point else {
                throw GridError(.failed, "point \(point) has point \(index) of \(count) as a neighbour")
            }
            guard distance.isFinite, distance >= last else {
                throw GridError(.failed, "point \(point) has a neighbour at \(distance) behind one at \(last)")
            }
            last = distance
            guard met[Int(index)] != Int32(point) else {
                throw GridError(.failed, "point \(point) has point \(index) as a neighbour twice")
            }
            met[Int(index)] = Int32(point)
        }
    }
}

extension NeighbourGraph {
    /// The slow, obvious way to a graph: all distances of a point, sorted; ties go to the smaller index.
    ///
    /// - Parameter row: fills the distances of point i to all points, its own included; NaN is no edge.
    package static func exact(count: Int, width: Int, row: (Int, inout [Double]) -> Void) throws -> NeighbourGraph {
        var indices = [Int32](repeating: -1, count: count * width)
        var distances = [Double](repeating: .infinity, count: count * width)
        var values = [Double](repeating: 0, count: count)
        for i in 0..<count {
            row(i, &values)
            let known = (0..<count).filter { $0 != i && values[$0].isFinite }
            let nearest = known.sorted { (values[$0], $0) < (values[$1], $1) }.prefix(width)
            for (place, j) in nearest.enumerated() {
                indices[i * width + place] = Int32(j)
                distances[i * width + place] = values[j]
            }
        }
        return try NeighbourGraph(count: count, width: width, indices: indices, distances: distances)
    }
}
