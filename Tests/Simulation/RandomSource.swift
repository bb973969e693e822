/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): tiny, and the same everywhere.
package struct RandomSource: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mix(state)
    }

    package mutating func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True in `percent` of a hundred draws.
    package mutating func chance(percent: Int) -> Bool { Int(next() % 100) < percent }

    /// A source of its own for one part of the world, so that drawing more here changes nothing there.
    package mutating func split() -> RandomSource { RandomSource(seed: next()) }
}

/// The finaliser of SplitMix64: every bit of the input changes half of the output's.
package func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
