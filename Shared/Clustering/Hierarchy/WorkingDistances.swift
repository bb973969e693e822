import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The distances between the clusters that are still to be joined, as a full square so that a row is read in one go.
///
/// Clusters are addressed by their place among those still held; `clusters` says which they are, ascending. A joined cluster
/// keeps its row until `compact`, masked out by `mask`.
struct WorkingDistances: ~Copyable {
    /// Values per row: a whole number of vectors, so that loops need no remainder.
    let stride: Int
    /// Places in use, joined clusters among them.
    private(set) var places: Int
    private(set) var clusters: [Int32]
    private let memory: UnsafeMutablePointer<Double>
    /// 0 for a cluster still to be joined, infinite for others and for the padding: added to a row, it hides them.
    private let mask: UnsafeMutablePointer<Double>

    static let lanes = 8

    /// - Throws: `GridError` when the memory is short.
    init(_ distances: CondensedDistances) throws(GridError) {
        let count = distances.count
        let stride = (count + Self.lanes - 1) / Self.lanes * Self.lanes
        guard let memory = DistanceMemory.allocate(count * stride) else {
            throw GridError(
                .failed, "not enough memory: clustering \(count) alphas needs \(count * stride * 8 >> 20) MiB to work on")
        }
        guard let mask = DistanceMemory.allocate(stride) else {
            free(memory)
            throw GridError(.failed, "not enough memory to cluster \(count) alphas")
        }
        self.stride = stride
        self.memory = memory
        self.mask = mask
        places = count
        clusters = (0..<Int32(count)).map { $0 }
        for place in 0..<stride { mask[place] = place < count ? 0 : .infinity }
        spread(distances)
    }

    deinit {
        free(memory)
        free(mask)
    }

    func row(_ place: Int) -> UnsafeMutablePointer<Double> { memory + place * stride }

    func isJoined(_ place: Int) -> Bool { mask[place] != 0 }

    mutating func join(_ place: Int) { mask[place] = .infinity }

    /// Writes both halves, square by square, so that the transposed half stays in the cache while it is written.
    private func spread(_ distances: CondensedDistances) {
        let count = distances.count
        let edge = 64
        let values = distances.values
        for top in Swift.stride(from: 0, to: count, by: edge) {
            for left in Swift.stride(from: top, to: count, by: edge) {
                for i in top..<min(top + edge, count) {
                    let start = CondensedDistances.index(i, i + 1, of: count) - (i + 1)
                    for j in max(left, i + 1)..<max(min(left + edge, count), i + 1) {
                        let value = values[start + j]
                        memory[i * stride + j] = value
                        memory[j * stride + i] = value
                    }
                }
            }
        }
        for i in 0..<count {
            // A cluster is not its own neighbour, and the padding is nobody's.
            memory[i * stride + i] = .infinity
            for j in count..<stride { memory[i * stride + j] = .infinity }
        }
        withExtendedLifetime(distances) {}
    }

    /// The first place whose distance from `place` is the smallest and below `bound`.
    func nearest(to place: Int, below bound: Double) -> (place: Int, distance: Double)? {
        let end = (places + Self.lanes - 1) / Self.lanes * Self.lanes
        let values = UnsafeRawPointer(row(place))
        let mask = UnsafeRawPointer(mask)
        typealias Vector = SIMD4<Double>
        var low = Vector(repeating: bound)
        var low2 = low
        for offset in Swift.stride(from: 0, to: end * 8, by: 64) {
            let a = values.load(fromByteOffset: offset, as: Vector.self) + mask.load(fromByteOffset: offset, as: Vector.self)
            let b =
                values.load(fromByteOffset: offset + 32, as: Vector.self)
                + mask.load(fromByteOffset: offset + 32, as: Vector.self)
            low.replace(with: a, where: a .< low)
            low2.replace(with: b, where: b .< low2)
        }
        let smallest = min(low.min(), low2.min())
        guard smallest < bound else { return nil }
        let row = row(place)
        var at = 0
        while row[at] + self.mask[at] != smallest { at += 1 }
        return (at, smallest)
    }

    /// Gives up the rows and columns of joined clusters; the others keep their order.
    mutating func compact() {
        var kept = 0
        var columns: [Int] = []
        columns.reserveCapacity(places)
        for place in 0..<places where !isJoined(place) { columns.append(place) }
        for place in columns {
            let source = row(place)
            let target = row(kept)
            // The target never lies behind the source, so that moving forwards overwrites nothing still needed.
            for (column, from) in columns.enumerated() { target[column] = source[from] }
            clusters[kept] = clusters[place]
            kept += 1
        }
        for place in 0..<stride { mask[place] = place < kept ? 0 : .infinity }
        clusters.removeLast(places - kept)
        places = kept
    }
}
