import ClusterModel

/// Who coordinates, and its last sign of life.
package struct LeaseView: Hashable, Sendable {
    package var epoch: Epoch
    package var holder: String
    /// Counts the signs of life of this epoch. Whoever sees it stand still by a clock of its own knows that the holder is
    /// gone, whatever jumps the database's clock makes.
    package var renewals: Int64

    package init(epoch: Epoch, holder: String, renewals: Int64) {
        self.epoch = epoch
        self.holder = holder
        self.renewals = renewals
    }

    /// Nobody coordinates: the holder has left in order, or there never was one.
    package var isFree: Bool { renewals < 0 || epoch.rawValue == 0 }
}

extension Store {
    /// Begins a new generation of the coordinator. From now on writes of older ones are refused; those that are under
    /// way are waited for.
    ///
    /// - Parameters:
    ///   - holder: who takes over, such as host and process, for people to read.
    ///   - evicting: ends transactions of the old generation, of the same database role, instead of waiting for them: a
    ///     holder that is frozen in the middle of a publication would keep everybody else out for hours.
    package func takeEpoch(holder: String, evicting: Bool = false) throws(GridError) -> Epoch {
        let action = Action("take over the coordinator's lease", needs: "INSERT and UPDATE on coordinator_lease")
        return try pool.write(action, patience: .bulk) { connection in
            if evicting { try Self.evictWriters(connection) }
            let taken = try connection.execute(
                """
                INSERT INTO coordinator_lease AS lease (epoch, holder) VALUES (1, $1)
                ON CONFLICT (only_row) DO UPDATE
                SET epoch = lease.epoch + 1, holder = EXCLUDED.holder, taken_at = clock_timestamp()
                RETURNING epoch
                """, [.text(holder)])
            return Epoch(Int64(taken.integer(0, 0) ?? 0))
        }
    }

    /// Whoever has locked the lease's row is a coordinator in the middle of a writing transaction.
    private static func evictWriters(_ connection: Connection) throws {
        try connection.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE usename = current_user AND locktype = 'relation' AND relation = 'coordinator_lease'::regclass
                AND mode = 'RowShareLock' AND granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
            """)
    }

    /// Keeps the epoch from changing until the transaction ends, and checks that it is still the caller's.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over.
    static func hold(_ epoch: Epoch, _ connection: Connection) throws {
        let held = try connection.execute("SELECT epoch, holder FROM coordinator_lease FOR SHARE")
        guard held.rowCount == 1, let present = held.integer(0, 0) else {
            throw GridError(.conflict, "nobody holds the coordinator's lease in the database at \(connection.place)")
        }
        guard Int64(present) == epoch.rawValue else {
            throw superseded(
                epoch, by: LeaseView(epoch: Epoch(Int64(present)), holder: held.text(0, 1) ?? "", renewals: 0))
        }
    }

    // MARK: Signs of life

    /// Says that the holder of `epoch` is alive.
    ///
    /// - Throws: `GridError(.conflict)` when another coordinator has taken over.
    package func renewLease(_ epoch: Epoch) throws(GridError) {
        let action = Action("renew the coordinator's lease", needs: "INSERT and UPDATE on coordinator_renewals")
        let present = try pool.write(action) { connection in
            try connection.execute(
                """
                INSERT INTO coordinator_renewals AS last (epoch, renewals)
                SELECT epoch, 1 FROM coordinator_lease WHERE epoch = $1
                ON CONFLICT (only_row) DO UPDATE
                SET epoch = EXCLUDED.epoch, renewals = greatest(last.renewals, 0) + 1, renewed_at = clock_timestamp()
                """, [.integer(epoch.rawValue)])
            return try Self.lease(connection)
        }
        guard present.epoch == epoch else { throw Self.superseded(epoch, by: present) }
    }

    /// Leaves in order: whoever waits for the lease need not wait for silence. Does nothing once somebody else has it.
    package func releaseLease(_ epoch: Epoch) throws(GridError) {
        let action = Action("release the coordinator's lease", needs: "UPDATE on coordinator_renewals")
        try pool.write(action) { connection in
            try connection.execute(
                """
                INSERT INTO coordinator_renewals (epoch, renewals) SELECT epoch, -1 FROM coordinator_lease WHERE epoch = $1
                ON CONFLICT (only_row) DO UPDATE SET epoch = EXCLUDED.epoch, renewals = -1, renewed_at = clock_timestamp()
                """, [.integer(epoch.rawValue)])
        }
    }

    package func lease() throws(GridError) -> LeaseView {
        try pool.read(Action("look who coordinates", needs: "SELECT on coordinator_lease")) { try Self.lease($0) }
    }

    private static func lease(_ connection: Connection) throws -> LeaseView {
        let found = try connection.execute(
            """
            SELECT lease.epoch, lease.holder, coalesce(last.renewals, 0)
            FROM coordinator_lease lease LEFT JOIN coordinator_renewals last ON last.epoch = lease.epoch
            """)
        guard found.rowCount == 1, let epoch = found.integer(0, 0) else {
            throw GridError(.conflict, "nobody holds the coordinator's lease in the database at \(connection.place)")
        }
        return LeaseView(
            epoch: Epoch(Int64(epoch)), holder: found.text(0, 1) ?? "", renewals: Int64(found.integer(0, 2) ?? 0))
    }

    private static func superseded(_ epoch: Epoch, by present: LeaseView) -> GridError {
        GridError(
            .conflict,
            "another coordinator has taken over: the database is at \(present.epoch) of '\(present.holder.printable)', this one "
                + "is \(epoch)")
    }
}
