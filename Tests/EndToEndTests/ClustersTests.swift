import Foundation
import Testing

extension EndToEnd {
    /// Clusters and layouts, through the whole chain, against SciPy, scikit-learn, hdbscan and umap-learn.
    @Suite(.enabled(if: Place.python != nil, "needs the Python that Scripts/test makes"))
    struct ClustersTests {
        private static let linkages = ["single", "complete", "average", "ward"]

        /// A region of its own settings, with two workers.
        private func region(_ file: String, _ cluster: TestCluster) async throws {
            try await cluster.alphagrid("db", "import", file, "--region", "USA")
            try await cluster.alphagrid("db", "configure", "--region", "USA", "--window", "all", "--min-overlap", "60")
        }

        /// Every method but the layouts, and what the peers say of it.
        private func compare(_ file: String, truth: String? = nil, _ cluster: TestCluster) async throws -> PeerFigures {
            try await region(file, cluster)
            try await cluster.alphagrid(
                "run", "clusters", "--region", "USA", "--param",
                "methods=hdbscan,dbscan,single,complete,average,ward,kmeans,pca,mst", "--param", "block_edge=64", "--wait")
            try await cluster.alphagrid("run", "correlation", "--region", "USA", "--top", "15", "--wait")
            let matrix = cluster.state.file("r.npy")
            try await cluster.alphagrid(
                "correlate", file, "--window", "all", "--min-overlap", "60", "--matrix", matrix, "--quiet")
            let more = truth.map { ["--truth", $0] } ?? []
            return try await PeerFigures(
                "clusters_peers.py", ["clusters", cluster.database, "USA", file, matrix] + more, into: cluster.state)
        }

        private func expectSame(_ figures: PeerFigures, sourceLocation: SourceLocation = #_sourceLocation) {
            func most(_ name: String, _ bound: Double = 0) {
                figures.expect(name, atMost: bound, sourceLocation: sourceLocation)
            }
            most("correlation_difference", 1e-10)
            for method in Self.linkages {
                for name in ["kept_differs", "left_out_differs", "left_out_unnamed", "sizes_differ", "leaves_differ"] {
                    most("\(method)_\(name)")
                }
                for name in ["heights_squared", "cophenetic_squared", "cophenetic_correlation", "silhouette_difference"] {
                    most("\(method)_\(name)", 1e-9)
                }
                figures.expect("\(method)_cut_agreement", atLeast: 1, sourceLocation: sourceLocation)
            }
            #expect(
                figures.values["ward_says_not_euclidean"] == figures.values["ward_is_not_euclidean"],
                sourceLocation: sourceLocation)
            for name in ["noise_differs", "labels_differ", "core_difference"] { most("dbscan_\(name)") }
            figures.expect("hdbscan_agreement", atLeast: 0.98, sourceLocation: sourceLocation)
            most("kmeans_inertia_ratio", 1.01)
            most("kmeans_inertia_same_starts", 1.01)
            #expect(figures.values["kmeans_starts"] == figures.values["kmeans_clusters"])
            most("kmeans_inertia_of_labels", 1e-9)
            most("pca_difference", 1e-8)
            most("pca_share_difference", 1e-10)
            figures.expect("pca_compared", atLeast: 1, sourceLocation: sourceLocation)
            most("tree_squared", 1e-9)
            most("tree_correlation", 1e-9)
            figures.expect("neighbours", atLeast: 15, sourceLocation: sourceLocation)
            most("neighbours_wrong")
        }

