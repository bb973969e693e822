import ClusterModel

// Where clusters, layouts and trees go: of the region's own jobs, or keyed by job.
extension RegionTables {
    func clusters(_ target: Publication.Target) -> String { name("alpha_clusters", target) }
    func clusterMethods(_ target: Publication.Target) -> String { name("alpha_cluster_methods", target) }
    func selection(_ target: Publication.Target) -> String { name("alpha_selection", target) }
    func tree(_ target: Publication.Target) -> String { name("alpha_tree", target) }
    /// How the features of each cluster differ from those of all alphas.
    func clusterFeatures(_ target: Publication.Target) -> String { name("alpha_cluster_features", target) }

    private func name(_ what: String, _ target: Publication.Target) -> String {
        "\(what)_\(region.tableSuffix)\(target == .region ? "" : "_jobs")"
    }

    /// Without references to `alphas`, for the same reason as the tables of neighbours.
    func clusterTables(_ target: Publication.Target) -> [Table] {
        let (job, key) = target == .region ? ("job_id bigint", "") : (Self.jobColumn, "job_id, ")
        return [
            Table(
                name: clusters(target),
                columns: [
                    "alpha_id varchar(50) NOT NULL", "method varchar(20) NOT NULL", "label integer",
                    "probability double precision", "silhouette double precision", "coordinates double precision[]", job,
                ],
                constraints: ["PRIMARY KEY (\(key)method, alpha_id)"], indexes: ["alpha_id"],
                view: (clusterFeatures(target), clusterFeatureQuery(target))),
            Table(
                name: clusterMethods(target),
                columns: [
                    "method varchar(20) NOT NULL", "parameters jsonb NOT NULL", "figures jsonb NOT NULL", "notes jsonb NOT NULL",
                    "clusters integer", "noise integer", "silhouette double precision", "alpha_ids text[]",
                    "left_nodes integer[]", "right_nodes integer[]", "heights double precision[]", "sizes integer[]",
                    "leaves text[]", "last_updated timestamp DEFAULT CURRENT_TIMESTAMP", job,
                ],
                constraints: ["PRIMARY KEY (\(key)method)"]),
            Table(
                name: tree(target),
                columns: [
                    "alpha_id_a varchar(50) NOT NULL", "alpha_id_b varchar(50) NOT NULL",
                    "correlation double precision NOT NULL", "distance double precision NOT NULL", job,
                ],
                constraints: ["PRIMARY KEY (\(key)alpha_id_a, alpha_id_b)"], indexes: ["alpha_id_b"]),
        ]
    }

    func selectionTable(_ target: Publication.Target) -> Table {
        Table(
            name: selection(target),
            columns: ["alpha_id varchar(50) NOT NULL"] + Self.selectionColumns
                + [target == .region ? "job_id bigint" : Self.jobColumn],
            constraints: ["PRIMARY KEY (\(target == .region ? "" : "job_id, ")alpha_id)"])
    }

    /// What a selection says of an alpha, after its id.
    private static let selectionColumns = [
        "is_chosen boolean NOT NULL", "weight double precision", "sharpe double precision", "reason varchar(10)",
        "blocked_by varchar(50)", "blocked_correlation double precision", "nearest_chosen varchar(50)",
        "nearest_correlation double precision", "is_unique boolean NOT NULL", "conflicts integer NOT NULL",
        "submission_place integer", "submission_blocks integer", "submission_blocked_by varchar(50)",
        "risk_parity_weight double precision", "threshold double precision NOT NULL", "absolute boolean NOT NULL",
        "convention varchar(20)", "window_start date", "window_end date", "min_overlap integer",
        "last_updated timestamp DEFAULT CURRENT_TIMESTAMP",
    ]

    /// Mean of every feature per cluster, and how many standard deviations of all alphas it lies from the mean of all.
    ///
    /// Sums of `numeric` are exact, so the same features give the same bits in whatever order their rows lie. Asking for an
    /// order takes twice as long.
    private func clusterFeatureQuery(_ target: Publication.Target) -> String {
        let features = AlphaFeature.allCases.filter { $0.form != .date }.map { "('\($0.name)', t.\($0.name)::double precision)" }
        let (clusters, table) = (quoted(identifier: clusters(target)), quoted(identifier: self.features(.region)))
        return """
            WITH known AS (
                SELECT t.alpha_id, f.feature, f.value FROM \(table) t CROSS JOIN LATERAL
                    (VALUES \(features.joined(separator: ", "))) AS f (feature, value)
                WHERE f.value IS NOT NULL
            ), overall AS (
                SELECT feature, avg(value::numeric)::double precision AS mean,
                    stddev_samp(value::numeric)::double precision AS deviation
                FROM known GROUP BY feature
            )
            SELECT c.job_id, c.method, c.label, o.feature, count(*) AS alphas,
                avg(k.value::numeric)::double precision AS mean,
                (avg(k.value::numeric)::double precision - o.mean) / nullif(o.deviation, 0) AS effect
            FROM \(clusters) c JOIN known k ON k.alpha_id = c.alpha_id JOIN overall o ON o.feature = k.feature
            WHERE c.label IS NOT NULL
            GROUP BY c.job_id, c.method, c.label, o.feature, o.mean, o.deviation
            """
    }
}
