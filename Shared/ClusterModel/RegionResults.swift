/// What jobs publish of a region, by the names that addresses and commands use.
package enum RegionResult: String, CaseIterable, Codable, Sendable {
    case correlation
    case crossCorrelation = "cross-correlation"
    case neighbours, edges, features, clusters
    case clusterMethods = "cluster-methods"
    case clusterFeatures = "cluster-features"
    case tree, selection

    /// - Parameter kind: `.notFound` for a part of an address, where what is not there is not found.
    package init(parsing text: String, otherwise kind: GridError.Kind = .usage) throws(GridError) {
        guard let value = RegionResult(rawValue: text) else {
            let names = RegionResult.allCases.map(\.rawValue).joined(separator: ", ")
            throw GridError(kind, "result '\(text.printable)' is unknown: expected one of \(names)")
        }
        self = value
    }

    /// The kind of jobs that publish it.
    package var kind: String {
        switch self {
        case .correlation, .neighbours, .edges: "correlation"
        case .crossCorrelation: "cross-correlation"
        case .features: "features"
        case .clusters, .clusterMethods, .clusterFeatures, .tree: "clusters"
        case .selection: "selection"
        }
    }
}

/// A condition that a row of a result has to meet.
package struct ResultFilter: Hashable, Sendable {
    package enum Comparison: String, CaseIterable, Sendable {
        case lt, le, gt, ge, eq, ne, null, notnull

        /// Whether there is something to compare with.
        package var takesValue: Bool { self != .null && self != .notnull }
    }

    package var column: String
    package var comparison: Comparison
    /// As it was written; which type it has to be of is the column's to say. Empty where nothing is compared.
    package var value: String

    package init(_ column: String, _ comparison: Comparison, _ value: String = "") {
        self.column = column
        self.comparison = comparison
        self.value = value
    }
}

/// A column that decides an order; what is missing comes last either way.
package struct SortKey: Hashable, Sendable {
    package var column: String
    package var isDescending: Bool

    package init(_ column: String, isDescending: Bool = false) {
        self.column = column
        self.isDescending = isDescending
    }
}

/// Which rows of a result are wanted.
package struct ResultRequest: Hashable, Sendable {
    package var result: RegionResult
    /// Of this job; nil for what the region shows as its own.
    package var job: JobID?
    /// Rows of this method alone, of results that have methods.
    package var method: String?
    /// Rows that name this alpha.
    package var alphaID: String?
    /// Rows for which all of them hold.
    package var filters: [ResultFilter] = []
    /// What decides the order before the alphas do; first what counts most.
    package var sort: [SortKey] = []
    /// nil for all, in the table's order.
    package var columns: [String]?
    /// Rows that name only alphas with these values in `alphas` or `alphas_unsubmitted`.
    package var universe: String?
    package var delay: Int?
    package var type: String?
    package var limit: Int
    /// Rows to leave out at the beginning.
    package var offset: Int

    package static let limitDefault = 1_000

    package init(_ result: RegionResult, limit: Int = limitDefault, offset: Int = 0) {
        self.result = result
        self.limit = limit
        self.offset = offset
    }
}

/// Rows of a result, in the order of their alphas.
package struct ResultPage: Codable, Hashable, Sendable {
    package var region: String
    package var result: RegionResult
    package var table: String
    package var columns: [String]
    /// One value per column.
    package var rows: [[JSONValue]]
    /// Where the next page begins; nil when this is the last.
    package var nextOffset: Int?
    /// Rows on all pages together.
    package var total: Int?
    package init(
        region: String, result: RegionResult, table: String, columns: [String], rows: [[JSONValue]], nextOffset: Int?
    ) {
        self.region = region
        self.result = result
        self.table = table
        self.columns = columns
        self.rows = rows
        self.nextOffset = nextOffset
    }
}
