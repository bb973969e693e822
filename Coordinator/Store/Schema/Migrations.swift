import ClusterModel

/// One numbered step of the schema. Steps are only ever added: a released one is never changed.
struct Migration: Sendable {
    let version: Int
    let name: String
    /// Statements separated by `;`, run in one transaction.
    let sql: String

    static let all: [Migration] = [
        Migration(version: 1, name: "tables of AlphaDataBank", sql: alphaDataBankTables),
        Migration(version: 2, name: "pools, jobs, coordinator lease and audit log", sql: gridTables),
        Migration(version: 3, name: "records of changed PnL", sql: ChangeTracking.tables),
        Migration(version: 4, name: "which pairs a job keeps, and whether all are computed", sql: pairColumns),
        Migration(version: 5, name: "neighbours as lists", sql: oldNeighbourTables),
        Migration(
            version: 6, name: "parameters of one kind of job",
            sql: "ALTER TABLE jobs ADD COLUMN params jsonb NOT NULL DEFAULT '{}'"),
        Migration(
            version: 7, name: "pools by type",
            sql: "UPDATE pools SET pool_name = pool_name || ' (own)' WHERE pool_name IN ('regular', 'super')"),
        Migration(version: 8, name: "signs of life of the coordinator", sql: renewals),
        Migration(version: 9, name: "access tokens, and who did what over HTTP", sql: accessTables),
        Migration(version: 10, name: "who leads with which keys, who stands by, and jobs taken up again", sql: leadership),
        Migration(version: 11, name: "paused jobs, orders to drain and schedules", sql: OperationTables.control),
        Migration(version: 12, name: "webhooks and alerts", sql: OperationTables.alerts),
        Migration(version: 13, name: "all neighbours of an alpha in one row", sql: ListTables.move + Store.sealTable),
        Migration(version: 14, name: "marks of transactions that were committed", sql: CommitMarks.table),
        Migration(version: 15, name: "partials of running jobs, for standbys", sql: Store.partialsTable),
        Migration(version: 16, name: "jobs whose end is still to be told", sql: OperationTables.untoldEnds),
        Migration(version: 17, name: "revoked keys, for whoever leads", sql: Store.keyRevocationsTable),
        Migration(version: 18, name: "orders to drain of one start of a worker", sql: OperationTables.drainedIncarnations),
        Migration(version: 19, name: "features of clusters whatever the order of rows", sql: exactClusterFeatures),
    ]

