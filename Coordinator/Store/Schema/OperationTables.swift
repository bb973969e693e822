import ClusterModel

/// Tables of what operators do with a grid: pauses, orders to drain, schedules, webhooks, alerts.
enum OperationTables {
    /// `paused`, `reason` and `priority` of a job are changed by operators alone (`Store.setTerms`).
    static let control = """
        ALTER TABLE jobs ADD COLUMN paused boolean NOT NULL DEFAULT false, ADD COLUMN reason text;
        CREATE TABLE drain_orders (
            worker varchar(255) PRIMARY KEY,
            process_id integer NOT NULL,
            reason text NOT NULL,
            ordered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            deadline_at timestamptz,
            has_left boolean NOT NULL DEFAULT false
        );
        CREATE TABLE schedules (
            schedule_id bigserial PRIMARY KEY,
            name varchar(64) NOT NULL UNIQUE,
            cron text,
            on_change boolean NOT NULL,
            time_zone text NOT NULL,
            min_pause_seconds integer NOT NULL,
            job jsonb NOT NULL,
            paused boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            next_at timestamptz,
            last_at timestamptz,
            last_job_id bigint,
            last_error text,
            seen_tokens uuid[],
            CHECK ((cron IS NULL) = on_change)
        );
        """

    /// Which start of the worker is meant, bit by bit: in a container each has the same process number. NULL in older rows.
    static let drainedIncarnations = "ALTER TABLE drain_orders ADD COLUMN incarnation bigint"

    /// Set with a job's end, and taken back with the messages about it: whatever happens in between, they are sent once.
    static let untoldEnds = """
        ALTER TABLE jobs ADD COLUMN untold boolean NOT NULL DEFAULT false;
        CREATE INDEX idx_jobs_untold ON jobs (job_id) WHERE untold;
        """

    /// Secrets of webhooks are needed as they are, to sign with; nobody who may not read the database sees them again.
    static let alerts = """
        CREATE TABLE webhooks (
            webhook_id bigserial PRIMARY KEY,
            url text NOT NULL,
            events text[] NOT NULL,
            region varchar(10),
            threshold double precision,
            secret text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE TABLE webhook_deliveries (
            delivery_id bigserial PRIMARY KEY,
            webhook_id bigint NOT NULL REFERENCES webhooks (webhook_id) ON DELETE CASCADE,
            event varchar(30) NOT NULL,
            body text NOT NULL,
            state varchar(10) NOT NULL DEFAULT 'waiting',
            tries integer NOT NULL DEFAULT 0,
            next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            status integer,
            error text,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE INDEX idx_webhook_deliveries_waiting ON webhook_deliveries (next_at) WHERE state = 'waiting';
        CREATE INDEX idx_webhook_deliveries_webhook ON webhook_deliveries (webhook_id);
        CREATE TABLE alerts (
            alert_id bigserial PRIMARY KEY,
            region varchar(10) NOT NULL,
            alpha_a varchar(50) NOT NULL,
            alpha_b varchar(50) NOT NULL,
            correlation double precision NOT NULL,
            days integer,
            job_id bigint NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE TABLE alert_pairs (
            region varchar(10) NOT NULL,
            alpha_a varchar(50) NOT NULL,
            alpha_b varchar(50) NOT NULL,
            correlation double precision NOT NULL,
            PRIMARY KEY (region, alpha_a, alpha_b)
        );
        CREATE TABLE alert_states (
            region varchar(10) PRIMARY KEY,
            job_id bigint NOT NULL,
            threshold double precision NOT NULL
        );
        """
}
