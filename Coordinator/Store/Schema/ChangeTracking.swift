import ClusterModel

/// How the database remembers which alphas' PnL was changed, by whatever program, so that a panel kept on disk need
/// not be read again as a whole.
///
/// Statement triggers on every PnL table write one record per alpha and transaction into `changed_pnl`: the transaction
/// and the earliest date it touched. They fire always, also for sessions that replicate. A panel is kept together with
/// the snapshot it was read under, and `panel_caches` holds that snapshot; what has changed since is what is recorded
/// by transactions that the snapshot does not see. Numbers in order could not tell: a transaction that began before the
/// panel was read may commit after it.
enum ChangeTracking {
    /// Not `pnl_...`: those names belong to regions.
    static let records = "changed_pnl"
    static let caches = "panel_caches"
    private static let function = "record_changed_pnl"
    /// Stands for every alpha: no id is empty.
    static let everything = ""

    /// The function's owner writes the records, so that programs that may write PnL need no further rights.
    ///
    /// Grouping by hashing whatever the statistics say: they know nothing of a transition table, and sorting one of
    /// millions of rows takes seconds. Beyond `Limits.changeRecordBytesMax` a transaction leaves a single record.
    static let tables = """
        CREATE TABLE \(records) (
            table_oid oid NOT NULL,
            xid xid8 NOT NULL,
            alpha_id varchar(50) NOT NULL,
            first_date date NOT NULL,
            PRIMARY KEY (table_oid, xid, alpha_id)
        );
        CREATE TABLE \(caches) (
            token uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            table_oid oid NOT NULL,
            snapshot pg_snapshot NOT NULL,
            taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        DO $do$ BEGIN EXECUTE replace($sql$
        CREATE FUNCTION \(function)() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET enable_sort = off AS $body$
        BEGIN
            IF TG_OP = 'TRUNCATE' OR pg_relation_size('@.\(records)') > \(Limits.changeRecordBytesMax) THEN
                INSERT INTO @.\(records) VALUES (TG_RELID, pg_current_xact_id(), '\(everything)', '-infinity')
                ON CONFLICT DO NOTHING;
            ELSIF TG_OP = 'UPDATE' THEN
                INSERT INTO @.\(records) AS c
                SELECT TG_RELID, pg_current_xact_id(), alpha_id, COALESCE(min(date), '-infinity') FROM (
                    SELECT alpha_id, date FROM old_rows UNION ALL SELECT alpha_id, date FROM changed_rows
                ) r WHERE alpha_id IS NOT NULL GROUP BY alpha_id
                ON CONFLICT (table_oid, xid, alpha_id) DO UPDATE SET first_date = EXCLUDED.first_date
                WHERE c.first_date > EXCLUDED.first_date;
            ELSE
                INSERT INTO @.\(records) AS c
                SELECT TG_RELID, pg_current_xact_id(), alpha_id, COALESCE(min(date), '-infinity') FROM changed_rows
                WHERE alpha_id IS NOT NULL GROUP BY alpha_id
                ON CONFLICT (table_oid, xid, alpha_id) DO UPDATE SET first_date = EXCLUDED.first_date
                WHERE c.first_date > EXCLUDED.first_date;
            END IF;
            RETURN NULL;
        END $body$
        $sql$, '@', quote_ident(current_schema())); END $do$;
        """

    private static let triggers = [
        ("inserted", "INSERT", "REFERENCING NEW TABLE AS changed_rows"),
        ("updated", "UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS changed_rows"),
        ("deleted", "DELETE", "REFERENCING OLD TABLE AS changed_rows"), ("truncated", "TRUNCATE", ""),
    ].map { (name: "alphagrid_\($0.0)", event: $0.1, rows: $0.2) }

    /// Puts the triggers on a table, in place of those that are there.
    static func statements(table: String) -> String {
        let table = quoted(identifier: table)
        return triggers.map { name, event, rows in
            """
            DROP TRIGGER IF EXISTS \(name) ON \(table);
            CREATE TRIGGER \(name) AFTER \(event) ON \(table) \(rows) FOR EACH STATEMENT EXECUTE FUNCTION \(function)();
            ALTER TABLE \(table) ENABLE ALWAYS TRIGGER \(name);
            """
        }.joined(separator: "\n")
    }

