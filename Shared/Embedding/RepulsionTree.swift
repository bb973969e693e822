/// The repulsion between all points of a plane, by Barnes and Hut: a group of points far away counts as one in its centre.
///
///     force_i = sum over j of q_ij^2 (y_i - y_j),  Z = sum over i != j of q_ij,  q_ij = 1 / (1 + |y_i - y_j|^2)
///
/// MEMORY LAYOUT. Points are sorted along a Z-order curve; a node owns a run of them. Nodes stand in preorder, so that a
/// walk goes forward through the array, either into a node or to the one behind its descendants. Leaves own at most
/// `leafMax` points (more only where points coincide), and serve as the targets of a walk: eight points at once.
///
/// A node is far from a leaf when its larger side is below theta times the distance from the leaf's box to its centre.
/// Theta 0 is the exact sum over all pairs.
struct RepulsionTree {
    private static let leafMax = 8
    private static let levels = 16

    private struct Node {
        var centre: SIMD2<Float> = .zero
        var low: SIMD2<Float> = .zero
        var high: SIMD2<Float> = .zero
        var first: Int32
        var end: Int32
        /// The node behind all descendants.
        var next: Int32 = 0
        var isLeaf = true
    }

    private var nodes: [Node] = []
    /// Of the points in their sorted order, and which points they are.
    private var xs: [Float]
    private var ys: [Float]
    private(set) var order: [Int32]
    private var codes: [UInt32]
    private(set) var leaves: [Int32] = []
    let theta: Float

    init(count: Int, theta: Float) {
        // Room for a whole vector behind the last point.
        xs = [Float](repeating: 0, count: count + 8)
        ys = xs
        order = [Int32](repeating: 0, count: count)
        codes = [UInt32](repeating: 0, count: count)
        self.theta = theta
    }

    /// Sorts the points and makes the nodes anew.
    mutating func build(_ points: UnsafeBufferPointer<SIMD2<Float>>) {
        nodes.removeAll(keepingCapacity: true)
        leaves.removeAll(keepingCapacity: true)
        guard let start = points.first else { return }
        var (low, high) = (start, start)
        for point in points {
            low = SIMD2(min(low.x, point.x), min(low.y, point.y))
            high = SIMD2(max(high.x, point.x), max(high.y, point.y))
        }
        let side = max(high.x - low.x, high.y - low.y)
        let scale = side > 0 ? 65_535 / side : 0
        var keyed: [UInt64] = []
        keyed.reserveCapacity(points.count)
        for (i, point) in points.enumerated() {
            let code = Self.spread((point.x - low.x) * scale) | Self.spread((point.y - low.y) * scale) << 1
            keyed.append(UInt64(code) << 32 | UInt64(i))
        }
        Self.sort(&keyed)
        for (place, key) in keyed.enumerated() {
            let point = points[Int(key & 0xFFFF_FFFF)]
            order[place] = Int32(key & 0xFFFF_FFFF)
            codes[place] = UInt32(key >> 32)
            xs[place] = point.x
            ys[place] = point.y
        }
        add(first: 0, end: points.count, level: 0)
    }

    /// Bits of a coordinate with a gap behind each; what is not a number counts as 0.
    private static func spread(_ value: Float) -> UInt32 {
        var v = value >= 0 && value <= 65_535 ? UInt32(value) : 0
        v = (v | v << 8) & 0x00FF_00FF
        v = (v | v << 4) & 0x0F0F_0F0F
        v = (v | v << 2) & 0x3333_3333
        return (v | v << 1) & 0x5555_5555
    }

    /// By the upper half, stable: the lower half, the point, ascends already.
    private static func sort(_ keys: inout [UInt64]) {
        var other = keys
        for shift in [UInt64(32), 43, 54] {
            var starts = [Int](repeating: 0, count: 2_049)
            for key in keys { starts[Int(key >> shift & 2_047) + 1] += 1 }
            for digit in 0..<2_048 { starts[digit + 1] += starts[digit] }
            for key in keys {
                let digit = Int(key >> shift & 2_047)
                other[starts[digit]] = key
                starts[digit] += 1
            }
            swap(&keys, &other)
        }
    }

    private mutating func add(first: Int, end: Int, level: Int) {
        let index = nodes.count
        nodes.append(Node(first: Int32(first), end: Int32(end)))
        if end - first <= Self.leafMax || level == Self.levels {
            leaves.append(Int32(index))
            summarisePoints(index)
        } else {
            nodes[index].isLeaf = false
            // The next two bits of the code name the quarter.
            let shift = UInt32(2 * (Self.levels - 1 - level))
            var start = first
            for quarter in UInt32(0)..<4 {
                var stop = start
                while stop < end, codes[stop] >> shift & 3 == quarter { stop += 1 }
                if stop > start { add(first: start, end: stop, level: level + 1) }
                start = stop
            }
            summariseChildren(index)
        }
        nodes[index].next = Int32(nodes.count)
    }

