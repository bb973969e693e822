/// One alpha's row of a correlation result, as `correlation_<region>` holds it.
///
/// Correlations run from -1 to 1. An alpha without any defined pair (all missing, constant, or too short) has
/// `pairCount` 0 and nil everywhere else.
package struct CorrelationRow: Hashable, Sendable {
    package var alphaID: String
    package var min: Double?
    package var max: Double?
    package var avg: Double?
    package var median: Double?
    /// Defined pairs this alpha is in.
    package var pairCount: Int
    /// The alpha of `max`, and the common returns of that pair. Ties go to the bytewise smallest id.
    package var mostCorrelatedAlphaID: String?
    package var mostCorrelatedDays: Int?
    /// The alpha of `min`.
    package var leastCorrelatedAlphaID: String?
    /// Largest |r| and the alpha it is with.
    package var maxAbsCorrelation: Double?
    package var maxAbsAlphaID: String?

    package init(
        alphaID: String, min: Double? = nil, max: Double? = nil, avg: Double? = nil, median: Double? = nil,
        pairCount: Int = 0, mostCorrelatedAlphaID: String? = nil, mostCorrelatedDays: Int? = nil,
        leastCorrelatedAlphaID: String? = nil, maxAbsCorrelation: Double? = nil, maxAbsAlphaID: String? = nil
    ) {
        self.alphaID = alphaID
        self.min = min
        self.max = max
        self.avg = avg
        self.median = median
        self.pairCount = pairCount
        self.mostCorrelatedAlphaID = mostCorrelatedAlphaID
        self.mostCorrelatedDays = mostCorrelatedDays
        self.leastCorrelatedAlphaID = leastCorrelatedAlphaID
        self.maxAbsCorrelation = maxAbsCorrelation
        self.maxAbsAlphaID = maxAbsAlphaID
    }
}
