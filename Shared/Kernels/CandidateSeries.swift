import ClusterModel
import Panel

/// A series that somebody asks about, as it came.
package struct CandidateSeries: Sendable {
    package let id: String
    /// Ascending; empty when the source has none, and values belong to the panel's days by position.
    package let dates: [Day]
    /// Cumulative PnL (daily for `daily-pnl`), one per date; NaN = missing.
    package let values: [Double]

    /// - Throws: `GridError(.usage)` naming what is wrong with the id, a date or a value.
    package init(id: String, dates: [Day], values: [Double]) throws(GridError) {
        if let problem = AlphaIDRule.problem(id) { throw GridError(.usage, "candidate: \(problem)") }
        let name = "candidate \(id.printable)"
        guard dates.isEmpty || dates.count == values.count else {
            throw GridError(.usage, "\(name) has \(dates.count) dates and \(values.count) values: expected as many of both")
        }
        for (a, b) in zip(dates, dates.dropFirst()) where a >= b {
            throw GridError(.usage, "\(name): date \(b) comes behind \(a): expected ascending dates without duplicates")
        }
        if let index = values.firstIndex(where: { $0.magnitude > Limits.valueMagnitudeMax }) {
            let day = dates.isEmpty ? "day \(index + 1)" : "\(dates[index])"
            throw GridError(
                .usage,
                "\(name): the value \(values[index]) of \(day) is not valid: expected at most \(Limits.valueMagnitudeMax) in "
                    + "magnitude")
        }
        self.id = id
        self.dates = dates
        self.values = values
    }

    /// The series as a column of a panel: its values on the panel's days, NaN where it has none.
    ///
    /// Values on other days are left out, so that a change over such a day spans the same time as the panel's alphas'.
    ///
    /// - Returns: one value per day of the panel, and how many were left out.
    /// - Throws: `GridError(.usage)` when only one of both has dates, or days without dates differ in number.
    package func column(of panel: Panel) throws(GridError) -> (values: [Double], leftOut: Int) {
        guard dates.isEmpty == panel.dates.isEmpty else {
            let (with, without) = panel.dates.isEmpty ? ("the candidate", "the pool") : ("the pool", "the candidate")
            throw GridError(.usage, "\(with) has dates and \(without) has none: expected dates in both or in neither")
        }
        guard !dates.isEmpty else {
            guard values.count == panel.dayCount else {
                throw GridError(
                    .usage,
                    "candidate \(id.printable) has \(values.count) days without dates: expected \(panel.dayCount) as in the pool")
            }
            return (values, 0)
        }
        var column = [Double](repeating: .nan, count: panel.dayCount)
        var leftOut = 0
        var at = 0
        for (day, value) in zip(dates, values) where !value.isNaN {
            while at < panel.dayCount && panel.dates[at] < day { at += 1 }
            if at < panel.dayCount && panel.dates[at] == day { column[at] = value } else { leftOut += 1 }
        }
        return (column, leftOut)
    }
}
