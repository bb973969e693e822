import Kernels

/// What one block of rows adds to a principal component analysis; partials of all blocks are merged in block order.
package struct GramPartial: Sendable, Equatable {
    /// Rows that went in, and values per row (T).
    package private(set) var count: Int
    package let width: Int
    /// T x T, row-major and symmetric: the sum over rows of x' x.
    package private(set) var gram: [Double]
    /// T: the sum of the rows.
    package private(set) var sums: [Double]

    /// The start of a merge.
    package init(width: Int) {
        count = 0
        self.width = width
        gram = [Double](repeating: 0, count: width * width)
        sums = [Double](repeating: 0, count: width)
    }

    /// - Parameter rows: `count` x `width`, row-major, finite.
    package init(block rows: UnsafePointer<Double>, count: Int, width: Int) {
        self.init(width: width)
        self.count = count
        LinearAlgebra.multiply(
            rows, step: width, by: rows, step: width, into: &gram, step: width, rows: width, columns: width, depth: count,
            leftTransposed: true)
        for i in 0..<count { for t in 0..<width { sums[t] += rows[i * width + t] } }
        // A product is not symmetric to the last bit.
        for s in 0..<width { for t in 0..<s { gram[t * width + s] = gram[s * width + t] } }
    }

    /// A partial that has travelled: what `gram` and `sums` held.
    package init?(count: Int, width: Int, gram: [Double], sums: [Double]) {
        guard count >= 0, gram.count == width * width, sums.count == width else { return nil }
        self.count = count
        self.width = width
        self.gram = gram
        self.sums = sums
    }

    /// Adds the partial of the next block.
    package mutating func merge(_ next: GramPartial) {
        precondition(next.width == width)
        count += next.count
        for i in gram.indices { gram[i] += next.gram[i] }
        for t in sums.indices { sums[t] += next.sums[t] }
    }
}
