import ClusterModel

/// Whether points exist that are as far apart as the distances say: what Ward's method takes for granted, and what correlations
/// over different days need not give.
///
/// They do when the Gram matrix B = -1/2 J D^2 J, D^2 being the squared distances and J = 1 - 11'/n, has no negative eigenvalue
/// (Young and Householder 1938). Its extreme eigenvalues are approached by Lanczos steps from a fixed start, with no n x n
/// memory beyond the distances.
package struct EuclideanCheck: Equatable, Sendable {
    /// Eigenvalues found, from inside: the true smallest is at most `smallest`, the true largest at least `largest`.
    package let smallest: Double
    package let largest: Double

    /// False is certain; true says that none was found that is negative beyond the roundings of the correlations.
    package var isEuclidean: Bool { smallest >= -1e-9 * largest }

    /// What has to be added to every squared distance to make them Euclidean, at least (Lingoes 1971); 0 when they are.
    package var additiveConstant: Double { isEuclidean ? 0 : -2 * smallest }

    /// - Parameter steps: passes over the distances, at most one fewer than points.
    /// - Throws: `GridError` when a distance is undefined.
    package init(_ distances: CondensedDistances, steps: Int = 60) throws(GridError) {
        try distances.requireComplete(for: "the check for Euclidean distances")
        let steps = min(steps, distances.count - 1)
        guard steps >= 1 else {
            (smallest, largest) = (0, 0)
            return
        }
        let gram = GramProduct(distances)
        var random = SeededGenerator(seed: 0xE0C1)
        var basis = [Self.unit((0..<distances.count).map { _ in random.uniform() - 0.5 }, apartFrom: [])]
        var diagonal: [Double] = []
        var beside: [Double] = []
        while let last = basis.last, diagonal.count < steps {
            let image = gram(last)
            diagonal.append(Self.dot(last, image))
            let next = Self.unit(image, apartFrom: basis)
            let length = Self.dot(next, image)
            // Nothing new: the eigenvalues reached are the matrix's own.
            guard length > 1e-12 * diagonal.reduce(0, { max($0, $1.magnitude) }) else { break }
            beside.append(length)
            basis.append(next)
        }
        let tridiagonal = Tridiagonal(diagonal: diagonal, beside: Array(beside.prefix(diagonal.count - 1)))
        smallest = tridiagonal.eigenvalue(0)
        largest = tridiagonal.eigenvalue(diagonal.count - 1)
    }

    private static func dot(_ x: [Double], _ y: [Double]) -> Double {
        var sum = 0.0
        for i in x.indices { sum += x[i] * y[i] }
        return sum
    }

    /// Twice, because once leaves roundings behind that grow.
    private static func unit(_ vector: [Double], apartFrom basis: [[Double]]) -> [Double] {
        var vector = vector
        for _ in 0..<2 {
            for known in basis {
                let share = dot(known, vector)
                for i in vector.indices { vector[i] -= share * known[i] }
            }
        }
        let length = dot(vector, vector).squareRoot()
        return length == 0 ? vector : vector.map { $0 / length }
    }
}

/// The product of B with a vector, from the distances.
private struct GramProduct {
    let distances: CondensedDistances

    init(_ distances: CondensedDistances) { self.distances = distances }

    func callAsFunction(_ vector: [Double]) -> [Double] {
        let count = vector.count
        let centred = Self.centred(vector)
        var image = [Double](repeating: 0, count: count)
        let values = distances.values
        centred.withUnsafeBufferPointer { x in
            image.withUnsafeMutableBufferPointer { y in
                var at = 0
                for i in 0..<count {
                    var sum = 0.0
                    for j in i + 1..<count {
                        let squared = values[at] * values[at]
                        sum += squared * x[j]
                        y[j] += squared * x[i]
                        at += 1
                    }
                    y[i] += sum
                }
            }
        }
        return withExtendedLifetime(distances) { Self.centred(image.map { -0.5 * $0 }) }
    }

    private static func centred(_ vector: [Double]) -> [Double] {
        let mean = vector.reduce(0, +) / Double(vector.count)
        return vector.map { $0 - mean }
    }
}

/// Eigenvalues of a symmetric tridiagonal matrix by bisection on how many lie below a number (Givens 1954).
private struct Tridiagonal {
    let diagonal: [Double]
    let beside: [Double]

    private func below(_ x: Double) -> Int {
        var (count, pivot) = (0, 1.0)
        for i in diagonal.indices {
            let coupling = i == 0 ? 0 : beside[i - 1] * beside[i - 1] / pivot
            pivot = diagonal[i] - x - coupling
            if pivot == 0 { pivot = -1e-300 }
            if pivot < 0 { count += 1 }
        }
        return count
    }

    /// The `rank`-th smallest, from 0.
    func eigenvalue(_ rank: Int) -> Double {
        let reach = diagonal.indices.map { i in
            diagonal[i].magnitude + (i > 0 ? beside[i - 1].magnitude : 0) + (i < beside.count ? beside[i].magnitude : 0)
        }
        var high = reach.max() ?? 0
        var low = -high
        for _ in 0..<200 where low < high {
            let middle = low + (high - low) / 2
            if middle == low || middle == high { break }
            if below(middle) > rank { high = middle } else { low = middle }
        }
        return low
    }
}
