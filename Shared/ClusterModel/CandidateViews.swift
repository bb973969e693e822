// Questions about single alphas: "may I submit this one?" and "why do these two have this correlation?". These values are
// the JSON of the HTTP interface and of the command line.

/// Body of `POST /v1/regions/{region}/check`. Absent parameters take the region's configured values.
package struct CheckRequest: Encodable, Hashable, Sendable {
    package struct Candidate: Encodable, Hashable, Sendable {
        package var alphaID: String
        /// `YYYY-MM-DD`, ascending.
        package var dates: [String]
        /// One per date, null where missing; cumulative, unless the convention is `daily-pnl`.
        package var pnl: [Double?]
        /// Computed from the PnL when absent.
        package var sharpe: Double?
        package init(alphaID: String, dates: [String], pnl: [Double?], sharpe: Double? = nil) {
            self.alphaID = alphaID
            self.dates = dates
            self.pnl = pnl
            self.sharpe = sharpe
        }
    }

    package var candidates: [Candidate]
    /// The candidates' PnL as a CSV file, in place of `candidates`; never part of the JSON.
    package var csv: [UInt8]?
    package var pool: String?
    package var convention: String?
    package var window: String?
    package var minOverlap: Int?
    /// How many of the most and least correlated alphas to name, 1 ... `Limits.checkTopMax`.
    package var top: Int?
    /// Whether |r| counts instead of r.
    package var absolute: Bool?

    private enum CodingKeys: CodingKey {
        case candidates, pool, convention, window, minOverlap, top, absolute
    }

    package init(candidates: [Candidate], csv: [UInt8]? = nil) {
        self.candidates = candidates
        self.csv = csv
    }
}

/// Where a Sharpe ratio comes from.
package enum SharpeSource: String, Codable, Sendable {
    /// The candidate's, as its owner said.
    case given
    /// The alpha's, from `alphas.is_sharpe`.
    case stored
    /// From the PnL: sqrt(252) mean / standard deviation of its daily changes.
    case computed
}

/// An alpha of the pool beside a candidate.
package struct MatchView: Codable, Hashable, Sendable {
    package var alphaID: String
    package var correlation: Double
    /// Common returns.
    package var days: Int
    package var sharpe: Double?
    package var sharpeSource: SharpeSource?
    /// Only where the threshold is reached: whether the candidate's Sharpe is far enough above.
    package var surpassed: Bool?
    package init(alphaID: String, correlation: Double, days: Int) {
        self.alphaID = alphaID
        self.correlation = correlation
        self.days = days
    }
}

/// What a check says of one candidate.
package struct CandidateView: Codable, Hashable, Sendable {
    package enum Verdict: String, Codable, Sendable {
        case pass, fail
        /// Nothing could be compared although the pool has alphas.
        case undefined
    }

    package var alphaID: String
    package var verdict = Verdict.pass
    /// One sentence.
    package var reason = "the pool is empty, so there is nothing to compare with"
    package var sharpe: Double?
    package var sharpeSource: SharpeSource?
    /// Alphas compared with: the pool without the candidate itself.
    package var poolSize = 0
    /// Defined pairs.
    package var pairCount = 0
    package var maxCorrelation: Double?
    package var minCorrelation: Double?
    /// Alphas that reach the threshold.
    package var reachingCount = 0
    /// Of those, the ones the candidate's Sharpe is not far enough above; the largest Sharpe first, `top` at most.
    package var blocking: [MatchView] = []
    package var blockingCount = 0
    package var most: [MatchView] = []
    package var least: [MatchView] = []

    /// Of an empty pool.
    package init(alphaID: String) { self.alphaID = alphaID }
}

/// Answer of a check.
package struct CheckView: Codable, Hashable, Sendable {
    /// Absent where a file was the pool.
    package var region: String?
    /// Name of the pool, or the file.
    package var pool: String
    /// Alphas with PnL.
    package var poolSize = 0
    package var convention: String
    package var window: String
    package var windowStart: String?
    package var windowEnd: String?
    package var minOverlap: Int
    /// Whether |r| was compared instead of r.
    package var absolute: Bool
    package var threshold: Double
    package var warnings: [String] = []
    /// In the order of the request.
    package var candidates: [CandidateView] = []
    /// r of each candidate with each, null where undefined, 1 on the diagonal; only with several candidates.
    package var candidateCorrelations: [[Double?]]?
    package init(pool: String, convention: String, window: String, minOverlap: Int, absolute: Bool, threshold: Double) {
        self.pool = pool
        self.convention = convention
        self.window = window
        self.minOverlap = minOverlap
        self.absolute = absolute
        self.threshold = threshold
    }
}

/// What `GET /v1/regions/{region}/pairs` asks. Absent parameters take the region's configured values.
package struct PairRequest: Hashable, Sendable {
    package var a: String
    package var b: String
    package var pool: String?
    package var window: String?
    package var minOverlap: Int?
    package init(_ a: String, _ b: String) {
        self.a = a
        self.b = b
    }
}

/// Its answer. Days are dates, or `day N` where the source has none.
package struct PairView: Codable, Hashable, Sendable {
    /// One alpha's own days.
    package struct Series: Codable, Hashable, Sendable {
        package var alphaID: String
        package var firstDay: String?
        package var lastDay: String?
        /// Days with a value.
        package var days: Int
        /// Days of the panel between the first and the last that have none.
        package var gaps: Int
        package init(alphaID: String, firstDay: String?, lastDay: String?, days: Int, gaps: Int) {
            self.alphaID = alphaID
            self.firstDay = firstDay
            self.lastDay = lastDay
            self.days = days
            self.gaps = gaps
        }
    }

    /// r over some common returns.
    package struct Correlation: Codable, Hashable, Sendable {
        package var convention: String?
        package var year: String?
        package var correlation: Double?
        /// Common returns, and the days on which the first and the last of them end.
        package var days: Int
        package var firstDay: String?
        package var lastDay: String?
        /// Why the pair is undefined.
        package var reason: String?
        /// Parts of it, by calendar year.
        package var years: [Correlation]?
        package init(correlation: Double?, days: Int, firstDay: String?, lastDay: String?, reason: String?) {
            self.correlation = correlation
            self.days = days
            self.firstDay = firstDay
            self.lastDay = lastDay
            self.reason = reason
        }
    }

    /// Absent where both are from a file.
    package var region: String?
    /// Name of the pool, or the file.
    package var pool: String
    package var window: String
    package var minOverlap: Int
    package var alphas: [Series]
    /// One per convention.
    package var correlations: [Correlation]
    package init(pool: String, window: String, minOverlap: Int, alphas: [Series], correlations: [Correlation]) {
        self.pool = pool
        self.window = window
        self.minOverlap = minOverlap
        self.alphas = alphas
        self.correlations = correlations
    }
}
