/// How neighbours came from a row for each alpha and kind into a row for each alpha.
enum ListTables {
    /// The view, which has the same name, is made anew with the tables of its region. New tables are made here only where there
    /// is something to move, so that what this says of them need not be what later programs say.
    static let move = """
        DO $$
        DECLARE region text; jobs text; moved text; lists text;
        BEGIN
            FOR region IN SELECT lower(region_name) FROM regions LOOP
                IF to_regclass(quote_ident('correlation_' || region)) IS NOT NULL THEN
                    EXECUTE format('ALTER TABLE %I SET (fillfactor = 45)', 'correlation_' || region);
                END IF;
                FOREACH jobs IN ARRAY ARRAY['', '_jobs'] LOOP
                    lists := 'correlation_neighbour_lists_' || region || jobs;
                    moved := 'correlation_nearest_' || region || jobs;
                    CONTINUE WHEN to_regclass(quote_ident(lists)) IS NULL;
                    EXECUTE format(
                        'CREATE TABLE %I (alpha_id varchar(50) NOT NULL,
                            most_ids text[] NOT NULL, most_correlations double precision[] NOT NULL,
                            most_days integer[] NOT NULL, least_ids text[] NOT NULL,
                            least_correlations double precision[] NOT NULL, least_days integer[] NOT NULL,
                            absolute_ids text[] NOT NULL, absolute_correlations double precision[] NOT NULL,
                            absolute_days integer[] NOT NULL, %s)', moved,
                        CASE jobs WHEN '' THEN 'PRIMARY KEY (alpha_id)' ELSE
                            'job_id bigint NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE, PRIMARY KEY (job_id, alpha_id)'
                        END);
                    EXECUTE format('INSERT INTO %1$I SELECT alpha_id, %2$s %3$s FROM %4$I GROUP BY alpha_id %3$s', moved, (
                        SELECT string_agg(format('coalesce(max(%I) FILTER (WHERE kind = %L), ''{}'')', old, kind), ', '
                            ORDER BY k, o)
                        FROM unnest(ARRAY['most', 'least', 'absolute']) WITH ORDINALITY AS kinds (kind, k),
                            unnest(ARRAY['neighbour_ids', 'correlations', 'days']) WITH ORDINALITY AS olds (old, o)
                        ), CASE jobs WHEN '' THEN '' ELSE ', job_id' END, lists);
                    EXECUTE format('DROP VIEW IF EXISTS %I', 'correlation_neighbours_' || region || jobs);
                    EXECUTE format('DROP TABLE %I', lists);
                END LOOP;
            END LOOP;
        END $$;

        """
}
