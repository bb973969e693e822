import ClusterModel
import Clustering
import Jobs
import Panel
import Testing

struct ClustersJobTests {
    private func clusters(
        _ data: GroupedPanel, _ params: [String: String], shuffle: UInt64 = 1
    ) throws -> ClustersOutcome {
        let job = try ClustersJob(plan: try data.plan(), dates: data.panel.dates, parameters: try ClusterParameters(params))
        guard case .clusters(let outcome) = try data.run(job, shuffle: shuffle) else {
            throw GridError(.failed, "a clusters job ends with clusters")
        }
        return outcome
    }

    private func result(_ outcome: ClustersOutcome, _ method: String) throws -> ClustersOutcome.Result {
        try #require(outcome.results.first { $0.method == method })
    }

    @Test(
        "Every method finds the groups that are there",
        arguments: ["hdbscan", "single", "complete", "average", "ward", "kmeans", "dbscan"])
    func knownGroups(method: String) throws {
        let data = try GroupedPanel()
        var params = ["methods": method, "min_cluster_size": "5", "eps": "0.4"]
        // The others find out by themselves.
        if !["hdbscan", "dbscan"].contains(method) { params["clusters"] = "4" }
        let found = try result(clusters(data, params), method)
        #expect(AdjustedRand.score(found.labels.map { $0 ?? -2 }, data.groups) >= 0.99)
        #expect(found.clusterCount == 4)
        #expect(try #require(found.meanSilhouette) > 0.4)
    }

    @Test(
        "A job says what it computes by itself, and goes through what was planned for it",
        arguments: [
            ["methods": "average,ward", "clusters": "4", "bootstrap": "3", "consensus": "true"],
            ["methods": "umap,hdbscan,mst,dbscan,single", "min_cluster_size": "5", "eps": "0.4"],
            ["methods": "kmeans,pca,complete", "clusters_tried": "5"], ["methods": "kmeans", "clusters": "4"],
            ["methods": "average", "choose_by": "gap", "references": "2", "clusters_tried": "5"],
            ["methods": "kmeans,tsne", "kmeans_on": "features", "clusters": "2", "perplexity": "5"],
        ])
    func planned(params: [String: String]) throws {
        let data = try GroupedPanel()
        let (plan, parameters) = (try data.plan(), try ClusterParameters(params))
        let planned = try ClustersJob.planned(plan, dates: data.panel.dates, parameters: parameters)
        let job = try ClustersJob(plan: plan, dates: data.panel.dates, parameters: parameters)
        var tasks: [String: Int] = [:]
        var alone: Set<String> = []
        _ = try data.run(job) { name, count in
            // Passes over the tree are counted in their names.
            let name = name.hasPrefix("spanning tree") ? "spanning tree" : name
            if let count { tasks[name, default: 0] += count } else { alone.insert(name) }
        }
        for stage in planned where !stage.repeats {
            #expect(stage.isLocal ? alone.contains(stage.name) : tasks[stage.name] == stage.tasks, "\(stage)")
        }
        #expect(Set(tasks.keys).isSubset(of: planned.filter { !$0.isLocal }.map(\.name)), "\(tasks.keys)")
        #expect(alone.isSubset(of: planned.filter(\.isLocal).map(\.name)), "\(alone)")
        if params["bootstrap"] != nil { #expect(alone.contains("linkage (average)") && tasks["resample ward"] == 3) }
    }

    @Test("A job that nobody wants any more stops where it next says what it computes by itself")
    func unwanted() throws {
        struct Unwanted: Error {}
        let data = try GroupedPanel()
        let parameters = try ClusterParameters(["methods": "average,ward", "clusters": "4"])
        let job = try ClustersJob(plan: try data.plan(), dates: data.panel.dates, parameters: parameters)
        guard case .stage(let stage) = try job.next() else { throw GridError(.failed, "it begins with the distances") }
        #expect(stage.name == "distances")
        var heard: [String] = []
        #expect(throws: Unwanted.self) {
            _ = try job.next { name in
                heard.append(name)
                if heard.count == 2 { throw Unwanted() }
            }
        }
        #expect(heard.count == 2)
    }

