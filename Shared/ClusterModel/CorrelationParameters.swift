/// The named rule that turns cumulative PnL into the returns that are correlated.
package enum Convention: String, CaseIterable, Sendable, Codable {
    /// `pnl - pnl.ffill().shift(1)`: the day after a gap carries the whole change.
    case ffillShift = "ffill-shift"
    /// `pnl.ffill().diff()`: a missing day is a return of 0, also after the series has ended.
    case ffillDiff = "ffill-diff"
    /// Per pair: keep the dates both have, then take differences.
    case commonDates = "common-dates"
    /// Per pair: keep the dates both have, then `(pnl[t] - pnl[t-1]) / (10,000,000 + pnl[t-1])`.
    case alphadatabank
    /// The input already is daily PnL.
    case dailyPnL = "daily-pnl"

    /// Whether a pair's returns depend on the gaps of both series, not on each series alone.
    package var isPairwise: Bool { self == .commonDates || self == .alphadatabank }

    package init(parsing text: String) throws(GridError) {
        guard let value = Convention(rawValue: text) else {
            let names = Convention.allCases.map(\.rawValue).joined(separator: ", ")
            throw GridError(.usage, "convention '\(text.printable)' is unknown: expected one of \(names)")
        }
        self = value
    }
}

/// Type the correlations are computed in.
package enum Precision: String, CaseIterable, Sendable, Codable {
    case float64, float32

    package init(parsing text: String) throws(GridError) {
        guard let value = Precision(rawValue: text) else {
            throw GridError(.usage, "precision '\(text.printable)' is unknown: expected float64 or float32")
        }
        self = value
    }
}

/// Which returns count. A return belongs to its end date; returns are computed first, then cut.
package enum Window: Hashable, Sendable, CustomStringConvertible {
    case all
    /// Dates after the panel's last date minus this many calendar years.
    case years(Int)
    /// The panel's last so many dates.
    case days(Int)

    package init(parsing text: String) throws(GridError) {
        if text == "all" {
            self = .all
            return
        }
        guard let unit = text.last, let count = Int(text.dropLast()), (1...100_000).contains(count),
            unit == "y" && count <= 200 || unit == "d", text.first != "+"
        else {
            throw GridError(
                .usage,
                "window '\(text.printable)' is not valid: expected all, a number of years such as 4y, or of days such as 400d")
        }
        self = unit == "y" ? .years(count) : .days(count)
    }

    package var description: String {
        switch self {
        case .all: "all"
        case .years(let count): "\(count)y"
        case .days(let count): "\(count)d"
        }
    }
}

/// Which pairs a correlation job keeps one by one.
package struct EdgeRule: Hashable, Sendable {
    /// Smallest r, or |r| with `absolute`, of a pair that is kept, -1 ... 1.
    package var from: Double
    package var absolute: Bool

    package init(from: Double, absolute: Bool) {
        self.from = from
        self.absolute = absolute
    }

    /// The rule that a request spells; nil when it asks for no pairs.
    package init?(threshold: Double?, absolute: Bool?) throws(GridError) {
        guard let threshold else {
            if absolute == true { throw GridError(.usage, "absolute says nothing without a threshold: expected both") }
            return nil
        }
        self.init(from: threshold, absolute: absolute ?? false)
    }
}

/// What a correlation job computes: everything that decides the values, except panel and numeric profile.
package struct CorrelationParameters: Hashable, Sendable {
    package var convention: Convention
    package var window: Window
    /// Fewest common returns of a defined pair, at least 2.
    package var minOverlap: Int
    package var precision: Precision
    /// Alphas per block and edge of a tile, 1 ... `Limits.blockEdgeMax`.
    package var blockEdge: Int
    /// Nearest neighbours kept of each alpha, at either end.
    package var neighbours: Int
    package var edges: EdgeRule?

    package static let defaultMinOverlap = 60
    package static let defaultNeighbours = 10
    package static let defaultBlockEdge = 256

    package init(
        convention: Convention = .ffillShift, window: Window = .years(4),
        minOverlap: Int = defaultMinOverlap, precision: Precision = .float64, blockEdge: Int = defaultBlockEdge,
        neighbours: Int = defaultNeighbours, edges: EdgeRule? = nil
    ) throws(GridError) {
        guard (2...Limits.daysMax).contains(minOverlap) else {
            throw GridError(
                .usage,
                "min-overlap \(minOverlap) is not valid: expected a number from 2 to \(Limits.daysMax), "
                    + "since a correlation needs 2 common returns")
        }
        guard (1...Limits.blockEdgeMax).contains(blockEdge) else {
            throw GridError(.usage, "block-edge \(blockEdge) is not valid: expected a number from 1 to \(Limits.blockEdgeMax)")
        }
        guard (1...Limits.neighboursMax).contains(neighbours) else {
            throw GridError(.usage, "top \(neighbours) is not valid: expected a number from 1 to \(Limits.neighboursMax)")
        }
        if let edges, !(-1...1).contains(edges.from) {
            throw GridError(.usage, "threshold \(edges.from) is not valid: expected a correlation from -1 to 1")
        }
        self.convention = convention
        self.window = window
        self.minOverlap = minOverlap
        self.precision = precision
        self.blockEdge = blockEdge
        self.neighbours = neighbours
        self.edges = edges
    }
}
