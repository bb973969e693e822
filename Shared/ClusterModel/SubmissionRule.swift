/// The rule that decides whether an alpha may be submitted beside one that it is alike.
package enum SubmissionRule {
    /// An alpha that reaches this correlation with a submitted one has to be better than it.
    package static let threshold = 0.7
    /// How much better.
    package static let margin = 0.1

    /// Whether a Sharpe ratio is at least 10 % above another one: by a tenth of the other one's magnitude, and by
    /// something at least.
    ///
    /// Above 1.5 that is from 1.65 on, above -1 from -0.9 on (1.1 times -1 would let a worse one pass), and above 0
    /// everything positive. The last digits do not decide, since 1.1 times 1.5 is a little more than 1.65 in binary. A
    /// ratio that is not known, nil or NaN, is never shown to be above, nor to be surpassed.
    package static func surpasses(_ candidate: Double?, _ alpha: Double?) -> Bool {
        guard let candidate, let alpha else { return false }
        return candidate > alpha && candidate >= alpha + alpha.magnitude * (margin - 1e-12)
    }
}