    private mutating func summarisePoints(_ index: Int) {
        let (first, end) = (Int(nodes[index].first), Int(nodes[index].end))
        var (low, high) = (SIMD2(xs[first], ys[first]), SIMD2(xs[first], ys[first]))
        var sum = SIMD2<Float>.zero
        for i in first..<end {
            low = SIMD2(min(low.x, xs[i]), min(low.y, ys[i]))
            high = SIMD2(max(high.x, xs[i]), max(high.y, ys[i]))
            sum += SIMD2(xs[i], ys[i])
        }
        nodes[index].low = low
        nodes[index].high = high
        nodes[index].centre = sum / Float(end - first)
    }

    private mutating func summariseChildren(_ index: Int) {
        var child = index + 1
        var (low, high) = (nodes[child].low, nodes[child].high)
        var sum = SIMD2<Float>.zero
        while child < nodes.count {
            let node = nodes[child]
            low = SIMD2(min(low.x, node.low.x), min(low.y, node.low.y))
            high = SIMD2(max(high.x, node.high.x), max(high.y, node.high.y))
            sum += node.centre * Float(node.end - node.first)
            child = Int(node.next)
        }
        nodes[index].low = low
        nodes[index].high = high
        nodes[index].centre = sum / Float(nodes[index].end - nodes[index].first)
    }

    /// Forces on the points of one leaf, written at their own numbers.
    ///
    /// - Returns: the share of these points in Z. Leaves may be asked for in any order and at the same time.
    func repel(leaf: Int, into forces: UnsafeMutablePointer<SIMD2<Float>>) -> Double {
        nodes.withUnsafeBufferPointer { nodes in
            xs.withUnsafeBufferPointer { xs in
                ys.withUnsafeBufferPointer { ys in
                    let target = nodes[leaf]
                    var normaliser = 0.0
                    for first in stride(from: Int(target.first), to: Int(target.end), by: 8) {
                        normaliser += repel(first, end: min(Int(target.end), first + 8), target, nodes, xs, ys, forces)
                    }
                    return normaliser
                }
            }
        }
    }

    @inline(__always)
    private func repel(
        _ first: Int, end: Int, _ target: Node, _ nodes: UnsafeBufferPointer<Node>, _ xs: UnsafeBufferPointer<Float>,
        _ ys: UnsafeBufferPointer<Float>, _ forces: UnsafeMutablePointer<SIMD2<Float>>
    ) -> Double {
        let bytes = first * MemoryLayout<Float>.stride
        let x = UnsafeRawBufferPointer(xs).loadUnaligned(fromByteOffset: bytes, as: SIMD8<Float>.self)
        let y = UnsafeRawBufferPointer(ys).loadUnaligned(fromByteOffset: bytes, as: SIMD8<Float>.self)
        var sums = Sums()
        let limit = theta * theta
        var index = 0
        while index < nodes.count {
            let node = nodes[index]
            let width = max(node.high.x - node.low.x, node.high.y - node.low.y)
            let dx = max(target.low.x - node.centre.x, node.centre.x - target.high.x, 0)
            let dy = max(target.low.y - node.centre.y, node.centre.y - target.high.y, 0)
            if width * width < limit * (dx * dx + dy * dy) {
                sums.add(x, y, node.centre.x, node.centre.y, Float(node.end - node.first))
                index = Int(node.next)
            } else if node.isLeaf {
                for j in Int(node.first)..<Int(node.end) { sums.add(x, y, xs[j], ys[j], 1) }
                index = Int(node.next)
            } else {
                index += 1
            }
        }
        var normaliser = 0.0
        for lane in 0..<(end - first) {
            forces[Int(order[first + lane])] = SIMD2(sums.x[lane], sums.y[lane])
            // A point met itself too: no force, and 1 too much.
            normaliser += Double(sums.q[lane]) - 1
        }
        return normaliser
    }

    private struct Sums {
        var x = SIMD8<Float>.zero
        var y = SIMD8<Float>.zero
        var q = SIMD8<Float>.zero

        @inline(__always)
        mutating func add(_ px: SIMD8<Float>, _ py: SIMD8<Float>, _ x: Float, _ y: Float, _ count: Float) {
            let (dx, dy) = (px - x, py - y)
            let q = 1 / (dx * dx + dy * dy + 1)
            let many = q * count
            self.q += many
            let pull = many * q
            self.x += pull * dx
            self.y += pull * dy
        }
    }
}
