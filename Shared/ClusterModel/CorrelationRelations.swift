/// One of an alpha's nearest neighbours, as `correlation_neighbours_<region>` holds it.
package struct CorrelationNeighbour: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// By largest r, by smallest r, by largest |r|.
        case most, least, absolute
    }

    package var alphaID: String
    package var kind: Kind
    /// 1 for the nearest.
    package var rank: Int
    package var neighbourID: String
    package var correlation: Double
    /// Common returns of the pair, where known.
    package var days: Int?

    package init(alphaID: String, kind: Kind, rank: Int, neighbourID: String, correlation: Double, days: Int? = nil) {
        self.alphaID = alphaID
        self.kind = kind
        self.rank = rank
        self.neighbourID = neighbourID
        self.correlation = correlation
        self.days = days
    }
}

/// A pair beyond the job's threshold, as `correlation_edges_<region>` holds it; each pair once.
package struct CorrelationEdge: Hashable, Sendable {
    package var alphaIDA: String
    package var alphaIDB: String
    package var correlation: Double
    /// Common returns of the pair, where known.
    package var days: Int?

    package init(alphaIDA: String, alphaIDB: String, correlation: Double, days: Int? = nil) {
        self.alphaIDA = alphaIDA
        self.alphaIDB = alphaIDB
        self.correlation = correlation
        self.days = days
    }
}

/// How an unsubmitted alpha relates to the submitted ones, as `correlation_unsubmitted_<region>` holds it.
package struct CrossCorrelationRow: Hashable, Sendable {
    package var alphaID: String
    /// Largest signed r with a submitted alpha; nil when no pair is defined.
    package var maxCorrelation: Double?
    /// The submitted alpha it is with; ties go to the bytewise smallest id.
    package var bestAlphaID: String?

    package init(alphaID: String, maxCorrelation: Double? = nil, bestAlphaID: String? = nil) {
        self.alphaID = alphaID
        self.maxCorrelation = maxCorrelation
        self.bestAlphaID = bestAlphaID
    }
}
