/// What a selection says of an alpha, as `alpha_selection_<region>` holds it.
package struct SelectionRow: Hashable, Sendable {
    package var alphaID: String
    /// Whether it is one of those to keep.
    package var isChosen: Bool
    /// What was added up over those chosen; nil where unknown.
    package var weight: Double?
    package var sharpe: Double?
    /// Of one that is not chosen: `conflict` with one that is, too many for the `count`, no `weight` above 0,
    /// all its pairs `undefined`, or shut out by a `submitted` one.
    package var reason: String?
    /// The chosen one it conflicts with, the most alike if there are several.
    package var blockedBy: String?
    package var blockedCorrelation: Double?
    /// Of a chosen one: the most alike other chosen one, by |r| where that is the rule, and then |r|.
    package var nearestChosen: String?
    package var nearestCorrelation: Double?
    /// Whether nothing reaches the threshold with it, though it has pairs.
    package var isUnique = false
    /// How many reach the threshold with it; of a candidate, submitted ones too.
    package var conflicts = 0
    /// 1 for the first to submit; nil for one that cannot be submitted.
    package var submissionPlace: Int?
    /// How many candidates its submission shuts out.
    package var submissionBlocks: Int?
    /// What shuts it out.
    package var submissionBlockedBy: String?
    /// Its share among those chosen.
    package var riskParityWeight: Double?
    package init(alphaID: String, isChosen: Bool) {
        self.alphaID = alphaID
        self.isChosen = isChosen
    }
}