    /// The views stay, with whatever rights were given on them.
    private static let exactClusterFeatures = #"""
        DO $$
        DECLARE found record;
        BEGIN
            FOR found IN SELECT relname, pg_get_viewdef(oid) AS query FROM pg_class
                WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace
                    AND relname LIKE 'alpha\_cluster\_features\_%'
            LOOP
                EXECUTE format('CREATE OR REPLACE VIEW %I AS %s', found.relname, regexp_replace(
                    found.query, '(avg|stddev_samp)\(((\w+\.)?value)\)', '\1(\2::numeric)::double precision', 'g'));
            END LOOP;
        END $$;
        """#

    /// The public key is short and no secret: it is its own fingerprint. NULL says that an older program took the lease, which
    /// did not tell; an empty one, that there are no keys.
    private static let leadership = """
        ALTER TABLE coordinator_lease ADD COLUMN http text, ADD COLUMN public_key text;
        CREATE TABLE coordinator_standbys (
            holder text PRIMARY KEY,
            http text,
            seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE TABLE admitted_keys (
            name text PRIMARY KEY,
            public_key text NOT NULL,
            noticed_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        ALTER TABLE jobs
            ADD COLUMN resumed_at timestamptz,
            ADD COLUMN resumed integer,
            ADD COLUMN partials_kept integer;
        """

    /// A row of its own: that of `coordinator_lease` is held by every transaction that writes, for minutes by a publication.
    private static let renewals = """
        CREATE TABLE coordinator_renewals (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            epoch bigint NOT NULL,
            renewals bigint NOT NULL,
            renewed_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        INSERT INTO coordinator_renewals (epoch, renewals) SELECT epoch, 0 FROM coordinator_lease;
        """

    /// Tokens are 32 random bytes, which nobody finds by trying; so their plain SHA-256 is as good as a slow hash, and
    /// costs each request a microsecond.
    private static let accessTables = """
        CREATE TABLE access_tokens (
            token_id bigserial PRIMARY KEY,
            name varchar(64) NOT NULL,
            role varchar(10) NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
            sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            created_by text NOT NULL DEFAULT session_user,
            expires_at timestamptz,
            revoked_at timestamptz
        );
        CREATE UNIQUE INDEX idx_access_tokens_name ON access_tokens (name) WHERE revoked_at IS NULL;
        ALTER TABLE audit_log
            ADD COLUMN role varchar(10),
            ADD COLUMN method varchar(10),
            ADD COLUMN path text,
            ADD COLUMN status integer,
            ADD COLUMN peer text;
        """

    private static let pairColumns = """
        ALTER TABLE jobs
            ADD COLUMN top integer NOT NULL DEFAULT 10,
            ADD COLUMN threshold double precision,
            ADD COLUMN absolute boolean NOT NULL DEFAULT false,
            ADD COLUMN fresh boolean NOT NULL DEFAULT false;
        """

    /// The next job fills what takes their place, whose view has the same name.
    private static let oldNeighbourTables = """
        DO $$
        DECLARE region text;
        BEGIN
            FOR region IN SELECT lower(region_name) FROM regions LOOP
                EXECUTE format('DROP TABLE IF EXISTS %I, %I', 'correlation_neighbours_' || region,
                    'correlation_neighbours_' || region || '_jobs');
            END LOOP;
        END $$;
        """

    /// Names, types and indexes are AlphaDataBank's. A database that it made is adopted: its tables stay and get the
    /// columns they lack.
    private static let alphaDataBankTables = """
        CREATE TABLE IF NOT EXISTS regions (
            region_id serial PRIMARY KEY,
            region_name varchar(10) UNIQUE NOT NULL
        );
        ALTER TABLE regions
            ADD COLUMN IF NOT EXISTS convention varchar(20) NOT NULL DEFAULT 'ffill-shift',
            ADD COLUMN IF NOT EXISTS window_spec varchar(10) NOT NULL DEFAULT '4y',
            ADD COLUMN IF NOT EXISTS min_overlap integer NOT NULL DEFAULT 60;
        \(alphaTable("alphas"))
        \(alphaTable("alphas_unsubmitted"))
        """

    private static func alphaTable(_ name: String) -> String {
        let columns = AlphaColumn.all.map { "\($0.name) \($0.sqlType)" }
        let additions = (["alpha_type varchar(15)"] + columns).map { "ADD COLUMN IF NOT EXISTS \($0)" }
        return """
            CREATE TABLE IF NOT EXISTS \(name) (
                alpha_id varchar(50) PRIMARY KEY,
                region_id integer REFERENCES regions (region_id),
                alpha_type varchar(15),
                \(columns.joined(separator: ",\n    "))
            );
            ALTER TABLE \(name) \(additions.joined(separator: ", "));
            CREATE INDEX IF NOT EXISTS idx_\(name)_region_type ON \(name) (region_id, alpha_type);
            """
    }

    private static let gridTables = """
        CREATE TABLE pools (
            pool_id serial PRIMARY KEY,
            region_id integer NOT NULL REFERENCES regions (region_id) ON DELETE CASCADE,
            pool_name varchar(50) NOT NULL,
            date_added timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
            UNIQUE (region_id, pool_name)
        );
        CREATE TABLE pool_members (
            pool_id integer NOT NULL REFERENCES pools (pool_id) ON DELETE CASCADE,
            alpha_id varchar(50) NOT NULL REFERENCES alphas (alpha_id) ON DELETE CASCADE,
            PRIMARY KEY (pool_id, alpha_id)
        );
        CREATE INDEX idx_pool_members_alpha_id ON pool_members (alpha_id);
        CREATE TABLE jobs (
            job_id bigserial PRIMARY KEY,
            kind varchar(50) NOT NULL,
            region varchar(10) NOT NULL,
            pool varchar(50) NOT NULL,
            state varchar(15) NOT NULL,
            priority integer NOT NULL,
            convention varchar(20) NOT NULL,
            window_spec varchar(10) NOT NULL,
            min_overlap integer NOT NULL,
            precision varchar(10) NOT NULL,
            block_edge integer NOT NULL,
            submitted_at timestamptz NOT NULL,
            started_at timestamptz,
            finished_at timestamptz,
            stages jsonb NOT NULL DEFAULT '[]',
            alpha_count integer,
            day_count integer,
            tiles_per_second double precision,
            profile text,
            panel_hash text,
            digest text,
            result_table text,
            warnings jsonb NOT NULL DEFAULT '[]',
            error text,
            epoch bigint NOT NULL
        );
        CREATE INDEX idx_jobs_unfinished ON jobs (job_id) WHERE state NOT IN ('done', 'failed', 'cancelled');
        CREATE TABLE coordinator_lease (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            epoch bigint NOT NULL,
            holder text NOT NULL,
            taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        INSERT INTO coordinator_lease (epoch, holder) VALUES (0, '');
        CREATE TABLE audit_log (
            audit_id bigserial PRIMARY KEY,
            happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            actor text NOT NULL DEFAULT session_user,
            action varchar(50) NOT NULL,
            region varchar(10),
            subject text,
            detail jsonb
        );
        """
}

extension Store {
    private static let initialising = Action(
        "make AlphaGrid's tables", needs: "CREATE and USAGE on the schema, and to own AlphaGrid's tables")

    /// Brings the schema up to this program's version, every step in a transaction of its own, and the tables of every
    /// region with it. Does nothing when there is nothing to do; several may run at once.
    ///
    /// - Returns: the names of the steps that were applied.
    /// - Throws: `GridError(.conflict)` when a newer program has been here.
    @discardableResult
    package func migrate() throws(GridError) -> [String] {
        var applied: [String] = []
        for migration in Migration.all {
            let isNew = try pool.write(Self.initialising, isMarked: false) { connection in
                try connection.lock("migrations")
                try Self.makeMigrationTable(connection)
                guard try Self.schemaVersion(connection) < migration.version else { return false }
                try connection.execute(migration.sql)
                try connection.execute(
                    "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)",
                    [.integer(Int64(migration.version)), .text(migration.name)])
                return true
            }
            if isNew { applied.append(migration.name) }
        }
        let names = try pool.read(Self.initialising) { try $0.execute("SELECT region_name FROM regions ORDER BY 1").texts() }
        // Names that no AlphaGrid region can have may stand in an adopted database; they are left alone.
        for region in names.compactMap({ name in try? Region(name) }) { try completeRegion(region, isRepairing: true) }
        _ = try pool.write(Self.initialising) { try $0.execute(ChangeTracking.forgetDroppedTables) }
        return applied
    }

    /// The database's schema version; 0 before `migrate`.
    ///
    /// - Throws: `GridError(.conflict)` when it is newer than this program knows.
    static func schemaVersion(_ connection: Connection) throws -> Int {
        guard try connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").boolean(0, 0) else { return 0 }
        let version = try connection.execute("SELECT max(version) FROM schema_migrations").integer(0, 0) ?? 0
        let known = Migration.all.count
        guard version <= known else {
            throw GridError(
                .conflict,
                "the database at \(connection.place) has schema version \(version), but this program knows \(known) at most: "
                    + "use the newer alphagrid that made it")
        }
        return version
    }

    private static func makeMigrationTable(_ connection: Connection) throws(DatabaseError) {
        // Asked first because even CREATE IF NOT EXISTS needs the right to create.
        guard try !connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").boolean(0, 0) else { return }
        try connection.execute(
            """
            CREATE TABLE schema_migrations (
                version integer PRIMARY KEY,
                name text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
            )
            """)
    }
}
