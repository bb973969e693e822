import ClusterModel
import Panel

extension CorrelationPlan {
    /// Whether a partial can be that task's. What it says may still be wrong, but nothing that is merged, added up or looked
    /// up by it can go astray: a worker may be broken, or an enemy.
    ///
    /// - Parameters:
    ///   - stage: the one the task belongs to.
    ///   - rectangle: block rows and columns of a stage that looks at pairs of different panels, each with ranks of its own.
    /// - Throws: `GridError(.usage)` naming what cannot be.
    func check(
        _ partial: CorrelationPartial, task index: Int, of stage: JobStage?,
        rectangle: (rows: Range<Int>, columns: Range<Int>)? = nil
    ) throws(GridError) {
        func wrong(_ what: String) -> GridError { GridError(.usage, "the partial of task \(index) \(what)") }
        guard let expected = stage?.blocks, partial.blocks.map({ Int($0.index) }) == expected(index) else {
            throw wrong("is not of that task's blocks")
        }
        let rows = UInt32(rectangle.map { alphaCount($0.rows) } ?? layout.alphaCount)
        let columns = UInt32(rectangle.map { alphaCount($0.columns) } ?? layout.alphaCount)
        for block in partial.blocks {
            guard layout.shape.alphas(inBlock: Int(block.index)).count == block.alphaCount else {
                throw wrong("has \(block.alphaCount) alphas in block \(block.index)")
            }
            guard block.insideValues.precision == parameters.precision else {
                throw wrong("is of another precision than the job")
            }
            let partners = rectangle?.columns.contains(Int(block.index)) == true ? rows : columns
            guard isPossible(block, partners: partners) else { throw wrong("has counts, sums or correlations that cannot be") }
        }
        let isPossible = partial.edges.allSatisfy { edge in
            edge.rankA < rows && edge.rankB < columns && Self.range.contains(edge.r)
                && (rectangle != nil || edge.rankA != edge.rankB)
        }
        guard isPossible else { throw wrong("has a pair that cannot be") }
        let pairsMax = UInt64(layout.alphaCount) * UInt64(layout.alphaCount)
        guard partial.twinPairs <= pairsMax, partial.edgesDropped <= pairsMax else { throw wrong("counts pairs there are not") }
    }

    private static let range = -1.0...1.0

    private func alphaCount(_ blocks: Range<Int>) -> Int {
        layout.shape.blockStarts[blocks.upperBound] - layout.shape.blockStarts[blocks.lowerBound]
    }

    /// - Parameter partners: alphas that those of the block are compared with, numbered by their ranks.
    private func isPossible(_ block: CorrelationPartial.Block, partners: UInt32) -> Bool {
        for alpha in 0..<block.alphaCount {
            // Sums are at most as large as so many ones, so that all tasks together cannot overflow.
            guard block.count[alpha] <= partners, block.sum[alpha].magnitude <= UInt64(block.count[alpha]) << 40,
                block.below[alpha] <= partners, block.insideCount[alpha] <= partners,
                block.mostCount[alpha] <= parameters.neighbours, block.leastCount[alpha] <= parameters.neighbours
            else { return false }
        }
        for neighbours in [block.most, block.least] {
            guard neighbours.allSatisfy({ $0.rank < partners && Self.range.contains($0.r) }) else { return false }
        }
        switch block.insideValues {
        case .float64(let values): return Self.areCorrelations(values)
        case .float32(let values): return Self.areCorrelations(values)
        }
    }

    /// Looks at all of them in any case: leaving at the first wrong one would keep the compiler from taking vectors.
    private static func areCorrelations<Value: BinaryFloatingPoint>(_ values: [Value]) -> Bool {
        var wrong: UInt8 = 0
        for value in values { wrong |= value.magnitude <= 1 ? 0 : 1 }
        return wrong == 0
    }
}
