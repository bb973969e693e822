import ClusterModel

/// Values inside the brackets that no median search has taken in yet: alpha by alpha they would cost more to take in with
/// every partial than all at once.
struct ArrivedValues: Sendable {
    /// One alpha's part of one partial.
    struct Portion: Sendable {
        fileprivate var values: CorrelationValues
        fileprivate var range: Range<Int>

        var count: Int { range.count }

        /// nil for another precision.
        var float64: ArraySlice<Double>? {
            guard case .float64(let values) = values else { return nil }
            return values[range]
        }

        /// nil for another precision.
        var float32: ArraySlice<Float>? {
            guard case .float32(let values) = values else { return nil }
            return values[range]
        }
    }

    fileprivate struct Arrival: Sendable {
        /// Where each alpha's values begin, and where the last one's end.
        var begins: [Int]
        var values: CorrelationValues
    }

    /// By the layout position at which their block starts.
    private var arrivals: [Int: [Arrival]] = [:]

    /// Keeps the values of a block's alphas, the first of which stands at layout position `start`.
    mutating func add(_ values: CorrelationValues, counts: [UInt32], at start: Int) {
        guard values.count > 0 else { return }
        var begins = [0]
        begins.reserveCapacity(counts.count + 1)
        for count in counts { begins.append(begins[begins.count - 1] + Int(count)) }
        arrivals[start, default: []].append(Arrival(begins: begins, values: values))
    }

    /// What has arrived of an alpha, for many alphas in turn.
    func byAlpha() -> ByAlpha {
        let starts = arrivals.keys.sorted()
        return ByAlpha(starts: starts, arrivals: starts.map { arrivals[$0, default: []] })
    }

    struct ByAlpha: Sendable {
        fileprivate var starts: [Int]
        fileprivate var arrivals: [[Arrival]]

        /// One portion of every partial that had values of the alpha's block.
        subscript(alpha: Int) -> [Portion] {
            // The last block that starts at or before the alpha, if the alpha is in it.
            var (low, high) = (0, starts.count)
            while low < high {
                let middle = (low + high) / 2
                if starts[middle] > alpha { high = middle } else { low = middle + 1 }
            }
            guard low > 0 else { return [] }
            let slot = alpha - starts[low - 1]
            let found = arrivals[low - 1]
            guard let first = found.first, slot + 1 < first.begins.count else { return [] }
            return found.map { Portion(values: $0.values, range: $0.begins[slot]..<$0.begins[slot + 1]) }
        }
    }
}
