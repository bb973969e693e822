/// Which rectangle of a pool's correlation matrix is wanted. Absent parameters take the region's configured values.
package struct MatrixRequest: Hashable, Sendable {
    package enum Order: String, CaseIterable, Codable, Sendable {
        /// Bytewise by id.
        case id
        /// Alphas of one cluster side by side, as the region's published clusters have them.
        case cluster
        /// As the request names them.
        case named
    }

    package var pool: String?
    package var window: String?
    package var order = Order.id
    /// Of the clusters; nil for the first that has an order.
    package var method: String?
    /// Positions in that order; nil for all, and for `columns` the same as the rows.
    package var rows: Range<Int>?
    package var columns: Range<Int>?
    /// Cells along an edge at most.
    package var size = sizeDefault
    /// Only these alphas, in this order.
    package var alphas: [String]?

    package static let sizeDefault = 200

    package init() {}
}

/// A rectangle of the matrix in cells; a cell stands for `step` x `step` pairs.
package struct MatrixView: Codable, Hashable, Sendable {
    package struct Span: Codable, Hashable, Sendable {
        /// Positions in the order, `to` behind the last.
        package var from: Int
        package var to: Int
        /// Alphas per cell; the last cell may have fewer.
        package var step: Int
        package init(from: Int, to: Int, step: Int) {
            self.from = from
            self.to = to
            self.step = step
        }

        package var cells: Int { (to - from + step - 1) / step }
    }

    package var region: String
    package var pool: String
    package var convention: String
    package var window: String
    package var minOverlap: Int
    package var order: MatrixRequest.Order
    /// Of the clusters.
    package var method: String?
    /// Alphas in all.
    package var count: Int
    package var rows: Span
    package var columns: Span
    /// The first alpha of each cell.
    package var rowIds: [String]
    package var columnIds: [String]
    /// The r of the largest |r| among the cell's pairs of different alphas; null where none is defined. A cell that is one
    /// alpha with itself has 1.
    package var values: [[Double?]]
    /// Cluster of the first alpha of each row, -1 noise, null without; absent where no clusters were asked for.
    package var labels: [Int?]?

    package init(
        region: String, pool: String, convention: String, window: String, minOverlap: Int, order: MatrixRequest.Order, count: Int,
        rows: Span, columns: Span
    ) {
        self.region = region
        self.pool = pool
        self.convention = convention
        self.window = window
        self.minOverlap = minOverlap
        self.order = order
        self.count = count
        self.rows = rows
        self.columns = columns
        rowIds = []
        columnIds = []
        values = []
    }
}
