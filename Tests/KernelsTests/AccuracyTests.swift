import ClusterModel
import Kernels
import Testing

/// The kernel against the slow twin on data as it comes.
struct AccuracyTests {
    @Test(
        "With late starts, early ends and gaps every pair agrees with the slow twin, in both precisions",
        arguments: Convention.allCases)
    func gappyPanel(_ convention: Convention) {
        let panel = syntheticPanel(alphas: 37, days: 150, seed: 1)
        for firstDay in [0, 1, 70] {
            let worst = largestError(panel, convention, firstDay: firstDay, minOverlap: 5)
            #expect(worst[.float64]! <= 1e-12, "from day \(firstDay)")
            #expect(worst[.float32]! <= 1e-5, "from day \(firstDay)")
        }
    }

    @Test("Without missing days every pair agrees with the slow twin, in both precisions", arguments: Convention.allCases)
    func completePanel(_ convention: Convention) {
        let panel = syntheticPanel(alphas: 20, days: 90, seed: 2, gaps: -1).filter { !$0.contains(where: \.isNaN) }
        #expect(panel.count >= 5)
        let worst = largestError(panel, convention)
        #expect(worst[.float64]! <= 1e-13)
        #expect(worst[.float32]! <= 1e-5)
    }

    @Test(
        "Late starts alone, where complete blocks meet incomplete ones, agree with the slow twin",
        arguments: Convention.allCases)
    func completeAgainstLate(_ convention: Convention) {
        // Blocks of 4: complete, late but alike, late and different; so that each of the shortcuts is taken.
        let starts = [0, 0, 0, 0, 40, 40, 40, 40, 60, 75, 62, 90, 0, 30, 0, 20]
        var panel = syntheticPanel(alphas: 48, days: 120, seed: 3, gaps: -1).filter { !$0.contains(where: \.isNaN) }
        #expect(panel.count >= 10)
        while panel.count < starts.count {
            panel.append(zip(panel[panel.count - 10], panel[panel.count - 7]).map { $0 - 2 * $1 })
        }
        panel = zip(panel, starts).map { series, start in series.enumerated().map { $0 < start ? .nan : $1 } }
        let worst = largestError(panel, convention, edge: 4)
        #expect(worst[.float64]! <= 1e-12)
        #expect(worst[.float32]! <= 1e-5)
    }

    @Test("Long series stay within float32's promise, also when all moves have the same size and roundings add up")
    func longSeries() {
        var random = Generator(seed: 4)
        var panel: [[Double]] = []
        for alpha in 0..<14 {
            let size = 0.1 + 0.013 * Double(alpha)
            let common = alpha % 2 == 0
            panel.append(
                (0..<3000).map { day in
                    if day < alpha * 50 || random.uniform() < 0.01 { return .nan }
                    let sign = common ? Double((day * 7919 / 13) % 2) : Double(random.next() & 1)
                    return (random.uniform() < 0.9 ? sign : 1 - sign) * 2 * size - size
                })
        }
        for alpha in 0..<6 { panel.append(syntheticPanel(alphas: 6, days: 3000, seed: 5)[alpha]) }
        let worst = largestError(panel, .dailyPnL, minOverlap: 60, edge: 20)
        #expect(worst[.float64]! <= 1e-12)
        #expect(worst[.float32]! <= 1e-5)
    }

    @Test(
        "The tile edge changes nothing beyond 1e-12: 1, larger than the panel, not dividing it",
        arguments: Convention.allCases)
    func tileEdges(_ convention: Convention) {
        let panel = syntheticPanel(alphas: 23, days: 100, seed: 6)
        let matrices = [8, 1, 7, 64, 23].map {
            KernelMatrix(panel, edge: $0, convention: convention, precision: .float64, firstDay: 20, minOverlap: 10)
        }
        for matrix in matrices.dropFirst() {
            for i in panel.indices {
                for j in panel.indices where i != j {
                    let (a, b) = (matrices[0].values[i][j], matrix.values[i][j])
                    #expect(a.isNaN && b.isNaN || abs(a - b) <= 1e-12)
                }
            }
            #expect(matrix.days == matrices[0].days)
        }
    }

    @Test("The same input gives the same bits, whichever kernel instance computes it and whatever it computed before")
    func determinism() throws {
        let panel = syntheticPanel(alphas: 30, days: 200, seed: 7)
        for precision in Precision.allCases {
            let blocks = preparedBlocks(panel, edge: 16, convention: .ffillShift, precision: precision)
            let again = preparedBlocks(panel, edge: 16, convention: .ffillShift, precision: precision)
            let (first, second) = (CorrelationKernel(blockEdge: 16), CorrelationKernel(blockEdge: 16))
            _ = try second.correlations(row: again[1], column: again[1], minOverlap: 2)
            let a = try first.correlations(row: blocks[0], column: blocks[1], minOverlap: 2)
            let b = try second.correlations(row: again[0], column: again[1], minOverlap: 2)
            #expect(a.values.map(\.bitPattern) == b.values.map(\.bitPattern))
            #expect(a.days == b.days)
        }
    }

    @Test("float32 results are floats, and none is a negative zero")
    func representation() {
        var panel = syntheticPanel(alphas: 12, days: 80, seed: 8)
        // Two series that are orthogonal exactly, in both signs.
        panel.append((0..<80).map { Double([1, -1, 1, -1][$0 % 4]) })
        panel.append((0..<80).map { Double([1, 1, -1, -1][$0 % 4]) })
        panel.append((0..<80).map { Double([-1, -1, 1, 1][$0 % 4]) })
        for precision in Precision.allCases {
            let matrix = KernelMatrix(panel, edge: 15, convention: .dailyPnL, precision: precision, minOverlap: 2)
            for value in matrix.values.joined() where !value.isNaN {
                #expect(precision == .float64 || Double(Float(value)) == value)
                #expect(value.bitPattern != (-0.0).bitPattern)
            }
            #expect(matrix.values[12][13] == 0 && matrix.values[12][14] == 0)
        }
    }
}
