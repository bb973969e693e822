import ClusterModel
import Synchronization

/// When the jobs of this process have read what they compute from: so that what was read earlier, by a job that was paused or
/// slow, is not published over what was read later.
///
/// Jobs of coordinators before this one need no place here. Who takes over reads everything after the last of their
/// publications, and so do the jobs that go on here.
package final class ReadTimes: Sendable {
    private struct Reading {
        let began: MonotonicTime
        let ended: MonotonicTime
    }

    private struct Published {
        let job: JobID
        let readBegan: MonotonicTime
    }

    private struct State {
        var readings: [JobID: Reading] = [:]
        /// The last publication to each region's own table.
        var newest: [String: Published] = [:]
        /// What was there before those.
        var before: [String: Published] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// To be called before the job publishes; one that reads anew says so again.
    package func note(_ job: JobID, began: MonotonicTime, ended: MonotonicTime) {
        state.withLock { $0.readings[job] = Reading(began: began, ended: ended) }
    }

    /// The job is over.
    package func forget(_ job: JobID) {
        state.withLock { $0.readings[job] = nil }
    }

    /// Takes a region's own table for a job's rows, in the transaction that has locked it for publishing.
    ///
    /// - Throws: `.conflict` when what is there was read after this job had read everything.
    func claim(_ table: String, for job: JobID, region: Region) throws(GridError) {
        let newer = state.withLock { state -> JobID? in
            guard let reading = state.readings[job] else { return nil }
            if let present = state.newest[table], present.job != job {
                if present.readBegan > reading.ended { return present.job }
                state.before[table] = present
            }
            state.newest[table] = Published(job: job, readBegan: reading.began)
            return nil
        }
        guard let newer else { return }
        throw GridError(
            .conflict,
            "job \(newer) read the PnL of region \(region) later than job \(job) and has published it already, so the older rows "
                + "were not published: run the job again")
    }

    /// Nothing of the job's was published after all.
    func withdraw(_ job: JobID, from table: String) {
        state.withLock { if $0.newest[table]?.job == job { $0.newest[table] = $0.before[table] } }
    }
}
