import COpenBLAS
import ClusterModel
import Dispatch

/// What OpenBLAS alone needs for the matrix product at the heart of a correlation: the yardstick that a whole job is
/// measured against.
package final class BareProduct {
    private let alphas: Int
    private let days: Int
    private let precision: Precision
    private let operand: AlignedBuffer<UInt8>
    private let product: AlignedBuffer<UInt8>

    /// Bytes of the product; more than that and the yardstick itself would not fit.
    package static let bytesMax = 2 << 30

    /// - Returns: nil for so many alphas that the whole product has more than `bytesMax` bytes.
    package init?(alphas: Int, days: Int, precision: Precision) {
        let size = precision == .float64 ? 8 : 4
        guard alphas * alphas * size <= Self.bytesMax else { return nil }
        (self.alphas, self.days, self.precision) = (alphas, days, precision)
        operand = AlignedBuffer(count: alphas * days * size)
        product = AlignedBuffer(count: alphas * alphas * size)
        for index in 0..<(alphas * days) {
            // Any numbers of both signs do; zeros might be too easy.
            let value = Double((index &* 2_654_435_761) & 0xFFFF) / 65_536 - 0.5
            UnsafeMutableRawPointer(operand.pointer).storeBytes(
                of: precision == .float64 ? value.bitPattern : UInt64(Float(value).bitPattern), at: index, size)
        }
        BLAS.configure()
    }

    /// The upper triangle of x x' by one thread: `cblas_ssyrk` or `cblas_dsyrk`.
    package func syrk() {
        let (n, k) = (blasint(alphas), blasint(days))
        let (a, c) = (UnsafeMutableRawPointer(operand.pointer), UnsafeMutableRawPointer(product.pointer))
        switch precision {
        case .float64:
            cblas_dsyrk(
                CblasRowMajor, CblasUpper, CblasNoTrans, n, k, 1, a.assumingMemoryBound(to: Double.self), k, 0,
                c.assumingMemoryBound(to: Double.self), n)
        case .float32:
            cblas_ssyrk(
                CblasRowMajor, CblasUpper, CblasNoTrans, n, k, 1, a.assumingMemoryBound(to: Float.self), k, 0,
                c.assumingMemoryBound(to: Float.self), n)
        }
    }

    /// Multiplications and additions of `syrk`.
    package var flops: Double { Double(alphas) * Double(alphas + 1) * Double(days) }

    /// The same product by several threads at once, each with its own operands: how far this machine scales.
    package static func runTogether(_ products: [BareProduct]) {
        nonisolated(unsafe) let products = products
        DispatchQueue.concurrentPerform(iterations: products.count) { products[$0].syrk() }
    }
}

extension UnsafeMutableRawPointer {
    fileprivate func storeBytes(of bits: UInt64, at index: Int, _ size: Int) {
        if size == 8 {
            storeBytes(of: bits, toByteOffset: index * 8, as: UInt64.self)
        } else {
            storeBytes(of: UInt32(truncatingIfNeeded: bits), toByteOffset: index * 4, as: UInt32.self)
        }
    }
}
