import CKernels
import ClusterModel
import Testing

@testable import Kernels

/// Products with a wrong value are found out, and right ones never suspected.
struct ProductCheckTests {
    private static let edge = 40

    /// Two blocks of 40 alphas, with or without missing days.
    private func blocks(_ precision: Precision, strips: Bool, gaps: Double) -> [PreparedBlock] {
        let panel = syntheticPanel(alphas: 80, days: 300, seed: 3, gaps: gaps)
        return [0, 1].map { block in
            let values = panel[(block * Self.edge)..<((block + 1) * Self.edge)].flatMap(\.self)
            return values.withUnsafeBufferPointer {
                PreparedBlock(
                    cumulative: $0, alphaCount: Self.edge, blockEdge: Self.edge, dayCount: 300, convention: .ffillShift,
                    precision: precision, firstDay: 0, multipliesStrips: strips)
            }
        }
    }

    private static let ways: [(Precision, Bool)] = Precision.allCases.flatMap { precision in
        (ag_has_vector_product() != 0 ? [true, false] : [false]).map { (precision, $0) }
    }

    /// Turns over one bit of value (i, j) of a product.
    private func flip(_ bit: Int, _ i: Int, _ j: Int, _ precision: Precision, in values: UnsafeMutableRawPointer) {
        let step = (Self.edge + 15) / 16 * 16
        let size = precision == .float64 ? 8 : 4
        values.assumingMemoryBound(to: UInt8.self)[(i * step + j) * size + bit / 8] ^= 1 << UInt8(bit % 8)
    }

