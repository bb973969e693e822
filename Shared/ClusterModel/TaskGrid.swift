/// How a stage's tasks cover tiles: square groups of `group` x `group` tiles, over block rows of the upper triangle or over
/// a rectangle.
///
/// Task indices run through the row chunks; within a row chunk through the column chunks, in a triangle from the diagonal
/// outwards.
package struct TaskGrid: Hashable, Sendable {
    /// Block rows covered.
    package let rowBlocks: Range<Int>
    /// Block columns of a rectangle; in a triangle they run from each row's own block to the last one.
    package let columnBlocks: Range<Int>
    /// Blocks along a task's edge, at least 1.
    package let group: Int
    package let isTriangle: Bool
    /// Index of the first task of each row chunk, and the task count at the end.
    private let chunkStarts: [Int]

    /// Rows of the upper triangle of `blockCount` x `blockCount` tiles.
    package init(rowBlocks: Range<Int>, blockCount: Int, group: Int) {
        precondition(rowBlocks.upperBound <= blockCount)
        self.init(rowBlocks, 0..<blockCount, group: group, isTriangle: true)
    }

    /// All tiles of some block rows with some block columns.
    package init(rowBlocks: Range<Int>, columnBlocks: Range<Int>, group: Int) {
        self.init(rowBlocks, columnBlocks, group: group, isTriangle: false)
    }

    private init(_ rows: Range<Int>, _ columns: Range<Int>, group: Int, isTriangle: Bool) {
        precondition(group >= 1 && rows.lowerBound >= 0 && columns.lowerBound >= 0)
        (rowBlocks, columnBlocks, self.group, self.isTriangle) = (rows, columns, group, isTriangle)
        var starts = [0]
        for row in stride(from: rows.lowerBound, to: rows.upperBound, by: group) {
            let first = isTriangle ? row : columns.lowerBound
            starts.append(starts[starts.count - 1] + (columns.upperBound - first + group - 1) / group)
        }
        chunkStarts = starts
    }

    package var taskCount: Int { chunkStarts[chunkStarts.count - 1] }

    /// Tiles of all tasks.
    package var tileCount: Int {
        isTriangle
            ? rowBlocks.reduce(0) { $0 + columnBlocks.upperBound - $1 } : rowBlocks.count * columnBlocks.count
    }

    /// Block rows and block columns of a task. Its tiles are (i, j) with i in rows and j in columns, in a triangle j >= i.
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
        let column = (isTriangle ? row : columnBlocks.lowerBound) + (index - chunkStarts[low]) * group
        return (row..<min(row + group, rowBlocks.upperBound), column..<min(column + group, columnBlocks.upperBound))
    }

    /// Row chunk and column chunk of a task, as small numbers that say which tasks share blocks.
    package func groups(ofTask index: Int) -> (row: Int, column: Int) {
        let (rows, columns) = blocks(ofTask: index)
        return (rows.lowerBound / group, columns.lowerBound / group)
    }
}
