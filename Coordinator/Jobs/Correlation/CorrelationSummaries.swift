import ClusterModel

/// The merged state of a correlation job: one summary per alpha, by layout position.
///
/// Merging is addition of integers, comparison with a tie rule, and appending to multisets; so any order gives the
/// same answer to the bit.
struct CorrelationSummaries: Sendable {
    private(set) var minimum: [Double]
    private(set) var minimumRank: [UInt32]
    private(set) var maximum: [Double]
    private(set) var maximumRank: [UInt32]
    private(set) var maximumDays: [UInt32]
    private(set) var sum: [Int64]
    private(set) var count: [Int]
    /// Values seen that lie below the bracket.
    private var below: [Int]
    /// Values seen inside the bracket.
    private var inside: [[Double]]
    private(set) var brackets: MedianBrackets
    private(set) var twinPairs = 0

    init(alphaCount: Int) {
        minimum = Array(repeating: .infinity, count: alphaCount)
        minimumRank = Array(repeating: .max, count: alphaCount)
        maximum = Array(repeating: -.infinity, count: alphaCount)
        maximumRank = Array(repeating: .max, count: alphaCount)
        maximumDays = Array(repeating: 0, count: alphaCount)
        sum = Array(repeating: 0, count: alphaCount)
        count = Array(repeating: 0, count: alphaCount)
        below = Array(repeating: 0, count: alphaCount)
        inside = Array(repeating: [], count: alphaCount)
        brackets = .everything(alphaCount: alphaCount)
    }

    var alphaCount: Int { minimum.count }

    /// Merges one block of a partial whose alphas begin at layout position `start`.
    mutating func merge(_ block: CorrelationPartial.Block, at start: Int, mode: CorrelationTask.Mode) {
        var next = 0
        for slot in 0..<block.alphaCount {
            let alpha = start + slot
            let values = next..<(next + Int(block.insideCount[slot]))
            inside[alpha].append(contentsOf: block.insideValues[values])
            next = values.upperBound
            guard mode == .full else { continue }

            let minimumKey = (block.minimum[slot], block.minimumRank[slot])
            if minimumKey < (minimum[alpha], minimumRank[alpha]) {
                (minimum[alpha], minimumRank[alpha]) = minimumKey
            }
            let maximumKey = (-block.maximum[slot], block.maximumRank[slot])
            if maximumKey < (-maximum[alpha], maximumRank[alpha]) {
                maximum[alpha] = block.maximum[slot]
                maximumRank[alpha] = block.maximumRank[slot]
                maximumDays[alpha] = block.maximumDays[slot]
            }
            sum[alpha] += block.sum[slot]
            count[alpha] += Int(block.count[slot])
            below[alpha] += Int(block.below[slot])
        }
    }

    mutating func addTwinPairs(_ pairs: Int) { twinPairs += pairs }

    /// Narrows every bracket to where the median of all values will be, given that those seen are a random part of them.
    ///
    /// The number of seen values below the final median is hypergeometric with mean m / 2 and variance at most
    /// (m / 4)(1 - m / total); so the order statistics m / 2 +- deviations * sqrt of that enclose it. A bracket that
    /// misses costs time, never exactness.
    ///
    /// - Parameters:
    ///   - fractionSeen: part of each alpha's pairs that has been merged, 0 ... 1.
    ///   - deviations: half width in standard deviations.
    mutating func tighten(fractionSeen: [Double], deviations: Double) {
        for alpha in 0..<alphaCount {
            let seen = count[alpha]
            guard seen > 0, !inside[alpha].isEmpty else { continue }
            let slack = deviations * (Double(seen) / 4 * max(0, 1 - fractionSeen[alpha])).squareRoot() + 1
            let first = Int((Double(seen) / 2 - slack).rounded(.down)) - below[alpha]
            let last = Int((Double(seen) / 2 + slack).rounded(.up)) - below[alpha]
            narrow(alpha, toOrderStatistics: first, last)
        }
    }

    /// Keeps the values between two order statistics of those inside; one that lies outside leaves that side as it is.
    private mutating func narrow(_ alpha: Int, toOrderStatistics first: Int, _ last: Int) {
        inside[alpha].sort()
        let values = inside[alpha]
        if first > 0, first < values.count { brackets.low[alpha] = values[first] }
        if last >= 0, last < values.count - 1 { brackets.high[alpha] = values[last] }
        let start = values.firstIndex { $0 >= brackets.low[alpha] } ?? values.count
        let end = values.lastIndex { $0 <= brackets.high[alpha] } ?? -1
        below[alpha] += start
        inside[alpha] = start <= end ? Array(values[start...end]) : []
    }

    enum Median: Equatable {
        case undefined
        case value(Double)
        /// The bracket lies above the median: values below it are needed.
        case missedBelow
        /// The bracket lies below the median: values above it are needed.
        case missedAbove
    }

    /// Exact median of the values of one alpha once all of them have been seen: the mean of the two middle ones when
    /// their number is even.
    mutating func median(of alpha: Int) -> Median {
        guard count[alpha] > 0 else { return .undefined }
        let lower = (count[alpha] - 1) / 2 - below[alpha]
        let upper = count[alpha] / 2 - below[alpha]
        if lower < 0 { return .missedBelow }
        if upper >= inside[alpha].count { return .missedAbove }
        inside[alpha].sort()
        let (a, b) = (inside[alpha][lower], inside[alpha][upper])
        return .value(a == b ? a : a / 2 + b / 2)
    }

    /// Opens the bracket of an alpha on the side where its median was missed, and says which values to fetch.
    mutating func reopen(_ alpha: Int, _ miss: Median) -> (low: Double, high: Double) {
        if miss == .missedBelow {
            let fetch = (-Double.infinity, brackets.low[alpha].nextDown)
            brackets.low[alpha] = -.infinity
            below[alpha] = 0
            return fetch
        }
        let fetch = (brackets.high[alpha].nextUp, Double.infinity)
        brackets.high[alpha] = .infinity
        return fetch
    }
}
