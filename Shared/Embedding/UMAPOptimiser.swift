import ClusterModel

/// Stochastic gradient descent with negative samples, on the schedule of umap-learn. One thing differs: the negative samples
/// of a draw all see the place their point had before them, so that none waits for another.
///
/// An edge of weight w is drawn in every (heaviest / w)-th epoch: its ends move towards each other, and its first end away
/// from `negativeRate` points drawn at random. Every edge stands in the graph in both directions. The steps shrink
/// linearly from 1 to 0 over the epochs.
struct UMAPOptimiser {
    private static let negativeRate = 5.0
    /// No axis of a move is longer than this times the step.
    private static let longest: Float = 4

    private let heads: [Int32]
    private let tails: [Int32]
    /// Epochs from one draw of an edge to the next, the epoch it is due in, and that of its next negative sample.
    private let periods: [Double]
    private var due: [Double]
    private var negativesDue: [Double]
    private let epochs: Int
    private let attraction: GradientTable
    private let repulsion: GradientTable
    private var generator: SeededGenerator

    init(_ edges: SparseGraph, epochs: Int, curve: DistanceCurve, generator: SeededGenerator) {
        var heads: [Int32] = []
        heads.reserveCapacity(edges.edgeCount)
        for i in 0..<edges.count { heads.append(contentsOf: repeatElement(Int32(i), count: edges.row(i).count)) }
        let heaviest = edges.weights.max() ?? 1
        self.heads = heads
        tails = edges.columns
        periods = edges.weights.map { heaviest / $0 }
        due = periods
        negativesDue = periods.map { $0 / Self.negativeRate }
        self.epochs = epochs
        attraction = .attraction(curve)
        repulsion = .repulsion(curve)
        self.generator = generator
    }

    /// One epoch: every edge that is due, in the order of the graph, one after the other. The fourth lane of a place
    /// is 0, as is the third in the plane.
    mutating func run(epoch: Int, _ places: inout [SIMD4<Float>]) {
        let step = 1 - Float(epoch) / Float(epochs)
        var drawn = generator
        let points = UInt64(places.count)
        due.withUnsafeMutableBufferPointer { due in
            negativesDue.withUnsafeMutableBufferPointer { negativesDue in
                places.withUnsafeMutableBufferPointer { places in
                    attraction.pieces.withUnsafeBufferPointer { attraction in
                        repulsion.pieces.withUnsafeBufferPointer { repulsion in
                            guard let attraction = attraction.baseAddress, let repulsion = repulsion.baseAddress,
                                let places = places.baseAddress
                            else { return }
                            let now = Double(epoch)
                            for edge in due.indices where due[edge] <= now {
                                let period = periods[edge]
                                let head = Int(heads[edge])
                                Self.attract(head, Int(tails[edge]), places, attraction, step)
                                due[edge] += period
                                let gap = period / Self.negativeRate
                                let negatives = Int((now - negativesDue[edge]) / gap)
                                Self.repel(head, times: negatives, points, places, repulsion, step, &drawn)
                                negativesDue[edge] += Double(negatives) * gap
                            }
                        }
                    }
                }
            }
        }
        generator = drawn
    }

    @inline(__always)
    private static func attract(
        _ head: Int, _ tail: Int, _ places: UnsafeMutablePointer<SIMD4<Float>>, _ table: UnsafePointer<SIMD2<Float>>,
        _ step: Float
    ) {
        let difference = places[head] - places[tail]
        let squared = square(difference)
        guard squared > 0 else { return }
        let move = clipped(difference, by: GradientTable.value(table, at: squared), squared) * step
        places[head] += move
        places[tail] -= move
    }

    @inline(__always)
    private static func repel(
        _ head: Int, times: Int, _ points: UInt64, _ places: UnsafeMutablePointer<SIMD4<Float>>,
        _ table: UnsafePointer<SIMD2<Float>>, _ step: Float, _ generator: inout SeededGenerator
    ) {
        let place = places[head]
        var move = SIMD4<Float>.zero
        for _ in 0..<max(0, times) {
            let other = Int(generator.next().multipliedFullWidth(by: points).high)
            let difference = place - places[other]
            let squared = square(difference)
            // Away from the point itself, or from one that lies on it, there is no way: the difference is 0.
            move += clipped(difference, by: GradientTable.value(table, at: squared), squared)
        }
        places[head] = place + move * step
    }

    @inline(__always)
    private static func square(_ v: SIMD4<Float>) -> Float { v.x * v.x + v.y * v.y + v.z * v.z }

    /// v * factor, no axis longer than `longest`. Only a vector longer than that can have such an axis, and hardly any is.
    @inline(__always)
    private static func clipped(_ v: SIMD4<Float>, by factor: Float, _ squared: Float) -> SIMD4<Float> {
        let move = v * factor
        guard factor * factor * squared > longest * longest else { return move }
        return move.clamped(lowerBound: SIMD4(repeating: -longest), upperBound: SIMD4(repeating: longest))
    }
}
