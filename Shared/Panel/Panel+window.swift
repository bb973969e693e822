import ClusterModel

extension Panel {
    /// The window of a user who names none: 4 years where dates are known, otherwise all.
    package var defaultWindow: Window { dates.isEmpty ? .all : .years(4) }

    /// Index of the first date whose return counts; returns before it are computed from, not counted.
    ///
    /// `4y`: dates after the last one minus 4 calendar years; `400d`: the last 400 dates; `all`: 0.
    /// - Throws: `GridError(.usage)` when years are asked of a panel without dates.
    package func firstDay(of window: Window) throws(GridError) -> Int {
        try Self.firstDay(of: window, dates: dates, dayCount: dayCount)
    }

    /// The same of a panel of which only the days are known.
    package static func firstDay(of window: Window, dates: [Day], dayCount: Int) throws(GridError) -> Int {
        switch window {
        case .all:
            return 0
        case .days(let count):
            return max(0, dayCount - count)
        case .years(let count):
            guard let last = dates.last else {
                throw GridError(
                    .usage,
                    "window \(window) needs dates, which the input does not have: expected all or a number of days such as 400d")
            }
            let limit = last.adding(years: -count)
            // The last date itself is always later than the limit.
            return dates.firstIndex { $0 > limit } ?? dayCount - 1
        }
    }

    /// - Parameter source: names the input in the error, such as a file.
    /// - Throws: `GridError(.usage)` for a single alpha, which has nothing to be correlated with.
    package func requireCorrelatable(source: String) throws(GridError) {
        guard alphaCount >= 2 else {
            throw GridError(.usage, "correlation needs at least 2 alphas, \(source) has \(alphaCount)")
        }
    }
}