    @Test("A job is let go with all that it holds, whether it has ended or not")
    func isLetGo() throws {
        let data = try GroupedPanel()
        weak var ended: ClustersJob?
        weak var begun: ClustersJob?
        do {
            let parameters = try ClusterParameters(["methods": "average,kmeans", "clusters": "4"])
            let jobs = try (0..<2).map { _ in
                try ClustersJob(plan: try data.plan(), dates: data.panel.dates, parameters: parameters)
            }
            (ended, begun) = (jobs[0], jobs[1])
            _ = try data.run(jobs[0], shuffle: 1)
            _ = try jobs[1].next()
        }
        #expect(ended == nil && begun == nil)
    }

    @Test("k-means finds its first centres in blocks that are not full, and makes as many clusters as there are alphas")
    func firstCentres() throws {
        let data = try GroupedPanel(groups: 2, perGroup: 10, blockEdge: 64, later: 5)
        #expect(data.panel.blockCount == 2)
        for clusters in [16, 20] {
            let found = try result(self.clusters(data, ["methods": "kmeans", "clusters": "\(clusters)"]), "kmeans")
            #expect(found.clusterCount == clusters)
        }
        #expect(try result(clusters(data, ["methods": "kmeans"]), "kmeans").labels.count == 20)
        // One task takes 64 blocks.
        let single = try GroupedPanel(groups: 2, perGroup: 40, days: 60, blockEdge: 1)
        for name in ["clusters", "clusters_tried"] {
            let wanted = try ClusterParameters(["methods": "kmeans", name: "65"])
            // Before a phase of it has begun.
            let error = #expect(throws: GridError.self) {
                try ClustersJob(plan: try single.plan(), dates: single.panel.dates, parameters: wanted)
            }
            #expect(error?.kind == .usage && error?.message.contains("parameter \(name) asks for 65, but the first 64") == true)
        }
        #expect(try result(clusters(single, ["methods": "kmeans", "clusters": "64"]), "kmeans").clusterCount == 64)
    }

    @Test("What rounding makes of an alpha that earns the same every day is no row to cluster by, nor one of a sample of days")
    func idlers() throws {
        let data = try GroupedPanel(gaps: 0, idlers: 2)
        let outcome = try clusters(data, ["methods": "pca,kmeans,average", "clusters": "4", "bootstrap": "5"])
        let average = try result(outcome, "average")
        #expect(average.labels.count { $0 == nil } == 2)
        #expect(average.figures["stability"] == 1)
        let idlers = average.labels.indices.filter { average.labels[$0] == nil }
        let places = try result(outcome, "pca").coordinates
        // Both are rows of zeros.
        #expect(places[idlers[0]] != nil && places[idlers[0]] == places[idlers[1]])
    }

    @Test("The number of clusters with the best silhouette is that of the groups", arguments: ["average", "kmeans"])
    func numberOfClusters(method: String) throws {
        let data = try GroupedPanel(groups: 5, perGroup: 9)
        let found = try result(clusters(data, ["methods": method, "clusters_tried": "9"]), method)
        #expect(found.clusterCount == 5)
    }

    @Test("k-means begins with as many alphas as it needs, though the first block may have few")
    func smallFirstBlock() throws {
        let data = try GroupedPanel(later: 77)
        #expect(data.panel.alphas(inBlock: 0).count == 3)
        let found = try result(clusters(data, ["methods": "kmeans", "clusters": "4"]), "kmeans")
        #expect(AdjustedRand.score(found.labels.map { $0 ?? -2 }, data.groups) >= 0.99)
    }

    @Test("The gap statistic finds the groups, and says that there are none where there are none")
    func gap() throws {
        let params = ["methods": "average", "choose_by": "gap", "references": "6", "clusters_tried": "8"]
        let data = try GroupedPanel(groups: 4, perGroup: 10, gaps: 0)
        #expect(try result(clusters(data, params), "average").clusterCount == 4)
        let nothing = try GroupedPanel(groups: 1, perGroup: 1, strays: 40, gaps: 0)
        let found = try result(clusters(nothing, params), "average")
        #expect(found.clusterCount == 1)
        #expect(found.figures["gap_1"] != nil && found.figures["gap_error_8"] != nil)
    }

    @Test("k-means on features puts alphas together that are alike by themselves, whenever they move")
    func kmeansOnFeatures() throws {
        // Two kinds of series that have nothing in common with each other: quiet ones and wild ones.
        let data = try GroupedPanel(groups: 1, perGroup: 1, strays: 39, gaps: 0, scale: { $0 % 2 == 0 ? 1 : 40 })
        let found = try result(clusters(data, ["methods": "kmeans", "kmeans_on": "features", "clusters": "2"]), "kmeans")
        #expect(AdjustedRand.score(found.labels.map { $0 ?? -2 }, data.kinds) >= 0.99)
    }

    @Test("The spanning tree weighs what the shortest walk through all pairs weighs, with undefined pairs as no edges")
    func spanningTree() throws {
        for (seed, gaps) in [(UInt64(1), 0.0), (2, 0.3), (3, 0.93)] {
            let data = try GroupedPanel(groups: 3, perGroup: 15, strays: 12, share: 0.5, gaps: gaps, seed: seed)
            let outcome = try clusters(data, ["methods": "mst"])
            let count = data.groups.count
            var edges: [SpanningEdge] = []
            for a in 0..<count {
                for b in (a + 1)..<max(count, a + 1) {
                    let r = data.r(a, b)
                    if !r.isNaN { edges.append(SpanningEdge(a: a, b: b, weight: CorrelationDistance.euclidean(r))) }
                }
            }
            let expected = MinimumSpanningTree.kruskal(pointCount: count, edges)
            #expect(outcome.tree.count == expected.count)
            for (found, wanted) in zip(outcome.tree, expected) {
                #expect(abs(found.distance - wanted.weight) < 1e-9)
                #expect(abs(found.correlation - data.r(found.a, found.b)) < 1e-9)
            }
        }
    }

    @Test("HDBSCAN from neighbour lists and passes over tiles has the labels it has from all distances at once")
    func densityFromTiles() throws {
        for seed in UInt64(1)...4 {
            let data = try GroupedPanel(groups: 3, perGroup: 18, strays: 25, share: 0.7, gaps: 0.02, seed: seed)
            let found = try result(
                clusters(data, ["methods": "hdbscan", "min_cluster_size": "6", "min_samples": "3"]), "hdbscan")
            let distances = try CondensedDistances(count: data.groups.count) { a, b in
                CorrelationDistance.euclidean(data.r(a, b))
            }
            let expected = try HDBSCAN(distances, minClusterSize: 6, minSamples: 3)
            #expect(AdjustedRand.score(found.labels.map { $0 ?? -2 }, expected.labels) == 1)
            for (a, b) in zip(found.probabilities, expected.probabilities) { #expect(abs(a - b) < 1e-9) }
        }
    }

    @Test("Silhouettes are the same from a pass over tiles and from all distances at once")
    func silhouettes() throws {
        let data = try GroupedPanel(groups: 3, perGroup: 12, strays: 6, share: 0.7)
        let params = ["methods": "hdbscan", "min_cluster_size": "5"]
        let tiles = try result(clusters(data, params), "hdbscan").silhouettes
        let whole = try result(clusters(data, params.merging(["methods": "hdbscan,average"]) { $1 }), "hdbscan").silhouettes
        #expect(tiles.count == data.groups.count)
        for (a, b) in zip(tiles, whole) { #expect(a == nil ? b == nil : abs(a! - (b ?? .nan)) < 1e-9) }
        #expect(tiles.contains { $0 != nil })
    }

    @Test("Silhouettes are in terms of sqrt(2 (1 - r)) whatever distance the methods go by")
    func silhouettesOfOtherDistances() throws {
        let data = try GroupedPanel(groups: 3, perGroup: 10, strays: 3, share: 0.7)
        let params = ["methods": "average", "clusters": "3"]
        let labels = try result(clusters(data, params.merging(["distance": "1-r"]) { $1 }), "average").labels.map { $0 ?? -1 }
        let distances = try CondensedDistances(count: labels.count) { a, b in CorrelationDistance.euclidean(data.r(a, b)) }
        let expected = Silhouette(distances, labels: labels).values.map { $0 ?? .nan }
        for distance in ["1-r", "sqrt((1-r)/2)"] {
            let found = try result(clusters(data, params.merging(["distance": distance]) { $1 }), "average")
            guard found.labels.map({ $0 ?? -1 }) == labels else { continue }
            for (a, b) in zip(found.silhouettes, expected) { #expect(abs((a ?? .nan) - b) < 1e-9) }
        }
        #expect(Set(labels).count == 3)
    }

    @Test(
        "A method that needs all pairs at once refuses more alphas than that is for, with the figure; others take them",
        arguments: [("average", true), ("kmeans", true), ("umap,hdbscan,pca,mst,tsne,dbscan", false)])
    func tooMany(methods: String, isRefused: Bool) throws {
        let count = Limits.matrixPointsMax + 1
        let shape = try PanelShape(alphaCount: count, dayCount: 100, blockEdge: 2_048, name: "the panel")
        let hash = BlockHash(bytes: Array(repeating: 0, count: 32))
        let layout = PanelLayout(
            shape: shape, blockHashes: Array(repeating: hash, count: shape.blockCount), ranks: (0..<count).map { UInt32($0) },
            contentHash: hash)
        let parameters = try CorrelationParameters(
            convention: .ffillShift, window: .all, minOverlap: 60, precision: .float64, blockEdge: 2_048)
        let plan = CorrelationPlan(layout: layout, parameters: parameters, firstDay: 0)
        let dates = (0..<100).map { Day(rawValue: Int32(19_000 + $0)) }
        func make() throws {
            _ = try ClustersJob(plan: plan, dates: dates, parameters: try ClusterParameters(["methods": methods]))
        }
        guard isRefused else { return try make() }
        let error = #expect(throws: GridError.self) { try make() }
        #expect(error?.kind == .usage && error?.message.contains("\(count)") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\(Limits.matrixPointsMax)") == true)
    }

    @Test("The digest does not depend on the order in which tasks end, and changes with the seed")
    func digest() throws {
        let data = try GroupedPanel(groups: 3, perGroup: 14)
        let params = [
            "methods": "umap,tsne,hdbscan,average,kmeans,pca,mst", "perplexity": "5", "min_cluster_size": "5", "clusters": "3",
            "bootstrap": "3", "consensus": "true",
        ]
        let first = try clusters(data, params, shuffle: 1)
        #expect(try clusters(data, params, shuffle: 2).digest == first.digest)
        #expect(try clusters(data, params.merging(["seed": "43"]) { $1 }).digest != first.digest)
        let consensus = try result(first, "consensus")
        #expect(AdjustedRand.score(consensus.labels.map { $0 ?? -2 }, try result(first, "average").labels.map { $0 ?? -2 }) > 0.9)
        let average = try result(first, "average")
        #expect(try #require(average.figures["stability"]) > 0.9)
        #expect(try #require(average.figures["agreement_kmeans"]) > 0.5)
    }

    @Test("Alphas with undefined pairs are left out of a hierarchy and named by having no label")
    func leftOut() throws {
        let data = try GroupedPanel(groups: 2, perGroup: 10, days: 120)
        let job = try ClustersJob(
            plan: try data.plan(minOverlap: 110), dates: data.panel.dates,
            parameters: try ClusterParameters(["methods": "average", "clusters": "2"]))
        guard case .clusters(let outcome) = try data.run(job) else { return }
        let found = try result(outcome, "average")
        // Late starters have 96 days.
        let missing = found.labels.indices.filter { found.labels[$0] == nil }
        #expect(!missing.isEmpty && missing.allSatisfy { data.returns[$0].count { !$0.isNaN } < 110 })
        let ids = data.panel.idOrder.map { data.panel.alphaIDs[Int($0)] }
        let names = missing.map { ids[$0] }.joined(separator: ", ")
        #expect(found.notes(naming: ids).contains { $0.contains("\(missing.count) alphas") && $0.hasSuffix(names) })
        #expect(found.linkage?.points.count == data.groups.count - missing.count)
    }

    @Test(
        "Parameters that cannot be are refused by name",
        arguments: [
            (["methods": "umap,guess"], "guess"), (["methods": "umap,umap"], "twice"), (["method": "umap"], "'method'"),
            (["eps": "-1"], "eps"), (["clusters": "1"], "clusters"), (["min_cluster_size": "500"], "min_samples"),
            (["dbscan_on": "umap", "methods": "dbscan"], "umap"), (["distance": "cosine"], "sqrt(2(1-r))"),
            (["bootstrap": "5"], "bootstrap"), (["choose_by": "gap", "methods": "kmeans"], "choose_by"),
            (["clusters": "12"], "none of them is asked for"), (["consensus": "true", "methods": "hdbscan"], "consensus"),
            (["window": "2y"], "field of the job"),
        ])
    func refusals(params: [String: String], named: String) {
        let error = #expect(throws: GridError.self) { _ = try ClusterParameters(params) }
        #expect(error?.kind == .usage && error?.message.contains(named) == true, "\(error?.message ?? "")")
    }
}