    /// Identifies a table and what watches it: two equal ones mean that every change between them was recorded.
    ///
    /// Whoever disables and enables a trigger, replaces the function or rewrites the table changes it. Nil when changes
    /// go unrecorded: triggers are missing or off, or rows can come and go without them (through inheritance, by a
    /// subscription, by a crash that empties an unlogged table).
    static func fingerprint(table: String, _ connection: Connection) throws(DatabaseError) -> (oid: Int, text: String)? {
        let names = triggers.map { "'\($0.name)'" }.joined(separator: ", ")
        let found = try connection.execute(
            prepared: """
                SELECT c.oid, concat_ws('/', c.oid, c.relfilenode, l.oid, l.relfilenode, string_agg(
                    concat_ws(':', t.oid, t.xmin, t.tgtype, p.oid, p.xmin), ',' ORDER BY t.tgname))
                FROM pg_class c JOIN pg_class l ON l.oid = to_regclass('\(records)')
                JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgname IN (\(names))
                JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = '\(function)'
                WHERE c.oid = to_regclass(quote_ident($1)) AND c.relkind = 'r' AND c.relpersistence = 'p'
                    AND l.relpersistence = 'p' AND NOT c.relhassubclass AND NOT c.relrowsecurity
                    AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
                    AND NOT EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = c.oid)
                GROUP BY c.oid, c.relfilenode, l.oid, l.relfilenode HAVING count(*) = \(triggers.count)
                """, [.text(table)])
        guard found.rowCount == 1, let oid = found.integer(0, 0), let text = found.text(0, 1) else { return nil }
        return (oid, text)
    }

    /// A subselect: NULL unless a record of a table is of a transaction that a snapshot does not see.
    ///
    /// Looked for along the key from the first transaction on that the snapshot may not see, which the limit has PostgreSQL do:
    /// there may be a million older records, and this is asked every second.
    ///
    /// - Parameters:
    ///   - oid: SQL for the table's.
    ///   - snapshot: SQL for the snapshot.
    static func unseen(ofTable oid: String, by snapshot: String) -> String {
        """
        (SELECT xid FROM \(records) WHERE table_oid = \(oid) AND xid >= pg_snapshot_xmin(\(snapshot))
            AND NOT pg_visible_in_snapshot(xid, \(snapshot)) ORDER BY xid LIMIT 1)
        """
    }

    /// Forgets what no kept panel needs any more, and all of it when it is too much; in a transaction of its own.
    ///
    /// A record may go once every registered snapshot sees its transaction. One that registers at this moment is safe:
    /// its panel is read under a later snapshot, which sees every transaction this one saw.
    static func forget(tableOID: Int, _ connection: Connection) throws(DatabaseError) {
        let table = SQLValue.integer(Int64(tableOID))
        let old = """
            DELETE FROM \(records) c WHERE c.table_oid = $1 AND NOT EXISTS (
                SELECT FROM \(caches) p
                WHERE p.table_oid = c.table_oid AND NOT pg_visible_in_snapshot(c.xid, p.snapshot))
            """
        try connection.execute(old, [table])
        let left = try connection.execute(
            "SELECT count(*) FROM (SELECT FROM \(records) WHERE table_oid = $1 LIMIT \(Limits.changeRecordsMax + 1)) r", [table])
        guard (left.integer(0, 0) ?? 0) > Limits.changeRecordsMax else { return }
        // Whoever finds its registration gone reads everything.
        try connection.execute("DELETE FROM \(caches) WHERE table_oid = $1", [table])
        try connection.execute(old, [table])
    }

    /// Forgets tables that are no more.
    static let forgetDroppedTables = """
        DELETE FROM \(caches) p WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.table_oid);
        DELETE FROM \(records) r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.table_oid)
        """
}
