/// Numbers that look random and are the same everywhere for the same seed: SplitMix64 (Steele, Lea and Flood 2014).
///
/// A value: whoever needs randomness is given one, and keeps the seed with the result.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    @usableFromInline package var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// A stream of its own for one purpose (a restart, a component, a resample), whatever other streams draw.
    package init(seed: UInt64, stream: UInt64) {
        var mixed = SeededGenerator(seed: seed)
        state = mixed.next() ^ stream &* 0xD134_2543_DE82_EF95
        state = next()
    }

    // Drawn from in the innermost loops of other modules.
    @inlinable @inline(__always)
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in 0 ..< bound (at least 1); the bias is below bound / 2^64.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0)
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Nearly standard normal: twelve uniforms (Irwin-Hall). Only additions, so that no mathematical library has a say.
    package mutating func normal() -> Double {
        var sum = 0.0
        for _ in 0..<12 { sum += uniform() }
        return sum - 6
    }
}
