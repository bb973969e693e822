import ClusterModel

extension Panel {
    /// What a user should know before trusting the numbers: one sentence per kind of trouble, none when all is well.
    ///
    /// Alphas without PnL, with too few returns in the window, or with constant returns are no error: none of their
    /// correlations is defined. Under `daily-pnl`, input that looks cumulative is named.
    /// - Throws: `GridError(.usage)` when the window does not fit the panel.
    package func warnings(for parameters: CorrelationParameters) throws(GridError) -> [String] {
        let firstDay = try firstDay(of: parameters.window)
        var missing: [String] = []
        var short: [String] = []
        var constant: [String] = []
        var returns = [Double](repeating: .nan, count: dayCount)
        for alpha in inputOrder {
            switch judge(alpha, parameters, firstDay: firstDay, &returns) {
            case .usable: break
            case .missing: missing.append(alphaIDs[alpha])
            case .short: short.append(alphaIDs[alpha])
            case .constant: constant.append(alphaIDs[alpha])
            }
        }
        var sentences: [String] = []
        func add(_ ids: [String], _ what: String) {
            guard !ids.isEmpty else { return }
            let shown = ids.prefix(5).map(\.printable).joined(separator: ", ") + (ids.count > 5 ? ", ..." : "")
            sentences.append("\(ids.count) \(ids.count == 1 ? "alpha has" : "alphas have") \(what): \(shown)")
        }
        add(missing, "no PnL at all, so no correlation is defined")
        add(short, "fewer than \(parameters.minOverlap) returns in the window, so no correlation is defined")
        add(constant, "constant returns in the window, so no correlation is defined")
        if parameters.convention == .dailyPnL && looksCumulative() {
            sentences.append(
                "the input looks like cumulative PnL, but daily-pnl takes it as daily: "
                    + "correlations of levels are nearly always high; use ffill-shift for cumulative PnL")
        }
        return sentences
    }

    /// Whether the values move in small steps around levels far from zero, as cumulative PnL does, in most alphas.
    ///
    /// Daily PnL changes from day to day by more than its own size (factor 1.4 for independent days); of a running sum
    /// over 60 days the steps are about a fifth of the level, and fewer with every day.
    package func looksCumulative() -> Bool {
        var judged = 0
        var cumulative = 0
        for alpha in 0..<alphaCount {
            var steps = 0.0
            var levels = 0.0
            var count = 0
            var last = Double.nan
            for value in series(alpha) where !value.isNaN {
                if !last.isNaN {
                    steps += (value - last).magnitude
                    levels += value.magnitude
                    count += 1
                }
                last = value
            }
            guard count >= 20, steps > 0 else { continue }
            judged += 1
            if steps * 2 < levels { cumulative += 1 }
        }
        return judged > 0 && cumulative * 2 > judged
    }

    private enum Verdict { case usable, missing, short, constant }

    private func judge(
        _ alpha: Int, _ parameters: CorrelationParameters, firstDay: Int, _ returns: inout [Double]
    ) -> Verdict {
        let values = series(alpha)
        var largest = -1.0
        for value in values where !value.isNaN { largest = max(largest, value.magnitude) }
        if largest < 0 { return .missing }
        var count = 0
        var low = Double.infinity
        var high = -Double.infinity
        func take(_ value: Double) {
            count += 1
            low = min(low, value)
            high = max(high, value)
        }
        if parameters.convention.isPairwise {
            // Against itself: with another alpha there are never more returns.
            parameters.convention.forEachPairReturn(of: values, and: values, firstDay: firstDay) { x, _ in take(x) }
        } else {
            returns.withUnsafeMutableBufferPointer { parameters.convention.returns(of: values, into: $0) }
            for day in firstDay..<dayCount where !returns[day].isNaN { take(returns[day]) }
        }
        if count < parameters.minOverlap { return .short }
        // Constant as the correlation job defines it: within 2^-50 of the largest value.
        return high - low <= largest * 0x1p-50 ? .constant : .usable
    }
}
