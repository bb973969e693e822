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
        let verdicts = verdicts(parameters, firstDay: firstDay)
        for alpha in inputOrder {
            switch verdicts[alpha] {
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

    /// By layout position. On all cores, since a job cannot begin before.
    private func verdicts(_ parameters: CorrelationParameters, firstDay: Int) -> [Verdict] {
        let group = 64
        let groups = PanelHashing.concurrentMap((alphaCount + group - 1) / group) { index in
            var returns = [Double](repeating: .nan, count: self.dayCount)
            return ((index * group)..<min((index + 1) * group, self.alphaCount)).map {
                self.judge($0, parameters, firstDay: firstDay, &returns)
            }
        }
        return groups.flatMap { $0 }
    }

    private func judge(
        _ alpha: Int, _ parameters: CorrelationParameters, firstDay: Int, _ returns: inout [Double]
    ) -> Verdict {
        let values = series(alpha)
        let largest = Self.largestMagnitude(values)
        if largest < 0 { return .missing }
        let tolerance = parameters.convention.tolerance(largest: largest)
        // More returns cannot make an alpha unusable, so that a few mostly tell.
        if let first = values[firstDay...].firstIndex(where: { !$0.isNaN }) {
            let some = values[first..<min(dayCount, first + 2 * parameters.minOverlap)]
            let found = spread(of: UnsafeBufferPointer(rebasing: some), firstDay: 0, parameters, &returns)
            if found.count >= parameters.minOverlap, !found.isConstant(tolerance) { return .usable }
        }
        let all = spread(of: values, firstDay: firstDay, parameters, &returns)
        if all.count < parameters.minOverlap { return .short }
        return all.isConstant(tolerance) ? .constant : .usable
    }

    /// - Parameter returns: room for as many as there are values.
    private func spread(
        of values: UnsafeBufferPointer<Double>, firstDay: Int, _ parameters: CorrelationParameters, _ returns: inout [Double]
    ) -> Spread {
        var spread = Spread()
        if parameters.convention.isPairwise {
            // Against itself: with another alpha there are never more returns.
            parameters.convention.forEachPairReturn(of: values, and: values, firstDay: firstDay) { x, _ in spread.take(x) }
        } else {
            returns.withUnsafeMutableBufferPointer { returns in
                let own = UnsafeMutableBufferPointer(rebasing: returns[..<values.count])
                parameters.convention.returns(of: values, into: own)
                for value in own[firstDay...] where !value.isNaN { spread.take(value) }
            }
        }
        return spread
    }

    /// Returns of one alpha so far.
    private struct Spread {
        var count = 0
        private var low = Double.infinity
        private var high = -Double.infinity

        mutating func take(_ value: Double) {
            count += 1
            low = min(low, value)
            high = max(high, value)
        }

        /// As the correlation job defines it.
        func isConstant(_ tolerance: Double) -> Bool { high - low <= tolerance }
    }

    /// Largest |value| that is not NaN; negative without any.
    private static func largestMagnitude(_ values: UnsafeBufferPointer<Double>) -> Double {
        var largest = SIMD8<Double>(repeating: -1)
        let whole = values.count / 8 * 8
        let base = UnsafeRawPointer(values.baseAddress)
        for start in stride(from: 0, to: whole, by: 8) {
            let found = base?.loadUnaligned(fromByteOffset: start * 8, as: SIMD8<Double>.self) ?? largest
            // Comparing with NaN is false, so it is never taken.
            let negated = 0 - found
            largest.replace(with: found, where: found .> largest)
            largest.replace(with: negated, where: negated .> largest)
        }
        return values[whole...].reduce(largest.max()) { $1.magnitude > $0 ? $1.magnitude : $0 }
    }
}
