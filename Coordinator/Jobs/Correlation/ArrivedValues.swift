import ClusterModel

/// Values inside the brackets that no median search has taken in yet: alpha by alpha they would cost more to take in with
/// every partial than all at once.
struct ArrivedValues: Sendable {
    /// What one partial had of one block.
    private struct Arrival: Sendable {
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

    /// Of some alphas: those of blocks that they are in.
    func of(_ alphas: Range<Int>) -> ArrivedValues {
        var few = ArrivedValues()
        few.arrivals = arrivals.filter { start, arrivals in
            // All partials of a block have the same alphas.
            start < alphas.upperBound && start + (arrivals.first?.begins.count ?? 1) - 1 > alphas.lowerBound
        }
        return few
    }

    /// Adds to each alpha's count how many values have arrived of it.
    func add(of alphas: Range<Int>, to counts: inout [Int]) {
        forEach(in: alphas) { arrival, start, found in
            for alpha in found {
                counts[alpha - alphas.lowerBound] += arrival.begins[alpha - start + 1] - arrival.begins[alpha - start]
            }
        }
    }

    /// Copies each alpha's values to its place, and moves the place behind them.
    ///
    /// Many alphas at a time: their values lie together in each arrival, and a reference to it is counted once for all.
    func copy<Value: MedianValue>(of alphas: Range<Int>, to places: inout [UnsafeMutablePointer<Value>]) {
        forEach(in: alphas) { arrival, start, found in
            Value.array(arrival.values)?.withUnsafeBufferPointer { values in
                for alpha in found {
                    let range = arrival.begins[alpha - start]..<arrival.begins[alpha - start + 1]
                    guard !range.isEmpty, let base = values.baseAddress else { continue }
                    let place = places[alpha - alphas.lowerBound]
                    place.initialize(from: base + range.lowerBound, count: range.count)
                    places[alpha - alphas.lowerBound] = place + range.count
                }
            }
        }
    }

    private func forEach(in alphas: Range<Int>, _ body: (_ arrival: Arrival, _ start: Int, _ found: Range<Int>) -> Void) {
        for (start, arrivals) in arrivals where start < alphas.upperBound {
            for arrival in arrivals {
                let found = (start..<(start + arrival.begins.count - 1)).clamped(to: alphas)
                if !found.isEmpty { body(arrival, start, found) }
            }
        }
    }
}
