import ClusterModel

extension Scheduler {
    /// A picture of the job's present stage: block rows against block columns where its tasks are tiles, else tasks line by
    /// line. Of very many tasks only some are looked at, so that it never takes long.
    ///
    /// - Returns: nil when the job has no stage.
    package func tileMap(of job: JobID) -> TileMapView? {
        guard let slot = jobByID[job], let stage = jobs[slot]?.stage else { return nil }
        var picture = stage.grid.map { TilePicture(of: $0) } ?? TilePicture(taskCount: stage.taskCount)
        let step = max(1, stage.taskCount / Limits.tileMapTasksMax)
        for task in stride(from: 0, to: stage.taskCount, by: step) {
            picture.put(Self.sign(of: UInt32(task), in: stage), task: task, grid: stage.grid)
        }
        return TileMapView(
            jobID: job, stage: stage.name, edge: picture.edge, upper: stage.grid?.isTriangle ?? false,
            cells: String(decoding: picture.cells, as: UTF8.self), taskCount: stage.taskCount,
            grid: stage.grid.map { TileMapView.Grid($0) })
    }

    private static func sign(of task: UInt32, in stage: Stage) -> UInt8 {
        let hasFailed = (stage.notes[task]?.failures ?? 0) > 0
        return switch stage.states[Int(task)] {
        case .merging, .merged: UInt8(ascii: "m")
        case .leased: UInt8(ascii: hasFailed ? "f" : "l")
        case .queued: UInt8(ascii: hasFailed ? "f" : "q")
        }
    }
}

/// A square of cells into which tasks are drawn.
private struct TilePicture {
    let edge: Int
    private(set) var cells: [UInt8]
    /// What the square stands for: blocks along an edge, or tasks.
    private let extent: Int
    private let origin: (row: Int, column: Int)

    init(of grid: TaskGrid) {
        origin = grid.isTriangle ? (0, 0) : (grid.rowBlocks.lowerBound, grid.columnBlocks.lowerBound)
        extent = max(1, grid.columnBlocks.upperBound - origin.column, grid.rowBlocks.upperBound - origin.row)
        edge = min(extent, Limits.tileMapEdgeMax)
        cells = Array(repeating: UInt8(ascii: "."), count: edge * edge)
    }

    init(taskCount: Int) {
        origin = (0, 0)
        extent = max(1, taskCount)
        var edge = 1
        while edge * edge < taskCount, edge < Limits.tileMapEdgeMax { edge += 1 }
        self.edge = edge
        cells = Array(repeating: UInt8(ascii: "."), count: edge * edge)
    }

    mutating func put(_ sign: UInt8, task: Int, grid: TaskGrid?) {
        guard let grid else {
            let all = edge * edge
            return put(sign, at: extent <= all ? task : task * all / extent)
        }
        let blocks = grid.blocks(ofTask: task)
        let columns = span(blocks.columns, origin.column)
        for row in span(blocks.rows, origin.row) {
            for column in columns where !grid.isTriangle || column >= row { put(sign, at: row * edge + column) }
        }
    }

    /// Cells that some blocks lie in.
    private func span(_ blocks: Range<Int>, _ origin: Int) -> Range<Int> {
        let first = (blocks.lowerBound - origin) * edge / extent
        return first..<max(first + 1, ((blocks.upperBound - origin) * edge + extent - 1) / extent)
    }

    private mutating func put(_ sign: UInt8, at cell: Int) {
        let isEmpty = cells[cell] == UInt8(ascii: ".") || cells[cell] == sign
        cells[cell] = isEmpty ? sign : UInt8(ascii: "-")
    }
}
