import ClusterModel
import Foundation
import Panel
import Testing

@testable import Store

@Suite struct PublishClustersTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
        try database.store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id, is_sharpe)
                SELECT 'A' || a, region_id, a FROM regions, generate_series(1, 4) a;
            INSERT INTO jobs (job_id, kind, region, pool, state, priority, convention, window_spec, min_overlap, precision,
                block_edge, submitted_at, epoch)
            SELECT j, 'clusters', 'USA', 'p', 'done', 0, '', '', 60, '', 256, now(), 1 FROM generate_series(5, 9) j
            """)
    }

    private func publication(_ job: Int64, _ target: Publication.Target = .region) throws -> Publication {
        Publication(
            region: usa, target: target, jobID: JobID(job), convention: .ffillShift, window: .years(4), minOverlap: 60,
            windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29"))
    }

    private func result(_ method: String, ids: [String] = ["A1", "A2", "A3"], tree: [TreeEdgeRow] = []) -> ClusterResult {
        let rows = ids.enumerated().map { place, id in
            ClusterRow(
                alphaID: id, method: method, label: place == 0 ? nil : place - 1, probability: 0.5,
                silhouette: place == 0 ? nil : 0.25, coordinates: place == 1 ? nil : [1.5, -2])
        }
        let dendrogram = ClusterMethodRow.Dendrogram(
            alphaIDs: ids, left: [0, 2], right: [1, 3], heights: [0.5, .infinity], sizes: [2, 3], leaves: ids)
        let about = ClusterMethodRow(
            method: method, parameters: ["seed": "42"], figures: ["inertia": 1.5], notes: ["a note"], clusters: 2, noise: 0,
            silhouette: 0.25, dendrogram: method == "average" ? dendrogram : nil)
        return ClusterResult(alphaIDs: ids, rows: rows, methods: [about], tree: tree)
    }

    private func texts(_ columns: String, _ table: String) throws -> [String] {
        try database.sql("SELECT concat_ws(' ', \(columns)) FROM \(table) ORDER BY 1").compactMap { $0[0] }
    }

    @Test("Rows, figures and dendrogram come back as they were, with nothing where there is nothing")
    func columns() throws {
        let report = try store.publishClusters(result("average"), of: publication(5), epoch: epoch)
        #expect(report == PublishReport(table: "alpha_clusters_usa", rows: 3, alphasGone: 0, rowsDeleted: 0))
        #expect(
            try texts("alpha_id, method, label, probability, silhouette, coordinates, job_id", "alpha_clusters_usa") == [
                "A1 average 0.5 {1.5,-2} 5", "A2 average 0 0.5 0.25 5", "A3 average 1 0.5 0.25 {1.5,-2} 5",
            ])
        #expect(
            try texts(
                "method, parameters->>'seed', figures->>'inertia', notes->>0, clusters, noise, silhouette, left_nodes, heights",
                "alpha_cluster_methods_usa") == ["average 42 1.5 a note 2 0 0.25 {0,2} {0.5,Infinity}"])
    }

    @Test("Each job replaces all of the last one's, whatever its methods; of jobs keyed by number, each its own")
    func replaced() throws {
        for target in [Publication.Target.region, .job] {
            let table = target == .region ? "alpha_clusters_usa" : "alpha_clusters_usa_jobs"
            let tree = [TreeEdgeRow(alphaIDA: "A1", alphaIDB: "A2", correlation: 0.5, distance: 1)]
            try store.publishClusters(result("average", tree: tree), of: publication(5, target), epoch: epoch)
            let again = target == .region ? Int64(6) : 5
            try store.publishClusters(result("ward", ids: ["A2", "A3", "A4"]), of: publication(again, target), epoch: epoch)
            #expect(try texts("method, alpha_id", table) == ["ward A2", "ward A3", "ward A4"])
            #expect(try texts("method", table.replacing("clusters", with: "cluster_methods")) == ["ward"])
            #expect(try texts("alpha_id_a", table.replacing("clusters", with: "tree")).isEmpty)
        }
        try store.publishClusters(result("ward"), of: publication(7, .job), epoch: epoch)
        #expect(try texts("job_id, count(*)", "alpha_clusters_usa_jobs GROUP BY job_id") == ["5 3", "7 3"])
    }

    @Test("Alphas that went while the job ran get no row, and an alpha that goes later takes its rows and edges along")
    func gone() throws {
        let tree = [
            TreeEdgeRow(alphaIDA: "A1", alphaIDB: "A2", correlation: 0.5, distance: 1),
            TreeEdgeRow(alphaIDA: "A2", alphaIDB: "A9", correlation: 0.5, distance: 1),
        ]
        let report = try store.publishClusters(
            result("umap", ids: ["A1", "A2", "A9"], tree: tree), of: publication(5), epoch: epoch)
        #expect(report.rows == 2 && report.alphasGone == 1)
        #expect(try texts("alpha_id_a, alpha_id_b", "alpha_tree_usa") == ["A1 A2"])
        _ = try store.remove(alphaIDs: ["A1"], unsubmitted: false)
        #expect(try texts("alpha_id", "alpha_clusters_usa") == ["A2"])
        #expect(try texts("alpha_id_a", "alpha_tree_usa").isEmpty)
    }

    @Test("Alphas whose ids Unicode takes for equal are different ones, of which one may go")
    func equivalentIDs() throws {
        let (composed, decomposed) = ("\u{E9}", "e\u{301}")
        try database.sql(
            "INSERT INTO alphas (alpha_id, region_id, is_sharpe) SELECT '\(decomposed)', region_id, 2 FROM regions")
        let tree = [TreeEdgeRow(alphaIDA: "A1", alphaIDB: decomposed, correlation: 0.5, distance: 1)]
        let report = try store.publishClusters(
            result("umap", ids: ["A1", decomposed, composed], tree: tree), of: publication(5), epoch: epoch)
        #expect(report.rows == 2 && report.alphasGone == 1)
        #expect(try texts("alpha_id, octet_length(alpha_id)", "alpha_clusters_usa") == ["A1 2", "\(decomposed) 3"])
        #expect(try texts("alpha_id_a", "alpha_tree_usa") == ["A1"])
        #expect(try store.clusterOrder(usa, method: nil).labels == [decomposed: 0])
        try database.sql(
            "INSERT INTO alphas (alpha_id, region_id, is_sharpe) SELECT '\(composed)', region_id, 3 FROM regions")
        let metrics = try store.alphaMetrics(usa, pool: "submitted")
        let sharpes = try store.storedSharpes([composed, decomposed], unsubmitted: false)
        for (id, sharpe) in [(composed, 3.0), (decomposed, 2.0)] {
            #expect(metrics[id]?.sharpe == sharpe && sharpes[id] == sharpe)
        }
    }

    @Test("A region is removed with its clusters and the views on them")
    func removedRegion() throws {
        try store.publishClusters(result("umap"), of: publication(5), epoch: epoch)
        _ = try store.removeRegion(usa, force: true)
        #expect(try database.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'alpha_cl%usa%'") == "0")
    }

    @Test("The features of a cluster are compared with those of all alphas")
    func clusterFeatures() throws {
        let values = [1.0, 2, 3, 6]
        let rows = values.enumerated().map { place, value in
            AlphaFeatureRow(alphaID: "A\(place + 1)", values: AlphaFeature.allCases.map { $0 == .sharpe ? value : .nan })
        }
        try store.publishFeatures(rows, of: publication(5), epoch: epoch)
        var found = result("ward", ids: ["A1", "A2", "A3", "A4"])
        for place in found.rows.indices { found.rows[place].label = place < 2 ? 0 : 1 }
        try store.publishClusters(found, of: publication(6), epoch: epoch)
        // Mean 3, standard deviation sqrt(14 / 3).
        let lines = try texts(
            "label, feature, alphas, mean, round(effect::numeric, 6)", "alpha_cluster_features_usa WHERE method = 'ward'")
        #expect(lines == ["0 sharpe 2 1.5 -0.694365", "1 sharpe 2 4.5 0.694365"])
    }

    /// Of sixty alphas in two clusters, with features whose sums depend on the order in which they are added.
    private func publishManyFeatures() throws {
        let ids = (10..<70).map { "B\($0)" }
        try database.sql(
            "INSERT INTO alphas (alpha_id, region_id) SELECT 'B' || a, region_id FROM regions, generate_series(10, 69) a")
        var random = SystemRandomNumberGenerator()
        let rows = ids.map { id in
            AlphaFeatureRow(
                alphaID: id, values: AlphaFeature.allCases.map { _ in exp(Double.random(in: -20...20, using: &random)) })
        }
        try store.publishFeatures(rows, of: publication(5), epoch: epoch)
        var found = result("ward", ids: ids)
        for place in found.rows.indices { found.rows[place].label = place % 2 }
        try store.publishClusters(found, of: publication(6), epoch: epoch)
    }

    @Test("What is said of a cluster's features does not depend on the order of their rows, also by views of earlier versions")
    func orderOfRows() throws {
        try publishManyFeatures()
        func lines() throws -> [String] {
            try texts("label, feature, mean, effect", "alpha_cluster_features_usa WHERE method = 'ward'").sorted()
        }
        let before = try lines()
        #expect(before.count > 40)
        // Written anew, rows lie behind the others.
        let move = "UPDATE alpha_features_usa SET last_updated = now() WHERE alpha_id LIKE '%3' OR alpha_id LIKE '%8'"
        try database.sql(move)
        #expect(try lines() == before)

        let definition = "pg_get_viewdef('alpha_cluster_features_usa'::regclass)"
        let now = try database.value("SELECT \(definition)")
        try database.sql(
            """
            DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW alpha_cluster_features_usa AS '
                || replace(\(definition), '::numeric', ''); END $$
            """)
        #expect(try database.value("SELECT \(definition) LIKE '%numeric%'") == "f")
        try database.sql("DELETE FROM schema_migrations WHERE version = 19")
        #expect(try store.migrate() == ["features of clusters whatever the order of rows"])
        #expect(try database.value("SELECT \(definition)") == now)
        #expect(try lines() == before)
    }

    @Test("A selection's rows say everything that was found, and are read back through results")
    func selection() throws {
        var chosen = SelectionRow(alphaID: "A1", isChosen: true)
        (chosen.weight, chosen.nearestChosen, chosen.nearestCorrelation, chosen.riskParityWeight) = (1.5, "A2", 0.25, 0.75)
        (chosen.submissionPlace, chosen.submissionBlocks, chosen.isUnique) = (1, 2, true)
        var other = SelectionRow(alphaID: "A2", isChosen: false)
        (other.reason, other.blockedBy, other.blockedCorrelation, other.conflicts) = ("conflict", "A1", 0.875, 3)
        let rule = EdgeRule(from: 0.5, absolute: true)
        try store.publishSelection([chosen, other], rule: rule, of: publication(5), epoch: epoch)
        let page = try store.results(ResultRequest(.selection), region: usa)
        func column(_ name: String) throws -> [JSONValue] {
            let place = try #require(page.columns.firstIndex(of: name))
            return page.rows.map { $0[place] }
        }
        #expect(try column("alpha_id") == [.text("A1"), .text("A2")])
        #expect(try column("is_chosen") == [.bool(true), .bool(false)])
        #expect(try column("nearest_correlation") == [.number(0.25), .null])
        #expect(try column("blocked_by") == [.null, .text("A1")])
        #expect(try column("threshold") == [.number(0.5), .number(0.5)])
        #expect(try column("submission_place") == [.whole(1), .null])
        try store.publishSelection([other], rule: rule, of: publication(6), epoch: epoch)
        #expect(try store.results(ResultRequest(.selection), region: usa).rows.count == 1)
    }

    @Test("Results come in pages, of a method, of an alpha and of a job; what is not there is said")
    func results() throws {
        try store.publishClusters(result("average"), of: publication(5), epoch: epoch)
        try store.publishClusters(result("umap"), of: publication(6, .job), epoch: epoch)
        try database.sql("UPDATE jobs SET result_table = 'alpha_clusters_usa_jobs' WHERE job_id = 6")
        var request = ResultRequest(.clusters, limit: 2)
        var page = try store.results(request, region: usa)
        #expect(page.rows.map { $0[0] } == [.text("A1"), .text("A2")] && page.nextOffset == 2)
        request.offset = 2
        page = try store.results(request, region: usa)
        #expect(page.rows.map { $0[0] } == [.text("A3")] && page.nextOffset == nil)
        request = ResultRequest(.clusters)
        request.alphaID = "A2"
        request.job = JobID(6)
        page = try store.results(request, region: usa)
        #expect(page.table == "alpha_clusters_usa_jobs" && page.rows.count == 1 && page.rows[0][1] == .text("umap"))
        request = ResultRequest(.clusters)
        request.method = "ward"
        #expect(gridError { _ = try store.results(request, region: usa) }?.message.hasSuffix("expected one of average") == true)
        for result in RegionResult.allCases { _ = try store.results(ResultRequest(result), region: usa) }

        request.job = JobID(99)
        let missing = "region USA has no job 99, nor rows of 'clusters' from one of this number that was removed"
        #expect(throws: GridError(.notFound, missing)) { try store.results(request, region: usa) }
        request.job = JobID(7)
        #expect(throws: GridError(.notFound, "job 7 has published nothing")) { try store.results(request, region: usa) }
        var wrong = ResultRequest(.features)
        wrong.method = "umap"
        #expect(throws: GridError(.usage, "result 'features' has no method to choose")) { try store.results(wrong, region: usa) }
        #expect(throws: GridError.self) { try store.results(ResultRequest(.clusters), region: Region("EUR")) }
    }
}
