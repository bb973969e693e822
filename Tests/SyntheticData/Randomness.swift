/// SplitMix64 (Steele, Lea and Flood 2014): small, seeded, the same everywhere.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A stream of its own for one purpose and one index, so that alpha 7 is the same however many alphas there are.
    init(seed: UInt64, purpose: String, index: Int) {
        var mixed = SplitMix64(seed: seed)
        for byte in purpose.utf8 { mixed = SplitMix64(seed: mixed.next() ^ UInt64(byte)) }
        state = mixed.next() ^ UInt64(truncatingIfNeeded: index) &* 0xD134_2543_DE82_EF95
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in 0 ..< bound; the bias of the remainder is far below anything seen here.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// Nearly standard normal: twelve uniforms (Irwin-Hall), and one day in a hundred four times as wild, as markets are.
    /// Additions and multiplications only, so that every machine gets the same bits; a logarithm would not promise that.
    mutating func normal() -> Double {
        var sum = 0.0
        for _ in 0..<12 { sum += uniform() }
        return (sum - 6) * (below(100) == 0 ? 4 : 1)
    }
}
