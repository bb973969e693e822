/// What can be read of regions; errors are `GridError`s.
package protocol RegionReading: Sendable {
    /// By name.
    func regions() async throws -> [RegionView]
    /// Everything that is known of one alpha.
    func alpha(_ id: String, region: Region) async throws -> AlphaView
    /// - Parameter pool: nil for the submitted alphas, and the unsubmitted ones if it is none of these.
    func pnl(of id: String, pool: String?, region: Region) async throws -> PnLView
    /// A rectangle of the correlation matrix.
    func matrix(_ request: MatrixRequest, region: Region) async throws -> MatrixView
    /// Operators and data fields of a pool's formulas.
    func usage(pool: String?, region: Region) async throws -> RegionUsageView
    /// Takes a large request apart or writes a large answer where few are worked on at once.
    func coding<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R
}

extension RegionReading {
    /// On the spot, for those who have nothing else to do.
    package func coding<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R { try body() }
}

/// A region and what there is of it.
package struct RegionView: Codable, Hashable, Sendable {
    package struct Alphas: Codable, Hashable, Sendable {
        package var submitted: Int
        package var unsubmitted: Int
        package init(submitted: Int, unsubmitted: Int) {
            self.submitted = submitted
            self.unsubmitted = unsubmitted
        }
    }

    /// What is published as the region's own.
    package struct Result: Codable, Hashable, Sendable {
        package var result: RegionResult
        package var rows: Int
        package var jobID: JobID?
        package var lastUpdated: String?
        package init(result: RegionResult, rows: Int, jobID: JobID?, lastUpdated: String?) {
            self.result = result
            self.rows = rows
            self.jobID = jobID
            self.lastUpdated = lastUpdated
        }
    }

    package var region: String
    package var convention: String
    package var window: String
    package var minOverlap: Int
    package var alphas: Alphas
    /// Of the submitted alphas' PnL.
    package var firstDay: String?
    package var lastDay: String?
    /// What the submitted alphas have in these columns, in order.
    package var universes: [String]
    package var delays: [Int]
    package var types: [String]
    /// Those that have rows; `cluster-features` follows from `clusters` and `features` and is not listed.
    package var results: [Result]

    package init(region: String, convention: String, window: String, minOverlap: Int, alphas: Alphas) {
        self.region = region
        self.convention = convention
        self.window = window
        self.minOverlap = minOverlap
        self.alphas = alphas
        universes = []
        delays = []
        types = []
        results = []
    }
}

/// What a piece of a formula is, by UTF-16 offsets, as browsers count.
package struct CodeMark: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Sendable {
        case `operator`, field, number, string, variable, group
    }

    package var start: Int
    /// Behind the last unit.
    package var end: Int
    package var kind: Kind
    package init(start: Int, end: Int, kind: Kind) {
        self.start = start
        self.end = end
        self.kind = kind
    }
}

/// Everything that is known of one alpha. Rows are as the region's own tables have them, by column.
package struct AlphaView: Codable, Hashable, Sendable {
    package struct Neighbour: Codable, Hashable, Sendable {
        package var alphaID: String
        package var r: Double
        /// Common returns.
        package var n: Int?
        package init(alphaID: String, r: Double, n: Int?) {
            self.alphaID = alphaID
            self.r = r
            self.n = n
        }
    }

    package var alphaID: String
    package var region: String
    package var submitted: Bool
    /// Columns of `alphas` that are not empty, but for code and description.
    package var metadata: [String: JSONValue]
    package var description: String?
    package var code: String?
    package var codeMarks: [CodeMark] = []
    /// Why the code is no formula; what comes before the fault is marked.
    package var codeError: String?
    package var correlation: [String: JSONValue]?
    /// Of an unsubmitted alpha.
    package var crossCorrelation: [String: JSONValue]?
    package var features: [String: JSONValue]?
    /// One per method; `x`, `y` and `z` are the first three of the coordinates.
    package var clusters: [[String: JSONValue]] = []
    package var selection: [String: JSONValue]?
    /// Nearest first.
    package var mostCorrelated: [Neighbour] = []
    package var leastCorrelated: [Neighbour] = []
    package init(alphaID: String, region: String, submitted: Bool, metadata: [String: JSONValue]) {
        self.alphaID = alphaID
        self.region = region
        self.submitted = submitted
        self.metadata = metadata
    }
}

/// An alpha's PnL on the pool's days from its first to its last.
package struct PnLView: Codable, Hashable, Sendable {
    package var alphaID: String
    package var region: String
    package var pool: String
    /// `YYYY-MM-DD`.
    package var dates: [String]
    /// Cumulative (daily where that is the region's convention); null where the alpha has no value.
    package var pnl: [Double?]
    package init(alphaID: String, region: String, pool: String, dates: [String], pnl: [Double?]) {
        self.alphaID = alphaID
        self.region = region
        self.pool = pool
        self.dates = dates
        self.pnl = pnl
    }
}

/// A word of formulas and how many alphas use it.
package struct RegionUsageView: Codable, Hashable, Sendable {
    package struct Word: Codable, Hashable, Sendable {
        package var name: String
        /// Empty when not known.
        package var category: String
        package var alphas: Int
        package init(name: String, category: String, alphas: Int) {
            self.name = name
            self.category = category
            self.alphas = alphas
        }
    }

    package var region: String
    package var pool: String
    /// Those that most alphas use come first; at most `Limits.usageWordsMax`.
    package var operators: [Word] = []
    package var fields: [Word] = []
    /// Alphas with a formula that can be read, with one that cannot, and without one.
    package var alphas = 0
    package var unreadable = 0
    package var withoutCode = 0
    package init(region: String, pool: String) {
        self.region = region
        self.pool = pool
    }
}
