import ClusterModel
import Testing

@testable import Scheduling

@Suite("What those see who watch")
struct WatchingTests {
    @Test("A picture shows each tile of a triangle as its task is, and nothing below the diagonal")
    func triangle() throws {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.submit(tasks: 6, grid: TaskGrid(rowBlocks: 0..<3, blockCount: 3, group: 1))
        talk.result(attempt(1, 0), from: 1)
        talk.tell(.merged(task(0)))
        let map = try #require(talk.scheduler.tileMap(of: JobID(1)))
        #expect(map.edge == 3 && map.upper && map.stage == "tiles")
        // The scheduler goes from a tile to those that share its blocks.
        #expect(map.cells == "mlq" + ".lq" + "..q")
        #expect(map.taskCount == 6 && map.grid == TileMapView.Grid(TaskGrid(rowBlocks: 0..<3, blockCount: 3, group: 1)))
        #expect(talk.scheduler.tileMap(of: JobID(2)) == nil)
    }

    @Test("A group of tiles fills as many cells, and a failed task shows until it is merged")
    func groups() throws {
        var talk = Conversation()
        talk.submit(tasks: 3, grid: TaskGrid(rowBlocks: 0..<4, blockCount: 4, group: 2))
        talk.join(1)
        talk.tell(.received(from: peer(1), .failed(TaskFailure(ref: attempt(1, 0), message: "no memory"))))
        let map = try #require(talk.scheduler.tileMap(of: JobID(1)))
        #expect(map.cells.prefix(2) == "ff" && map.cells.count == 16 && map.cells.filter { $0 == "." }.count == 6)
    }

    @Test("More tasks than cells are mixed where they differ, and tasks without tiles stand line by line")
    func large() throws {
        var talk = Conversation()
        let grid = TaskGrid(rowBlocks: 0..<300, columnBlocks: 0..<300, group: 1)
        talk.submit(1, plan: 1, tasks: 90_000, grid: grid)
        talk.submit(2, plan: 2, tasks: 5)
        talk.join(1)
        let map = try #require(talk.scheduler.tileMap(of: JobID(1)))
        #expect(map.edge == Limits.tileMapEdgeMax && map.cells.count == map.edge * map.edge && !map.upper)
        #expect(map.cells.first == "-" && map.cells.last == "q" && !map.cells.contains("."))
        let lines = try #require(talk.scheduler.tileMap(of: JobID(2)))
        #expect(lines.cells == "qqqqq...." && lines.taskCount == 5 && lines.grid == nil)
    }

    @Test("Tasks that end are told with worker and time, the last ones only")
    func ends() {
        var talk = Conversation()
        talk.join(1, slots: 1, credit: 2)
        talk.join(2)
        talk.submit(tasks: 4)
        #expect(talk.scheduler.ends.serial == 0)
        talk.wait(milliseconds: 700)
        talk.result(attempt(1, 0), from: 1)
        talk.tell(.merged(task(0)))
        talk.tell(.received(from: peer(1), .failed(TaskFailure(ref: attempt(3, 2), message: "no memory"))))
        talk.wait(milliseconds: 20_000)
        let ends = talk.scheduler.ends
        #expect(ends.events(after: 0).map(\.state).prefix(2) == [.merged, .failed])
        #expect(ends.events(after: 0).contains { $0.state == .lost && $0.worker == "w2" })
        let first = ends.events(after: 0)[0]
        #expect(first.worker == "w1" && first.milliseconds == 700 && first.stage == "tiles" && first.task == 0)
        #expect(ends.events(after: ends.serial).isEmpty && ends.events(after: ends.serial - 1).count == 1)
        #expect(ends.events(after: ends.serial + 5).isEmpty && ends.events(after: .max).isEmpty)
    }

    @Test("However many tasks end, few are remembered and all are counted")
    func bounded() {
        var ends = TaskEnds()
        for task in 0..<(Limits.taskEventsMax + 50) {
            ends.add(TaskEventView(jobID: JobID(1), stage: "s", task: task, worker: "w", state: .merged, milliseconds: 1))
        }
        #expect(ends.serial == Limits.taskEventsMax + 50 && ends.events(after: 0).count == Limits.taskEventsMax)
        #expect(ends.events(after: 0).first?.task == 50 && ends.events(after: ends.serial - 2).map(\.task) == [248, 249])
    }
}
