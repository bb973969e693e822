import CKernels
import COpenBLAS
import ClusterModel

/// The only code that calls OpenBLAS.
package enum BLAS {
    /// One thread per call: slots are our own threads, and the split over threads would change the bits.
    /// Kernels see to it themselves; calling it again does nothing.
    package static func configure() {
        configured
    }

    private static let configured: Void = openblas_set_num_threads(1)

    /// Ends the threads that OpenBLAS has started for every core but one while it was loaded: for a tenth of a second they do
    /// nothing but look for work, which would be taken from whoever is computing on this machine whenever a program starts.
    ///
    /// A program does this first of all. `configure` comes before, since a changed number of threads starts them anew.
    package static func endIdleThreads() {
        configure()
        ag_end_blas_threads()
    }

    /// Raised whenever the arithmetic of our own kernels changes.
    package static let epilogueVersion = 4

    /// Whether tiles are multiplied straight from strips (see `ag_multiply`), which saves packing them for every tile, or by
    /// OpenBLAS. A matter of the core type, so that workers of one profile do the same whatever their CPU could.
    package static let multipliesStrips =
        ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(coreType) && ag_has_vector_product() != 0

    /// What this process computes with.
    package static var profile: NumericProfile {
        NumericProfile(blasVersion: version, coreType: coreType, epilogueVersion: epilogueVersion)
    }

    /// Kernel family OpenBLAS runs with in this process.
    static var coreType: String {
        guard let name = openblas_get_corename() else { return "unknown" }
        return String(cString: name)
    }

    /// The second word of the configuration, which begins `OpenBLAS 0.3.21 ...`.
    private static var version: String {
        guard let config = openblas_get_config() else { return "unknown" }
        let words = String(cString: config).split(separator: " ")
        return words.count > 1 ? String(words[1]) : "unknown"
    }
}

/// A type tiles are multiplied in.
protocol GemmElement: BitwiseCopyable {
    static var isFloat: Bool { get }

    /// c = a * b' + (accumulates ? c : 0); a and b are row-major `edge` x `days` with rows `stride` apart, those of c `step`.
    static func gemm(
        _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, into c: UnsafeMutablePointer<Self>, edge: blasint, days: blasint,
        stride: blasint, step: blasint, accumulates: Bool)

    /// Rounds 16 rows of `depth` values and makes a strip of them.
    static func fill(strip: UnsafeMutablePointer<Self>, from rows: UnsafePointer<Double>, depth: Int)

    init(_ value: Double)
}

extension GemmElement {
    /// c = a * b', all row-major: a and b `edge` x `depth`, c `edge` x `edge` with rows `step` apart.
    ///
    /// The days are taken in panels, whose sums are added up in c: no chain of additions is longer than a panel plus the
    /// number of panels, whatever OpenBLAS does inside, and that is what the kernels' error bounds are made of.
    /// Panels depend on `depth` alone, so equal operands give equal bits wherever the tile is.
    static func multiplyTransposed(
        _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, into c: UnsafeMutablePointer<Self>, edge: Int, step: Int, depth: Int
    ) {
        let panel = Panels.depth(of: depth)
        for start in stride(from: 0, to: depth, by: panel) {
            gemm(
                a + start, b + start, into: c, edge: blasint(edge), days: blasint(min(panel, depth - start)),
                stride: blasint(depth), step: blasint(step), accumulates: start > 0)
        }
    }
}

extension Double: GemmElement {
    static var isFloat: Bool { false }

    static func gemm(
        _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, into c: UnsafeMutablePointer<Double>, edge: blasint,
        days: blasint, stride: blasint, step: blasint, accumulates: Bool
    ) {
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, edge, edge, days, 1, a, stride, b, stride, accumulates ? 1 : 0, c, step)
    }

    static func fill(strip: UnsafeMutablePointer<Double>, from rows: UnsafePointer<Double>, depth: Int) {
        ag_fill_strip_f64(rows, depth, strip)
    }
}

extension Float: GemmElement {
    static var isFloat: Bool { true }

    static func gemm(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>, edge: blasint,
        days: blasint, stride: blasint, step: blasint, accumulates: Bool
    ) {
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, edge, edge, days, 1, a, stride, b, stride, accumulates ? 1 : 0, c, step)
    }

    static func fill(strip: UnsafeMutablePointer<Float>, from rows: UnsafePointer<Double>, depth: Int) {
        ag_fill_strip_f32(rows, depth, strip)
    }
}

/// How products over many days are split, and what that makes of their errors.
enum Panels {
    /// Days per panel: deep enough for the full speed of gemm, shallow enough for the bound of float32.
    private static let largest = 1_536

    /// All panels of a product but the last have the same depth, and the last is nearly as deep.
    static func depth(of depth: Int) -> Int {
        let panels = (depth + largest - 1) / largest
        return (depth + panels * 16 - 1) / (panels * 16) * 16
    }

    /// Roundings in the longest chain of additions that makes one value.
    static func chain(depth: Int) -> Int {
        let panel = Self.depth(of: depth)
        return min(depth, panel) + (depth + panel - 1) / panel
    }

    /// Bound on the error of a product's sum relative to the sum of its terms' magnitudes.
    ///
    /// float64: every rounding at its worst, 2^-53 for each addition of the longest chain and a few more for rounded
    /// operands. float32 has no room for the worst case; its roundings are taken as independent, of at most 0.41 * 2^-24
    /// each in the mean square, and six standard deviations of their sum are allowed for.
    static func relativeError(_ precision: Precision, depth: Int) -> Double {
        let chain = Double(chain(depth: depth))
        switch precision {
        case .float64: return (chain + 16) * 0x1p-53
        case .float32: return 2.5 * chain.squareRoot() * 0x1p-24
        }
    }
}
