import ClusterModel

/// What a selection job is asked for beyond which correlations it starts from.
package struct SelectionParameters: Hashable, Sendable {
    /// What the alphas that are kept shall have most of, together.
    package enum Weight: String, CaseIterable, Sendable {
        /// As stored, or of the panel's PnL where nothing is.
        case sharpe
        /// As stored; alphas without are not kept.
        case fitness, returns, margin
        /// One as good as the other.
        case equal
    }

    /// How many to keep at most; nil for as many as fit together.
    package var count: Int?
    package var weight = Weight.sharpe
    /// Pairs with r, or |r| with `absolute`, from this on do not go together.
    package var threshold = 0.7
    package var absolute = false

    package init() {}

    /// - Throws: `GridError(.usage)` naming the parameter that is unknown or out of range.
    package init(_ params: [String: String], threshold: Double?, absolute: Bool) throws(GridError) {
        var options = JobOptions(params, kind: "selection")
        try self.init(&options)
        if let threshold { self.threshold = threshold }
        self.absolute = absolute
    }

    /// What there is to say.
    package static var options: JobOptions {
        var options = JobOptions([:], kind: "selection")
        _ = try? SelectionParameters(&options)
        return options
    }

    private init(_ options: inout JobOptions) throws(GridError) {
        count = try options.whole("count", in: 1...Limits.alphasMax)
        if let value = try options.choice("weight", of: Weight.self) { weight = value }
        try options.expectNothingElse()
    }
}
