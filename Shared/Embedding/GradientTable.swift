#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A function of a squared distance, piecewise linear over 64 pieces per power of two from 2^-40 to 2^24: two loads and a
/// multiplication instead of a power, to a relative 1e-4. Smaller and larger arguments count as those ends.
struct GradientTable {
    /// Constants of the innermost loop: a stored one would be looked up through its guard each time.
    @inline(__always) private static var shift: UInt32 { 23 - 6 }
    @inline(__always) private static var lowest: Float { 0x1p-40 }
    @inline(__always) private static var highest: Float { 0x1.fffffep23 }
    @inline(__always) private static var first: UInt32 { (127 - 40) << 6 }

    /// Value at 0 and slope of each piece.
    let pieces: [SIMD2<Float>]

    init(_ function: (Double) -> Double) {
        let count = Int((Self.highest.bitPattern >> Self.shift) - Self.first) + 1
        pieces = (0..<count).map { piece in
            let start = Double(Float(bitPattern: (Self.first + UInt32(piece)) << Self.shift))
            let end = Double(Float(bitPattern: (Self.first + UInt32(piece) + 1) << Self.shift))
            let (low, high) = (function(start), function(end))
            let slope = (high - low) / (end - start)
            return SIMD2(Float(low - slope * start), Float(slope))
        }
    }

    @inline(__always)
    static func value(_ pieces: UnsafePointer<SIMD2<Float>>, at argument: Float) -> Float {
        let held = min(max(argument, lowest), highest)
        let piece = pieces[Int((held.bitPattern >> shift) - first)]
        return piece.x + piece.y * held
    }

    /// What moves two points of one edge towards each other, per unit of their difference, at most 0:
    /// -2ab s^(b-1) / (1 + a s^b), s the squared distance.
    static func attraction(_ curve: DistanceCurve) -> GradientTable {
        GradientTable { s in -2 * curve.a * curve.b * pow(s, curve.b - 1) / (1 + curve.a * pow(s, curve.b)) }
    }

    /// What moves a point away from another: 2b / ((0.001 + s) (1 + a s^b)).
    static func repulsion(_ curve: DistanceCurve) -> GradientTable {
        GradientTable { s in 2 * curve.b / ((0.001 + s) * (1 + curve.a * pow(s, curve.b))) }
    }
}
