/// How a stage's tasks cover tiles: square groups of `group` x `group` tiles over some block rows of the upper triangle.
///
/// Task indices run through the row chunks; within a row chunk through the column chunks from the diagonal outwards.
package struct TaskGrid: Hashable, Sendable {
    /// Block rows covered; columns run from each row's own block to `blockCount`.
    package let rowBlocks: Range<Int>
    package let blockCount: Int
    /// Blocks along a task's edge, at least 1.
    package let group: Int
    /// Index of the first task of each row chunk, and the task count at the end.
    private let chunkStarts: [Int]

    package init(rowBlocks: Range<Int>, blockCount: Int, group: Int) {
        precondition(group >= 1 && rowBlocks.lowerBound >= 0 && rowBlocks.upperBound <= blockCount)
        self.rowBlocks = rowBlocks
        self.blockCount = blockCount
        self.group = group
        var starts = [0]
        var row = rowBlocks.lowerBound
        while row < rowBlocks.upperBound {
            starts.append(starts.last! + (blockCount - row + group - 1) / group)
            row += group
        }
        chunkStarts = starts
    }

    package var taskCount: Int { chunkStarts.last! }

    /// Block rows and block columns of a task. Its tiles are (i, j) with i in rows, j in columns, j >= i.
    package func blocks(ofTask index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        precondition((0..<taskCount).contains(index))
        // Binary search for the row chunk: the last start that is not beyond the index.
        var low = 0
        var high = chunkStarts.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if chunkStarts[middle] <= index { low = middle } else { high = middle }
        }
        let row = rowBlocks.lowerBound + low * group
        let column = row + (index - chunkStarts[low]) * group
        return (row..<min(row + group, rowBlocks.upperBound), column..<min(column + group, blockCount))
    }

    /// Row chunk and column chunk of a task, as small numbers that say which tasks share blocks.
    package func groups(ofTask index: Int) -> (row: Int, column: Int) {
        let (rows, columns) = blocks(ofTask: index)
        return (rows.lowerBound / group, columns.lowerBound / group)
    }
}