        @Test(
            "Known groups are found, and every method says what its peer says, alphas with undefined pairs named",
            .enabled(if: Place.hasClusterPeers, "needs SciPy, scikit-learn and hdbscan"), .timeLimit(.minutes(5)))
        func knownGroups() async throws {
            let cluster = try await TestCluster(workers: 2)
            let (file, truth) = try await TestData.groups(cluster.state)
            let figures = try await compare(file, truth: truth, cluster)
            expectSame(figures)
            // Three have no pair at all, and one of two that never meet goes.
            for method in Self.linkages { #expect(figures.values["\(method)_left_out"] == 4) }
            for method in Self.linkages + ["hdbscan", "dbscan", "kmeans"] {
                figures.expect("truth_\(method)", atLeast: 0.99)
                figures.expect("truth_\(method)_known", atLeast: 356)
            }
            figures.expect("hdbscan_probability_difference", atMost: 1e-6)
        }

        @Test(
            "On real data every method says what its peer says",
            .enabled(if: Place.hasClusterPeers, "needs SciPy, scikit-learn and hdbscan"),
            .enabled(if: Place.realPnL != nil, "../shared/data is not there"), .timeLimit(.minutes(5)))
        func real() async throws {
            let cluster = try await TestCluster(workers: 2)
            let figures = try await compare(try #require(Place.realPnL), cluster)
            expectSame(figures)
            figures.expect("hdbscan_clusters", atLeast: 1)
            figures.expect("dbscan_clusters", atLeast: 1)
        }

        @Test(
            "k-means of features and DBSCAN on a layout are those of scikit-learn, from what is published",
            .enabled(if: Place.hasClusterPeers, "needs SciPy, scikit-learn and hdbscan"), .timeLimit(.minutes(5)))
        func otherGrounds() async throws {
            let cluster = try await TestCluster(workers: 2)
            let file = try await TestData.groups(cluster.state, alphas: 200).pnl
            try await region(file, cluster)
            try await cluster.alphagrid("run", "features", "--region", "USA", "--wait")
            try await cluster.alphagrid(
                "run", "clusters", "--region", "USA", "--param", "methods=umap,dbscan,kmeans", "--param", "dbscan_on=umap",
                "--param", "eps=0.7", "--param", "min_points=6", "--param", "kmeans_on=features", "--param", "clusters=7",
                "--wait")
            let matrix = cluster.state.file("r.npy")
            try await cluster.alphagrid(
                "correlate", file, "--window", "all", "--min-overlap", "60", "--matrix", matrix, "--quiet")
            let figures = try await PeerFigures(
                "clusters_peers.py", ["clusters", cluster.database, "USA", file, matrix], into: cluster.state)
            for name in ["noise_differs", "labels_differ", "core_difference"] { figures.expect("dbscan_\(name)", atMost: 0) }
            figures.expect("dbscan_clusters", atLeast: 2)
            #expect(figures.values["kmeans_clusters"] == 7)
            figures.expect("kmeans_inertia_ratio", atMost: 1.01)
            figures.expect("kmeans_inertia_same_starts", atMost: 1.01)
            figures.expect("kmeans_inertia_of_labels", atMost: 1e-9)
        }

        /// Ours over five seeds, which are recorded, against theirs.
        private func compareLayouts(_ file: String, _ cluster: TestCluster) async throws {
            try await region(file, cluster)
            var ours: [String: [Double]] = [:]
            for seed in 0..<5 {
                try await cluster.alphagrid(
                    "run", "clusters", "--region", "USA", "--param", "methods=umap,tsne", "--param", "seed=\(seed)", "--wait")
                let figures = try await PeerFigures(
                    "clusters_peers.py", ["layouts", cluster.database, "USA", file], into: cluster.state)
                for method in ["umap", "tsne"] {
                    ours[method, default: []].append(try #require(figures.values["\(method)_trustworthiness"]))
                    figures.expect("\(method)_placed_differs", atMost: 0)
                    #expect(figures.values["\(method)_seed"] == Double(seed))
                }
            }
            let theirs = try await PeerFigures(
                "clusters_peers.py", ["peer-layouts", file] + (Place.hasUMAP ? [] : ["--skip", "umap"]), into: cluster.state)
            #expect(theirs.values.count == (Place.hasUMAP ? 2 : 1))
            for (method, peer) in theirs.values {
                let median = try #require(ours[method]).sorted()[2]
                #expect(median >= peer - 0.01, "\(method): \(median), the peer \(peer)")
            }
        }

        @Test(
            "UMAP and t-SNE keep neighbours together as well as umap-learn and scikit-learn, on known groups",
            .enabled(if: Place.hasClusterPeers, "needs scikit-learn, and umap-learn for UMAP"), .timeLimit(.minutes(10)))
        func layouts() async throws {
            let cluster = try await TestCluster(workers: 2)
            try await compareLayouts(try await TestData.groups(cluster.state).pnl, cluster)
        }

        @Test(
            "UMAP and t-SNE keep neighbours together as well as umap-learn and scikit-learn, on real data",
            .enabled(if: Place.hasClusterPeers, "needs scikit-learn, and umap-learn for UMAP"),
            .enabled(if: Place.realPnL != nil, "../shared/data is not there"), .timeLimit(.minutes(10)))
        func realLayouts() async throws {
            let cluster = try await TestCluster(workers: 2)
            try await compareLayouts(try #require(Place.realPnL), cluster)
        }

        // MARK: What is kept, and what is refused

        @Test(
            "A job replaces all that the last one found; the distance is stored; a removed alpha goes",
            .timeLimit(.minutes(5)))
        func kept() async throws {
            let cluster = try await TestCluster(workers: 1)
            try await region(try await TestData.groups(cluster.state, alphas: 60).pnl, cluster)
            func methods() async throws -> [String] {
                try await cluster.sql("SELECT method FROM alpha_cluster_methods_usa ORDER BY method").map { $0[0] }
            }
            try await cluster.alphagrid(
                "run", "clusters", "--region", "USA", "--param", "methods=average,mst,kmeans", "--param",
                "distance=sqrt((1-r)/2)", "--wait")
            #expect(try await methods() == ["average", "kmeans"])
            let distances = "SELECT parameters->>'distance' FROM alpha_cluster_methods_usa WHERE method = 'average'"
            #expect(try await cluster.value(distances) == "sqrt((1-r)/2)")
            let first = try await cluster.value("SELECT max(heights[1]) FROM alpha_cluster_methods_usa")
            try await cluster.alphagrid("run", "clusters", "--region", "USA", "--param", "methods=average,mst", "--wait")
            #expect(try await methods() == ["average"])
            #expect(try await cluster.value(distances) == "sqrt(2(1-r))")
            // The first join is of the nearest two, twice as far apart by this distance.
            let second = try await cluster.value("SELECT max(heights[1]) FROM alpha_cluster_methods_usa")
            #expect(abs(try #require(Double(second)) / (try #require(Double(first))) - 2) < 1e-9)
            let gone = try await cluster.value("SELECT alpha_id_a FROM alpha_tree_usa LIMIT 1")
            try await cluster.alphagrid("db", "remove", gone)
            #expect(
                try await cluster.value(
                    """
                    SELECT (SELECT count(*) FROM alpha_clusters_usa WHERE alpha_id = '\(gone)')
                        + (SELECT count(*) FROM alpha_tree_usa WHERE '\(gone)' IN (alpha_id_a, alpha_id_b))
                    """) == "0")
        }

        @Test("What a clusters job cannot do is refused by name, before anything is computed", .timeLimit(.minutes(5)))
        func refused() async throws {
            let cluster = try await TestCluster(workers: 0)
            try await cluster.alphagrid(
                "db", "import", try await TestData.groups(cluster.state, alphas: 20).pnl, "--region", "USA")
            let cases: [([String], Int32, String)] = [
                (["USA", "--param", "methods=umap,guess"], 2, "guess"), (["USA", "--param", "methods="], 2, "methods"),
                (["USA", "--param", "method=umap"], 2, "method"), (["USA", "--param", "eps=near"], 2, "eps"),
                (["USA", "--param", "distance=cosine"], 2, "sqrt(2(1-r))"), (["USA", "--threshold", "0.5"], 2, "threshold"),
                (["USA", "--param", "clusters=1"], 2, "clusters"), (["EUR"], 3, "EUR"),
            ]
            for (arguments, code, named) in cases {
                let line = ["run", "clusters", "--region"] + arguments
                let outcome = try await run(Place.program("alphagrid"), line, environment: cluster.environment)
                #expect(outcome.status == code && outcome.errors.contains(named), "\(line): \(outcome.status) \(outcome.errors)")
            }
            for (params, named) in [(["methods": "guess"], "guess"), (["dbscan_on": "umap", "methods": "dbscan"], "umap")] {
                let answer = try await HTTP.post(
                    "http://\(cluster.http)/v1/jobs", ["kind": "clusters", "region": "USA", "params": params],
                    token: try cluster.token())
                #expect(answer.status == 400 && answer.text.contains(named), "\(answer.status) \(answer.text)")
            }
            #expect(try await cluster.value("SELECT count(*) FROM jobs") == "0")
        }
    }
}
