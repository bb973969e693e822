import ClusterModel
import Foundation
import NIOCore

/// What all streams are told of one moment, encoded once; streams share the bytes.
struct EventTick: Sendable {
    struct Job: Sendable {
        var id: JobID
        /// Its event.
        var frame: ByteBuffer
        var isChanged: Bool
        /// Follows the event of a job that is over.
        var end: ByteBuffer?
    }

    /// Counts up by one; a stream that has missed some was too slow.
    var serial: Int
    /// What is new since the tick before.
    var change: ByteBuffer
    /// Everything, for a stream that begins or has missed something.
    var snapshot: ByteBuffer
    var jobs: [Job]
    /// The tasks of jobs that somebody watches.
    var tasks: [JobID: ByteBuffer]
    /// Whether streams that hear nothing else get a comment, by which dead connections are found.
    var hasComment: Bool

    func job(_ id: JobID) -> Job? { jobs.first { $0.id == id } }
}

/// Writes one tick after the other, remembering what was told before.
struct EventEncoder {
    private var serial = 0
    private var jobsTold: [JobID: Data] = [:]
    private var workersFrame = ByteBuffer()

    /// - Parameters:
    ///   - skipped: tasks that ended and nobody remembers any more.
    ///   - watched: jobs that have streams of their own.
    ///   - sendsWorkers: whether the workers are due; the first tick has them in any case.
    mutating func tick(
        _ moment: GridMoment, skipped: Int, watched: Set<JobID>, sendsWorkers: Bool, comments: Bool
    ) throws -> EventTick {
        serial += 1
        let status = try EventFrame.event("status", id: serial, GridJSON.encode(moment.status))
        let jobs = try jobs(moment)
        if sendsWorkers || serial == 1 {
            let list = WorkerList(workers: moment.workers.map(\.finite))
            workersFrame = try EventFrame.event("workers", id: serial, GridJSON.encode(list))
        }
        var change = status
        for job in jobs where job.isChanged { change.writeImmutableBuffer(job.frame) }
        if sendsWorkers { change.writeImmutableBuffer(workersFrame) }
        if !moment.tasks.isEmpty {
            change.writeImmutableBuffer(try EventFrame.tasks(moment.tasks, skipped: skipped, id: serial))
        }
        if comments { change.writeImmutableBuffer(EventFrame.comment) }
        var snapshot = status
        for job in jobs { snapshot.writeImmutableBuffer(job.frame) }
        snapshot.writeImmutableBuffer(workersFrame)
        var tasks: [JobID: ByteBuffer] = [:]
        for id in watched {
            let own = moment.tasks.filter { $0.jobID == id }
            if !own.isEmpty { tasks[id] = try EventFrame.tasks(own, skipped: skipped, id: serial) }
        }
        return EventTick(serial: serial, change: change, snapshot: snapshot, jobs: jobs, tasks: tasks, hasComment: comments)
    }

    private mutating func jobs(_ moment: GridMoment) throws -> [EventTick.Job] {
        var told: [JobID: Data] = [:]
        let jobs = try moment.jobs.map { view in
            let data = try GridJSON.encode(view.finite)
            told[view.jobID] = data
            return EventTick.Job(
                id: view.jobID, frame: EventFrame.event("job", id: serial, data), isChanged: jobsTold[view.jobID] != data,
                end: view.state.isFinal ? try EventFrame.end(of: view, id: serial) : nil)
        }
        jobsTold = told
        return jobs
    }
}

/// Events as the bytes of `text/event-stream`. JSON of one line has no line feeds, so one `data:` line holds it.
enum EventFrame {
    static let mediaType = "text/event-stream"

    static func event(_ name: String, id: Int, _ data: Data) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(data.count + 64)
        buffer.writeString("event: \(name)\nid: \(id)\ndata: ")
        buffer.writeBytes(data)
        buffer.writeString("\n\n")
        return buffer
    }

    static let comment = ByteBuffer(string: ": still here\n\n")

    /// What a stream hears that was too slow for some ticks; the latest state follows.
    static func lagged(_ missed: Int, id: Int) -> ByteBuffer {
        event("lagged", id: id, Data(#"{"missed":\#(missed)}"#.utf8))
    }

    static func tasks(_ tasks: [TaskEventView], skipped: Int, id: Int) throws -> ByteBuffer {
        event("tasks", id: id, try GridJSON.encode(Tasks(tasks: tasks, skipped: skipped)))
    }

    static func job(_ view: JobView, id: Int) throws -> ByteBuffer { event("job", id: id, try GridJSON.encode(view.finite)) }

    static func end(of job: JobView, id: Int) throws -> ByteBuffer {
        event("end", id: id, try GridJSON.encode(End(jobID: job.jobID, state: job.state)))
    }

    private struct Tasks: Encodable {
        var tasks: [TaskEventView]
        var skipped: Int
    }

    private struct End: Encodable {
        var jobID: JobID
        var state: JobState
    }
}
