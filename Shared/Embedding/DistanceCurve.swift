#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// UMAP's similarity of two points at distance x in the layout: 1 / (1 + a x^(2b)).
///
/// a and b are the least-squares fit, over 300 distances from 0 to 3 `spread`, to 1 up to `minDistance` and
/// exp(-(x - minDistance) / spread) beyond it: 1.5769 and 0.8951 for 0.1 and 1.
struct DistanceCurve {
    let a: Double
    let b: Double

    init(a: Double, b: Double) {
        self.a = a
        self.b = b
    }

    init(minDistance: Double, spread: Double) {
        let x = (0..<300).map { 3 * spread * Double($0) / 299 }
        let y = x.map { $0 < minDistance ? 1 : exp(-($0 - minDistance) / spread) }
        // Levenberg-Marquardt on two unknowns, from a = b = 1.
        var (a, b, damping) = (1.0, 1.0, 1e-3)
        var error = Self.error(a, b, x, y)
        for _ in 0..<200 {
            let (step, isSmall) = Self.step(a, b, damping, x, y)
            let (nextA, nextB) = (a + step.a, b + step.b)
            let next = nextA > 0 && nextB > 0 ? Self.error(nextA, nextB, x, y) : .infinity
            if next < error {
                (a, b, error, damping) = (nextA, nextB, next, damping / 10)
            } else {
                damping *= 10
            }
            if isSmall || damping > 1e12 { break }
        }
        self.init(a: a, b: b)
    }

    private static func error(_ a: Double, _ b: Double, _ x: [Double], _ y: [Double]) -> Double {
        var sum = 0.0
        for (x, y) in zip(x, y) {
            let difference = 1 / (1 + a * pow(x, 2 * b)) - y
            sum += difference * difference
        }
        return sum
    }

    /// Solves (J'J + damping diag(J'J)) step = -J' difference.
    private static func step(
        _ a: Double, _ b: Double, _ damping: Double, _ x: [Double], _ y: [Double]
    ) -> (step: (a: Double, b: Double), isSmall: Bool) {
        var (aa, ab, bb, ga, gb) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (x, y) in zip(x, y) where x > 0 {
            let power = pow(x, 2 * b)
            let value = 1 / (1 + a * power)
            let (da, db) = (-value * value * power, -value * value * a * power * 2 * log(x))
            aa += da * da
            ab += da * db
            bb += db * db
            ga += da * (value - y)
            gb += db * (value - y)
        }
        aa *= 1 + damping
        bb *= 1 + damping
        let determinant = aa * bb - ab * ab
        guard determinant != 0 else { return ((0, 0), true) }
        let step = (a: (-ga * bb + gb * ab) / determinant, b: (-gb * aa + ga * ab) / determinant)
        return (step, abs(step.a) + abs(step.b) < 1e-12)
    }
}
