import ClusterModel
import Messaging
import Scheduling
import Synchronization

// What is seen of the grid while it works: everything from memory.
extension CoordinatorService: RegionReading, GridWatching {
    package func moment(tasksAfter serial: Int) async -> GridMoment {
        let (ids, ended, snapshot) = shared.withLock { ($0.jobs.keys.sorted(), $0.ended, $0.snapshot) }
        // A job that ended in between is in neither list; the next moment has it.
        let jobs = ended + ids.compactMap { liveView(of: $0) }
        return GridMoment(
            status: statusView, jobs: jobs.sorted { $0.jobID < $1.jobID }, workers: snapshot.workers,
            tasks: snapshot.ends.events(after: serial), taskSerial: snapshot.ends.serial)
    }

    package func tiles(of id: JobID) async throws -> TileMapView {
        guard shared.withLock({ $0.jobs[id] }) != nil else {
            let stored = try await job(id)
            throw GridError(.conflict, "job \(id) is \(stored.state.rawValue): only a running job has tiles to show")
        }
        let found = try await tileMaps.map(of: id) {
            await withCheckedContinuation { continuation in
                let request = TileRequest(continuation)
                shared.withLock { $0.control }?.post(.look { scheduler, _ in request.give(scheduler.tileMap(of: id)) })
            }
        }
        guard let found else { throw GridError(.conflict, "job \(id) has no tasks at the moment: it is between two stages") }
        return found
    }
}
