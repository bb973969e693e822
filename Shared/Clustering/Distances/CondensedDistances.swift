import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The distances of all pairs of `count` points, each pair once, in SciPy's order:
/// (0,1), (0,2), ..., (0,n-1), (1,2), ..., (n-2,n-1). NaN where a pair is undefined.
///
/// Written only while it is being made, before anything else can see it; hence safe to share between threads.
package final class CondensedDistances: @unchecked Sendable {
    /// Points, at least 1 and at most `Limits.matrixPointsMax`.
    package let count: Int
    private let memory: UnsafeMutablePointer<Double>

    /// - Parameter fill: writes the count (count - 1) / 2 distances, at the places `index(_:_:of:)` gives; they start as NaN,
    ///   so a pair that is never written is undefined.
    /// - Throws: `GridError` when there are too many points or too little memory, and whatever `fill` throws.
    package init(count: Int, fill: (UnsafeMutableBufferPointer<Double>) throws -> Void) throws {
        try Self.check(count: count)
        let pairs = count * (count - 1) / 2
        guard let memory = DistanceMemory.allocate(pairs) else {
            throw GridError(.failed, "not enough memory: the distances of \(count) alphas need \(pairs * 8 >> 20) MiB")
        }
        self.count = count
        self.memory = memory
        memory.update(repeating: .nan, count: pairs)
        // From here on `deinit` frees the memory, also when `fill` throws.
        try fill(UnsafeMutableBufferPointer(start: memory, count: pairs))
    }

    /// Distances by a formula, for small inputs.
    ///
    /// - Parameter distance: asked once per pair, with the smaller index first.
    package convenience init(count: Int, distance: (Int, Int) -> Double) throws {
        try self.init(count: count) { values in
            var at = 0
            for i in 0..<count {
                for j in i + 1..<count {
                    values[at] = distance(i, j)
                    at += 1
                }
            }
        }
    }

    deinit { free(memory) }

    /// Refuses more points than all pairs of may be held in memory, with the figure.
    package static func check(count: Int) throws(GridError) {
        guard count >= 1 else { throw GridError(.usage, "there is nothing to cluster: no alpha is left") }
        guard count <= Limits.matrixPointsMax else {
            let needed = Double(count) * Double(count - 1) * 4 / 0x1p30
            throw GridError(
                .usage,
                "\(count) alphas are too many for a method that needs all pairs in memory (\(needed.rounded()) GiB of distances):"
                    + " expected at most \(Limits.matrixPointsMax); HDBSCAN, DBSCAN and k-means take more")
        }
    }

    package var pairCount: Int { count * (count - 1) / 2 }

    /// All distances; valid as long as this object lives, so hold it with `withExtendedLifetime`.
    package var values: UnsafeBufferPointer<Double> { UnsafeBufferPointer(start: memory, count: pairCount) }

    /// Place of a pair, i and j different and in either order.
    package static func index(_ i: Int, _ j: Int, of count: Int) -> Int {
        let (low, high) = i < j ? (i, j) : (j, i)
        return low * (2 * count - low - 1) / 2 + high - low - 1
    }

    /// The distance of two points; 0 of a point to itself.
    package subscript(i: Int, j: Int) -> Double {
        precondition(i >= 0 && j >= 0 && i < count && j < count)
        return i == j ? 0 : memory[Self.index(i, j, of: count)]
    }

    /// Calls `body` with every other point and its distance from `i`, in the order of the points.
    ///
    /// The distances to points before `i` lie far apart in memory, those to points behind it side by side.
    func forEachDistance(from i: Int, _ body: (Int, Double) -> Void) {
        var at = i - 1
        for j in 0..<i {
            body(j, memory[at])
            at += count - j - 2
        }
        let row = memory + Self.index(i, i + 1, of: count) - (i + 1)
        for j in i + 1..<count { body(j, row[j]) }
    }

    /// The first pair that is not a finite, non-negative number; nil when every pair is one.
    package func firstUnusablePair() -> (Int, Int)? {
        var at = 0
        for i in 0..<count {
            for j in i + 1..<count {
                let value = memory[at]
                if !(value >= 0 && value < .infinity) { return (i, j) }
                at += 1
            }
        }
        return nil
    }

    /// - Throws: `GridError` that names the pair, for methods that need every distance.
    package func requireComplete(for method: String) throws(GridError) {
        guard let (i, j) = firstUnusablePair() else { return }
        throw GridError(
            .usage,
            "\(method) needs the distance of every pair: that of alphas \(i) and \(j) is \(self[i, j]);"
                + " expected alphas with undefined pairs to be left out")
    }
}

/// Aligned memory of floats that may be refused, which `[Double]` cannot be.
enum DistanceMemory {
    static func allocate(_ count: Int) -> UnsafeMutablePointer<Double>? {
        let bytes = max(64, (count * 8 + 63) / 64 * 64)
        return aligned_alloc(64, bytes)?.bindMemory(to: Double.self, capacity: bytes / 8)
    }
}
