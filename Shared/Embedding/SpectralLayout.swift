import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where a layout starts: the graph's components side by side, each spread by its own spectrum.
///
/// A component of m points fills a disc (ball) of radius proportional to m^(1/d). Discs lie on a spiral around the largest
/// one, in which the area (volume) that the sizes before them take up decides how far out, and the golden angle where, so
/// that they stay apart whatever their number. Within its disc, a point's coordinates are the
/// entries of the first non-trivial eigenvectors of the component's normalised Laplacian; a component too small to have
/// enough of them is spread at random.
struct SpectralLayout {
    let dimensions: Int
    let seed: UInt64

    /// - Returns: `graph.count` x `dimensions` coordinates, point by point, of magnitude about 1.
    func place(_ graph: SparseGraph) throws -> [Double] {
        var values = [Double](repeating: 0, count: graph.count * dimensions)
        var before = 0
        let components = graph.components()
        var numbers = [Int32](repeating: -1, count: graph.count)
        for members in components { for (place, point) in members.enumerated() { numbers[point] = Int32(place) } }
        for (number, members) in components.enumerated() {
            let spread = try spread(graph.part(of: members, numbers: numbers), number: number)
            let radius = root(Double(members.count) / Double(graph.count))
            // So many radii of everything before and of itself, because the corners of a box are sqrt(d) radii away.
            let radii = 1 + Double(dimensions).squareRoot()
            let distance = number == 0 ? 0 : radii * root(Double(before + members.count) / Double(graph.count))
            let direction = direction(number)
            for (place, point) in members.enumerated() {
                for axis in 0..<dimensions {
                    values[point * dimensions + axis] =
                        distance * direction[axis] + radius * spread[place * dimensions + axis]
                }
            }
            before += members.count
        }
        return values
    }

    private func root(_ share: Double) -> Double { dimensions == 2 ? share.squareRoot() : cbrt(share) }

    /// Coordinates of one component, between -1 and 1.
    private func spread(_ part: SparseGraph, number: Int) throws -> [Double] {
        var values = [Double](repeating: 0, count: part.count * dimensions)
        guard part.count > 1 else { return values }
        var generator = SeededGenerator(seed: seed, stream: UInt64(number))
        let vectors = part.count > dimensions + 1 ? try Krylov(part).leadingVectors(dimensions, seed: generator.next()) : []
        for axis in 0..<dimensions {
            if axis < vectors.count {
                let largest = vectors[axis].reduce(0) { max($0, abs($1)) }
                for i in 0..<part.count { values[i * dimensions + axis] = vectors[axis][i] / largest }
            } else {
                for i in 0..<part.count { values[i * dimensions + axis] = generator.uniform() - 0.5 }
            }
        }
        return values
    }

    /// A unit vector: the golden angle in the plane, a Fibonacci sphere's in space.
    private func direction(_ number: Int) -> [Double] {
        let angle = Double(number) * .pi * (3 - 5.0.squareRoot())
        guard dimensions == 3 else { return [cos(angle), sin(angle)] }
        // Heights by van der Corput: the bits of the number mirrored, so that every few of them are spread evenly.
        var mirrored: UInt64 = 0
        for bit in 0..<64 where UInt64(number) >> UInt64(bit) & 1 == 1 { mirrored |= 1 << UInt64(63 - bit) }
        let height = 1 - 2 * Double(mirrored >> 11) * 0x1p-53
        let across = max(0, 1 - height * height).squareRoot()
        return [across * cos(angle), across * sin(angle), height]
    }
}