    private func sentence(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            #expect((error as? GridError)?.kind == .damaged)
            return "\(error)"
        }
    }

    @Test("A bit that flips in a product once is found out, wherever it is", arguments: ways, [0, 0.05])
    func flippedOnce(way: (Precision, Bool), gaps: Double) {
        let (precision, strips) = way
        let blocks = blocks(precision, strips: strips, gaps: gaps)
        let kernel = CorrelationKernel(blockEdge: Self.edge)
        // The sign, and bits of the exponent and the mantissa.
        for bit in precision == .float64 ? [63, 54, 51, 40] : [31, 24, 22] {
            for (i, j) in [(0, 39), (7, 8), (20, 31)] {
                for column in [0, 1] {
                    var products = 0
                    kernel.disturbProduct = { values in
                        products += 1
                        if products == 1 { flip(bit, i, j, precision, in: values) }
                    }
                    let said = sentence {
                        _ = try kernel.correlations(row: blocks[0], column: blocks[column], minOverlap: 60)
                    }
                    #expect(said.hasSuffix(": this machine's memory or CPU is suspect"), "bit \(bit) of \(i), \(j)")
                }
            }
        }
        kernel.disturbProduct = nil
        #expect(sentence { _ = try kernel.correlations(row: blocks[0], column: blocks[1], minOverlap: 60) } == "")
    }

    @Test("A CPU that always computes the same wrong value is found out too", arguments: ways)
    func flippedAlways(way: (Precision, Bool)) {
        let blocks = blocks(way.0, strips: way.1, gaps: 0.05)
        let kernel = CorrelationKernel(blockEdge: Self.edge)
        kernel.disturbProduct = { flip(way.0 == .float64 ? 62 : 30, 3, 17, way.0, in: $0) }
        let said = sentence { _ = try kernel.correlations(row: blocks[0], column: blocks[1], minOverlap: 60) }
        #expect(said.hasPrefix("a matrix product is wrong by "))
    }

    @Test("On the diagonal of a block with itself, every series has its own norm", arguments: ways)
    func diagonal(way: (Precision, Bool)) {
        let blocks = blocks(way.0, strips: way.1, gaps: 0)
        let kernel = CorrelationKernel(blockEdge: Self.edge)
        kernel.disturbProduct = { flip(way.0 == .float64 ? 40 : 18, 12, 12, way.0, in: $0) }
        let said = sentence { _ = try kernel.correlations(row: blocks[0], column: blocks[0], minOverlap: 60) }
        #expect(said.hasPrefix("1 values on the diagonal of a matrix product are wrong"))
    }

    @Test("Where both halves of a symmetric product are computed, they are compared", arguments: Precision.allCases)
    func symmetry(precision: Precision) {
        let blocks = blocks(precision, strips: false, gaps: 0.05)
        let kernel = CorrelationKernel(blockEdge: Self.edge)
        // Below the diagonal, where nobody else looks.
        kernel.disturbProduct = { flip(precision == .float64 ? 63 : 31, 21, 4, precision, in: $0) }
        let said = sentence { _ = try kernel.correlations(row: blocks[0], column: blocks[0], minOverlap: 60) }
        #expect(said.hasPrefix("1 pairs of a symmetric matrix product differ"))
    }

    @Test("An operand that has changed in memory since it was prepared is found out", arguments: ways)
    func operand(way: (Precision, Bool)) {
        let blocks = blocks(way.0, strips: way.1, gaps: 0.05)
        let kernel = CorrelationKernel(blockEdge: Self.edge)
        func flipSign<Element>(_ operand: Operand<Element>) {
            let buffer = operand.rows ?? operand.strips
            let bytes = UnsafeMutableRawPointer(buffer!.pointer).assumingMemoryBound(to: UInt8.self)
            let size = MemoryLayout<Element>.size
            // Of a value that is not zero; which one it is does not matter.
            let place = (0..<buffer!.count).first { place in (0..<size).contains { bytes[place * size + $0] & 0x7F != 0 } }
            bytes[place! * size + size - 1] ^= 0x80
        }
        switch blocks[1].centred.x {
        case .float64(let operand): flipSign(operand)
        case .float32(let operand): flipSign(operand)
        }
        let said = sentence { _ = try kernel.correlations(row: blocks[0], column: blocks[1], minOverlap: 60) }
        #expect(said.hasPrefix("the operands of a matrix product have changed in memory"))
    }

    @Test("Nothing of a wrong product gets into a partial: the task fails")
    func task() throws {
        let panel = syntheticPanel(alphas: 20, days: 200, seed: 4)
        let blocks = preparedBlocks(panel, edge: 10, convention: .ffillShift, precision: .float64)
        let task = correlationTask(
            blocks, of: [0, 1], tiles: [(0, 0), (0, 1), (1, 1)], ranks: (0..<20).map { UInt32($0) }, minOverlap: 60)
        let kernel = CorrelationKernel(blockEdge: 10)
        let right = try kernel.run(task, blocks: blocks).partial
        var products = 0
        kernel.disturbProduct = { values in
            products += 1
            if products == 2 { values.assumingMemoryBound(to: UInt64.self)[5] ^= 1 << 60 }
        }
        #expect(throws: GridError.self) { try kernel.run(task, blocks: blocks) }
        kernel.disturbProduct = nil
        #expect(try kernel.run(task, blocks: blocks).partial == right)
    }

    @Test(
        "Data that make rounding errors agree with each other are not taken for a broken machine",
        arguments: ways, [0.0, 0.02])
    func noFalseAlarm(way: (Precision, Bool), gaps: Double) throws {
        var random = Generator(seed: 9)
        let days = 3_200
        // Copies of square waves, of a ramp, of a single tick, and of noise so small that its squares vanish in float32.
        let shapes: [(Int) -> Double] = [
            { $0 % 2 == 0 ? 0.1 : -0.1 }, { $0 % 64 < 32 ? 1 / 3 : -1 / 3 }, { Double($0) * 0.7 },
            { $0 == 77 ? 1e9 : 1e-3 * Double($0 % 3) },
            { $0 == 9 ? 1 : 1e-25 * Double($0 % 5) }, { 1e140 * Double($0 % 7) }, { .leastNonzeroMagnitude * Double($0 % 11) },
        ]
        let series = (0..<64).map { alpha in
            (0..<days).map { day in random.uniform() < gaps ? .nan : shapes[(alpha / 2) % (alpha < 32 ? 1 : shapes.count)](day) }
        }
        let blocks = [0, 32].map { start in
            let values = series[start..<(start + 32)].flatMap(\.self)
            return values.withUnsafeBufferPointer {
                PreparedBlock(
                    cumulative: $0, alphaCount: 32, blockEdge: 32, dayCount: days, convention: .dailyPnL,
                    precision: way.0, firstDay: 0, multipliesStrips: way.1)
            }
        }
        let kernel = CorrelationKernel(blockEdge: 32)
        for (row, column) in [(0, 0), (0, 1), (1, 1)] {
            let said = sentence { _ = try kernel.correlations(row: blocks[row], column: blocks[column], minOverlap: 60) }
            #expect(said == "")
        }
    }
}
