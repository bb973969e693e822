/// What is seen of a grid while it works. Nothing here waits for the database, so it may be asked every second.
package protocol GridWatching: Sendable {
    /// - Parameter serial: `GridMoment.taskSerial` of the moment before; 0 for the first.
    func moment(tasksAfter serial: Int) async -> GridMoment
    /// - Throws: `GridError(.notFound)` for a job that is not there, `.conflict` for one that has no stage at the moment.
    func tiles(of job: JobID) async throws -> TileMapView
}

/// The grid at one moment.
package struct GridMoment: Sendable {
    package var status: StatusView
    /// Those that wait or run, and those that ended lately, by id.
    package var jobs: [JobView]
    package var workers: [WorkerView]
    /// Tasks that ended since the last moment, oldest first, as far as they are remembered.
    package var tasks: [TaskEventView]
    /// Tasks that ended in all.
    package var taskSerial: Int
    package init(
        status: StatusView, jobs: [JobView], workers: [WorkerView], tasks: [TaskEventView], taskSerial: Int
    ) {
        self.status = status
        self.jobs = jobs
        self.workers = workers
        self.tasks = tasks
        self.taskSerial = taskSerial
    }
}

/// The end of one attempt at a task.
package struct TaskEventView: Codable, Hashable, Sendable {
    package enum State: String, Codable, CaseIterable, Sendable {
        case merged, failed
        /// Its worker is.
        case lost
    }

    package var jobID: JobID
    package var stage: String
    package var task: Int
    package var worker: String
    package var state: State
    /// From its lease to its end, as the coordinator saw it.
    package var milliseconds: Int
    package init(jobID: JobID, stage: String, task: Int, worker: String, state: State, milliseconds: Int) {
        self.jobID = jobID
        self.stage = stage
        self.task = task
        self.worker = worker
        self.state = state
        self.milliseconds = milliseconds
    }
}

/// What is done of a job's present stage, as a picture.
package struct TileMapView: Codable, Hashable, Sendable {
    /// Which tiles the tasks have, as `TaskGrid` numbers them; ends are the first block that is none of them.
    package struct Grid: Codable, Hashable, Sendable {
        package var rowBegin: Int
        package var rowEnd: Int
        package var columnBegin: Int
        package var columnEnd: Int
        /// Blocks along a task's edge.
        package var group: Int
        package init(_ grid: TaskGrid) {
            (rowBegin, rowEnd) = (grid.rowBlocks.lowerBound, grid.rowBlocks.upperBound)
            (columnBegin, columnEnd) = (grid.columnBlocks.lowerBound, grid.columnBlocks.upperBound)
            group = grid.group
        }
    }

    package var jobID: JobID
    package var stage: String
    /// Cells along each side, at most `Limits.tileMapEdgeMax`.
    package var edge: Int
    /// Whether only the upper triangle has tasks.
    package var upper: Bool
    /// `edge` x `edge` characters, row after row: `.` no task, `q` queued, `l` leased, `m` merged, `f` failed once, `-` mixed.
    package var cells: String
    package var taskCount: Int
    /// Absent where tasks stand line by line.
    package var grid: Grid?
    package init(
        jobID: JobID, stage: String, edge: Int, upper: Bool, cells: String, taskCount: Int, grid: Grid? = nil
    ) {
        self.jobID = jobID
        self.stage = stage
        self.edge = edge
        self.upper = upper
        self.cells = cells
        self.taskCount = taskCount
        self.grid = grid
    }
}
