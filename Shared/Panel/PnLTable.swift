import ClusterModel

/// Doubles written once by whoever makes them, then only read: a reference, so that big tables are never copied.
package final class PnLValues: @unchecked Sendable {
    private let memory: Payload
    package let count: Int

    /// `count` undefined values (zeros).
    init(count: Int, for purpose: String) throws(GridError) {
        guard count <= Limits.panelValuesMax else {
            throw GridError(.usage, "\(purpose) has \(count) values: expected at most \(Limits.panelValuesMax)")
        }
        memory = try FileSystem.allocate(bytes: count * 8, for: purpose)
        self.count = count
    }

    /// For the maker, before anything else can see the values.
    var mutable: UnsafeMutablePointer<Double> {
        UnsafeMutableRawPointer(mutating: memory.bytes.baseAddress!).assumingMemoryBound(to: Double.self)
    }

    /// Valid while this object lives.
    package var buffer: UnsafeBufferPointer<Double> { UnsafeBufferPointer(start: mutable, count: count) }
}

/// PnL as read from a file: finite values, NaN = missing, not yet in a panel's layout.
package struct PnLTable: Sendable {
    /// Ascending, without duplicates; empty when the file has none (NPY).
    package let dates: [Day]
    package let dayCount: Int
    /// In the order of the file: of its columns, or of first appearance.
    package let alphaIDs: [String]
    /// `alphaIDs.count` x `dayCount`, alpha-major.
    package let values: PnLValues

    /// One alpha's values by date; valid while `values` lives.
    package func series(_ alpha: Int) -> UnsafeBufferPointer<Double> {
        precondition(alphaIDs.indices.contains(alpha))
        return UnsafeBufferPointer(start: values.buffer.baseAddress! + alpha * dayCount, count: dayCount)
    }
}
