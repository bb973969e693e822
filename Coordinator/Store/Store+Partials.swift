import ClusterModel
import Foundation

// Merged partials of jobs that go on, for a coordinator that sees none of the files of the one before.
extension Store {
    static let partialsTable = """
        CREATE TABLE job_partials (
            job_id bigint NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
            epoch bigint NOT NULL,
            part integer NOT NULL,
            records bytea NOT NULL,
            PRIMARY KEY (job_id, epoch, part)
        );
        """

    /// Adds bytes to those of a job that has not ended. The same part once more changes nothing, so that whoever does not know
    /// whether it was written may repeat it.
    ///
    /// - Parameters:
    ///   - part: counts the calls of one epoch.
    ///   - bytesMax: of the job, whoever has written them.
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over, or there would be too many bytes.
    package func keepPartials(
        of job: JobID, part: Int, _ records: [UInt8], bytesMax: Int, epoch: Epoch
    ) throws(GridError) {
        let action = Action(
            "keep partials of job \(job)", needs: "SELECT and INSERT on job_partials and UPDATE on coordinator_lease")
        try pool.write(action) { connection in
            try Self.hold(epoch, connection)
            let place: [SQLValue] = [.integer(job.rawValue), .integer(epoch.rawValue), .integer(Int64(part))]
            let others = try connection.execute(
                """
                SELECT coalesce(sum(octet_length(records)), 0) FROM job_partials WHERE job_id = $1 AND (epoch, part) <> ($2, $3)
                """, place)
            guard (others.integer(0, 0) ?? 0) + records.count <= bytesMax else {
                throw GridError(.conflict, "job \(job) would have more than \(bytesMax) bytes of partials in the database")
            }
            try connection.execute(
                """
                INSERT INTO job_partials (job_id, epoch, part, records)
                SELECT job_id, $2::bigint, $3::integer, decode($4, 'base64') FROM jobs
                WHERE job_id = $1 AND state NOT IN ('done', 'failed', 'cancelled')
                ON CONFLICT DO NOTHING
                """, place + [.text(Data(records).base64EncodedString())])
        }
    }

    /// What coordinators have kept of a job, the oldest epoch first.
    package func keptPartials(of job: JobID) throws(GridError) -> [(epoch: Epoch, records: [UInt8])] {
        let action = Action("read what is kept of job \(job)", needs: "SELECT on job_partials")
        return try pool.read(action, patience: .bulk) { connection in
            let found = try connection.execute(
                """
                SELECT epoch, encode(string_agg(records, '' ORDER BY part), 'base64') FROM job_partials WHERE job_id = $1
                GROUP BY epoch ORDER BY epoch
                """, [.integer(job.rawValue)])
            return (0..<found.rowCount).map { row in
                // The database puts line ends in between.
                let records = Data(base64Encoded: found.text(row, 1) ?? "", options: .ignoreUnknownCharacters)
                return (Epoch(Int64(found.integer(row, 0) ?? 0)), Array(records ?? Data()))
            }
        }
    }

    /// Removes what nobody can use of a job that goes on.
    package func removePartials(of job: JobID, epoch: Epoch) throws(GridError) {
        let action = Action("remove partials of job \(job)", needs: "DELETE on job_partials and UPDATE on coordinator_lease")
        try pool.write(action) { connection in
            try Self.hold(epoch, connection)
            _ = try connection.execute("DELETE FROM job_partials WHERE job_id = $1", [.integer(job.rawValue)])
        }
    }

    /// Removes the partials of all jobs that have ended; nobody needs them, so anybody may.
    package func removeEndedPartials() throws(GridError) {
        let action = Action("remove partials of jobs that have ended", needs: "DELETE on job_partials")
        try pool.write(action) { connection in
            _ = try connection.execute(
                """
                DELETE FROM job_partials USING jobs
                WHERE jobs.job_id = job_partials.job_id AND state IN ('done', 'failed', 'cancelled')
                """)
        }
    }
}
