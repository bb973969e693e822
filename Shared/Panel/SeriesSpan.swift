/// From when to when a series has values, and how many: all that tells whether it lacks a day in between.
package struct SeriesSpan: Hashable, Sendable {
    /// Indices of dates.
    package var first: Int
    package var last: Int
    package var count: Int

    package init(first: Int, last: Int, count: Int) {
        (self.first, self.last, self.count) = (first, last, count)
    }

    package var dayCount: Int { last - first + 1 }
    package var hasGaps: Bool { count < dayCount }

    /// Series whose spans tell enough of a panel's: of alphas of which one in fifty lacks a day, 64 miss all three times in
    /// ten and 256 once in two hundred. Values of a table that are counted for it are kept near 100,000.
    package static func sampleCount(dayCount: Int) -> Int { max(64, min(256, 100_000 / max(1, dayCount))) }

    /// Indices of a sample, evenly spread.
    package static func sample(of count: Int, dayCount: Int) -> [Int] {
        let wanted = min(count, sampleCount(dayCount: dayCount))
        return (0..<wanted).map { $0 * count / wanted }
    }
}

extension Panel {
    /// The spans of a sample of the series from a day on; those without any value are left out.
    package func spans(from first: Int) -> [SeriesSpan] {
        SeriesSpan.sample(of: alphaCount, dayCount: dayCount - first).compactMap { alpha in
            let values = series(alpha)[first...]
            guard let begin = values.firstIndex(where: { !$0.isNaN }), let end = values.lastIndex(where: { !$0.isNaN }) else {
                return nil
            }
            return SeriesSpan(first: begin, last: end, count: values[begin...end].count { !$0.isNaN })
        }
    }
}
