/// What jobs publish of a region, by the names that addresses and commands use.
package enum RegionResult: String, CaseIterable, Codable, Sendable {
    case correlation
    case crossCorrelation = "cross-correlation"
    case neighbours, edges, features, clusters
    case clusterMethods = "cluster-methods"
    case clusterFeatures = "cluster-features"
    case tree, selection

    package init(parsing text: String) throws(GridError) {
        guard let value = RegionResult(rawValue: text) else {
            let names = RegionResult.allCases.map(\.rawValue).joined(separator: ", ")
            throw GridError(.notFound, "result '\(text.printable)' is unknown: expected one of \(names)")
        }
        self = value
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
