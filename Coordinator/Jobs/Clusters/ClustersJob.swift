import ClusterModel
import Clustering
import Embedding
import Panel

/// Clusters, layouts and trees of the alphas of one pool: phases that look at the pairs as often as the methods asked for
/// need, then the methods themselves (`ClustersJob+methods.swift`).
///
/// Points are alphas by the bytewise rank of their ids.
package final class ClustersJob: GridJob, @unchecked Sendable {
    // Not locked: `GridJob` says that one thread at a time uses a job.
    /// In the order they are gone through; a step may take several phases.
    private enum Step: CaseIterable {
        case neighbours, reachability, tree, matrix, references, pairs, features, kmeans, pca, layouts, methods, silhouettes,
            resamples, consensus
    }

    /// What the phases have found.
    struct Findings {
        var neighbours: AlphaNeighbours?
        /// Minimum spanning forests by mutual reachability, and by the correlations alone.
        var reachability: [SpanningEdge] = []
        var tree: [SpanningEdge] = []
        /// Of all pairs; NaN where undefined.
        var distances: CondensedDistances?
        var edges: [CorrelationPartial.Edge] = []
        /// By hierarchical method, per shuffled panel the dispersion of 1, 2, ... clusters.
        var references: [ClusterParameters.Method: [[Double]]] = [:]
        /// By point, one row of standardised features each.
        var features: [Double] = []
        /// By number of clusters.
        var kmeans: [Int: (labels: [Int], starts: [Int], result: KMeansResult)] = [:]
        var components: (basis: PCABasis, coordinates: [[Double]])?
        var layouts: [ClusterParameters.Method: Coordinates] = [:]
    }

    let plan: CorrelationPlan
    let parameters: ClusterParameters
    private(set) var findings = Findings()
    private(set) var results: [ClustersOutcome.Result] = []
    private let features: FeaturesJob
    private var resamples: [[Int]] = []
    private var steps = Step.allCases[...]
    private var phase: (any JobPhase)?
    /// Called when the present phase is over. Handed the job because holding it would keep it for ever.
    private var whenOver: (ClustersJob) throws -> Void = { _ in }
    /// Where silhouettes and resamples are.
    private var position = 0
    /// Of the present call of `next`.
    private(set) var tell: StageTeller = { _ in }

    /// - Parameter dates: of the panel's days; empty when they are not known.
    /// - Throws: `GridError(.usage)` with the figure when a method cannot take so many alphas.
    package init(plan: CorrelationPlan, dates: [Day], parameters: ClusterParameters) throws(GridError) {
        if parameters.needsMatrix { try CondensedDistances.check(count: plan.layout.alphaCount) }
        if let clusters = parameters.clusters, clusters > plan.layout.alphaCount {
            throw GridError(
                .usage, "parameter clusters is \(clusters): expected at most the number of alphas, \(plan.layout.alphaCount)")
        }
        let firstBlocks = min(plan.layout.blockCount, Limits.blocksPerTaskMax)
        try parameters.expectCentres(
            Self.clustersMost(plan, parameters), among: plan.layout.shape.blockStarts[firstBlocks])
        self.plan = plan
        self.parameters = parameters
        features = FeaturesJob(
            layout: plan.layout, dates: dates, firstDay: plan.firstDay, isDaily: plan.parameters.convention == .dailyPnL)
    }

    package func next(telling tell: @escaping StageTeller) throws -> JobStep {
        self.tell = tell
        // Whoever is told may hold this job.
        defer { self.tell = { _ in } }
        while true {
            if let phase {
                if let stage = try phase.next() { return .stage(stage) }
                self.phase = nil
                try whenOver(self)
            } else if let step = steps.first {
                if try !begin(step) {
                    steps.removeFirst()
                    position = 0
                }
            } else {
                if results.count > 1 { try tell("agreement of methods") }
                return .publish(.clusters(outcome()))
            }
        }
    }

    package func merge(task index: Int, partial: Payload) throws(GridError) {
        try phase?.merge(task: index, partial: partial)
    }

    /// - Returns: whether a phase was begun, after which the step is asked again; without one it is over.
    private func begin(_ step: Step) throws -> Bool {
        switch step {
        case .neighbours: beginNeighbours()
        case .reachability: beginReachability()
        case .tree: beginTree()
        case .matrix: try beginMatrix()
        case .references: try beginReferences()
        case .pairs: beginPairs()
        case .features: beginFeatures()
        case .kmeans: try beginKMeans()
        case .pca: beginPCA()
        case .layouts: try beginLayouts()
        case .methods: try runMethods()
        case .silhouettes: try beginSilhouette()
        case .resamples: try beginResample()
        case .consensus: try findConsensus()
        }
    }

    private func run<Phase: JobPhase>(_ phase: Phase, then finish: @escaping (ClustersJob, Phase) throws -> Void) -> Bool {
        self.phase = phase
        whenOver = { try finish($0, phase) }
        return true
    }

    private func asks(_ method: ClusterParameters.Method) -> Bool { parameters.methods.contains(method) }

    // MARK: Pairs

    private func beginNeighbours() -> Bool {
        guard findings.neighbours == nil, parameters.neighboursNeeded > 0 else { return false }
        return run(NeighbourPhase(plan: plan, kept: parameters.neighboursNeeded)) {
            $0.findings.neighbours = $1.neighbours
        }
    }

    private func beginReachability() -> Bool {
        guard asks(.hdbscan), position == 0, let neighbours = findings.neighbours else { return false }
        position = 1
        let samples = parameters.samples
        let cores = (0..<neighbours.count).map { point in
            let list = neighbours[point]
            return list.count < samples ? -.infinity : list[list.startIndex + samples - 1].r
        }
        return run(ForestPhase(plan: plan, neighbours: neighbours, cores: cores)) {
            $0.findings.reachability = $1.edges($0.parameters.distance)
        }
    }

    private func beginTree() -> Bool {
        guard asks(.mst), position == 0, let neighbours = findings.neighbours else { return false }
        position = 1
        let cores = Array(repeating: Double.infinity, count: neighbours.count)
        return run(ForestPhase(plan: plan, neighbours: neighbours, cores: cores)) {
            $0.findings.tree = $1.edges($0.parameters.distance)
        }
    }

    private func beginMatrix() throws -> Bool {
        guard parameters.needsMatrix, findings.distances == nil else { return false }
        return run(try MatrixPhase(plan: plan, distance: parameters.distance)) { $0.findings.distances = $1.distances }
    }

    /// Panels without anything in common, for each hierarchical method whose number of clusters the gap shall tell.
    private func beginReferences() throws -> Bool {
        guard parameters.criterion == .gap, parameters.clusters == nil else { return false }
        let methods = parameters.methods.filter { $0.linkage != nil }
        guard position < methods.count, let linkage = methods[position].linkage else { return false }
        let method = methods[position]
        position += 1
        let phase = try ResamplePhase(
            plan: plan, method: linkage, purpose: .reference(clusters: parameters.clustersTried), count: parameters.references,
            seed: parameters.seed)
        return run(phase) { $0.findings.references[method] = $1.dispersions }
    }

    private func beginPairs() -> Bool {
        guard asks(.dbscan), parameters.ground == .correlation, position == 0 else { return false }
        position = 1
        let rule = EdgeRule(from: 1 - parameters.radius, absolute: false)
        return run(EdgePhase(plan: plan, rule: rule)) { $0.findings.edges = try $1.edges() }
    }

    // MARK: Series

    private func beginFeatures() -> Bool {
        guard asks(.kmeans), parameters.rows == .features, findings.features.isEmpty else { return false }
        return run(FeaturesPhase(features, plan)) { $0.findings.features = $1.rows }
    }

    /// Some runs for every number of clusters that is tried, from other centres each; the one of the least inertia counts.
    private func beginKMeans() throws -> Bool {
        guard asks(.kmeans) else { return false }
        if parameters.rows == .features { return try clusterFeatures() }
        let clusters = (parameters.clusters ?? 2) + position / Self.kmeansStarts
        guard clusters <= Self.clustersMost(plan, parameters) else { return false }
        let seed = parameters.seed &+ UInt64(position % Self.kmeansStarts)
        position += 1
        return run(KMeansPhase(plan: plan, clusters: clusters, seed: seed)) { job, phase in
            guard let result = phase.result else { return }
            if let best = job.findings.kmeans[clusters], best.result.inertia <= result.inertia { return }
            job.findings.kmeans[clusters] = (phase.labels, phase.starts, result)
        }
    }

    private static let kmeansStarts = 5

    private static func clustersMost(_ plan: CorrelationPlan, _ parameters: ClusterParameters) -> Int {
        parameters.clusters ?? min(parameters.clustersTried, max(2, plan.layout.alphaCount - 1))
    }

    /// A few dozen numbers per alpha are clustered faster than they are sent.
    private func clusterFeatures() throws -> Bool {
        let count = plan.layout.alphaCount
        let width = findings.features.count / max(1, count)
        let tried = parameters.clusters.map { $0...$0 } ?? 2...max(2, min(parameters.clustersTried, count - 1))
        try tell("k-means of features")
        for clusters in tried {
            let result = try KMeans.run(
                findings.features, count: count, width: width, clusters: clusters, seed: parameters.seed,
                starts: Self.kmeansStarts)
            findings.kmeans[clusters] = (result.labels.map { Int($0) }, result.startRows, result)
        }
        return false
    }

    private func beginPCA() -> Bool {
        guard asks(.pca), findings.components == nil else { return false }
        return run(PCAPhase(plan: plan, components: parameters.components)) { job, phase in
            if let basis = phase.basis { job.findings.components = (basis, phase.coordinates) }
        }
    }

    private func beginLayouts() throws -> Bool {
        let wanted = parameters.methods.filter { $0 == .umap || $0 == .tsne }
        guard !wanted.isEmpty, findings.layouts.isEmpty, let neighbours = findings.neighbours else { return false }
        let graph = try neighbours.graph(parameters.distance)
        let tasks = wanted.map { method in
            EmbeddingTask(
                method: method == .tsne
                    ? .tsne(perplexity: parameters.perplexity)
                    : .umap(
                        neighbours: parameters.neighbours, minDistance: parameters.minDistance,
                        dimensions: parameters.dimensions),
                seed: parameters.seed, graph: graph)
        }
        return run(EmbeddingPhase(tasks)) { job, phase in
            for (method, layout) in zip(wanted, phase.layouts) { job.findings.layouts[method] = layout }
        }
    }

    // MARK: What follows from the labels

    private func runMethods() throws -> Bool {
        results = try parameters.methods.filter { $0 != .mst }.map { method in
            if let name = method.workOnJobThread { try tell(name) }
            return try result(method)
        }
        return false
    }

    /// One pass over all pairs for each labeling, unless all distances are at hand.
    private func beginSilhouette() throws -> Bool {
        while position < results.count {
            let at = position
            position += 1
            let clusters = results[at].clusterCount
            guard clusters > 1 else { continue }
            guard clusters <= Limits.clustersMax else {
                results[at].notes.append("no silhouettes: \(clusters) clusters are more than \(Limits.clustersMax)")
                continue
            }
            let labels = results[at].labels.map { $0 ?? -1 }
            if let distances = findings.distances {
                try tell("silhouettes (\(results[at].method))")
                results[at].silhouettes = Silhouette(try straight(distances), labels: labels).values
                continue
            }
            return run(SilhouettePhase(plan: plan, labels: labels, name: "silhouettes \(results[at].method)")) {
                $0.results[at].silhouettes = $1.silhouette.values
            }
        }
        return false
    }

    /// In terms of sqrt(2 (1 - r)), as silhouettes are from a pass over all pairs; a multiple of it has the same ones.
    private func straight(_ distances: CondensedDistances) throws -> CondensedDistances {
        guard parameters.distance == .oneMinus else { return distances }
        return try CondensedDistances(count: distances.count) { a, b in
            CorrelationDistance.euclidean(CorrelationDistance.oneMinus.correlation(distances[a, b]))
        }
    }

    private func beginResample() throws -> Bool {
        guard parameters.bootstrap > 0 else { return false }
        while position < results.count {
            let at = position
            position += 1
            guard let method = Linkage.Method(rawValue: results[at].method), results[at].clusterCount > 1 else { continue }
            let phase = try ResamplePhase(
                plan: plan, method: method, purpose: .bootstrap(clusters: results[at].clusterCount),
                count: parameters.bootstrap, seed: parameters.seed)
            return run(phase) { job, phase in
                job.resamples += phase.labels
                try job.tell("stability (\(method.rawValue))")
                let reference = job.results[at].labels.map { $0 ?? Consensus.absent }
                job.results[at].take(try BootstrapStability(reference: reference, resamples: phase.labels))
            }
        }
        return false
    }

    private func findConsensus() throws -> Bool {
        guard parameters.consensus else { return false }
        let labelings = results.filter { !$0.labels.isEmpty }.map { $0.labels.map { $0 ?? Consensus.absent } } + resamples
        guard !labelings.isEmpty else {
            throw GridError(.usage, "parameter consensus is true, so methods must have some that give labels")
        }
        try tell("consensus")
        let consensus = try Consensus(labelings, clusters: parameters.clusters)
        var result = ClustersOutcome.Result(method: "consensus", parameters: ["labelings": "\(labelings.count)"])
        result.labels = numberedBySize(consensus.labels)
        result.probabilities = consensus.confidences
        if let distances = findings.distances, result.clusterCount > 1 {
            result.silhouettes = Silhouette(try straight(distances), labels: result.labels.map { $0 ?? -1 }).values
        }
        results.append(result)
        return false
    }

    private func outcome() -> ClustersOutcome {
        compareMethods()
        let tree = findings.tree.map { edge in
            ClustersOutcome.TreeEdge(
                a: edge.a, b: edge.b, correlation: parameters.distance.correlation(edge.weight), distance: edge.weight)
        }
        return ClustersOutcome(results: results, tree: tree)
    }

    /// How far the methods agree with each other: adjusted Rand, noise being a label of its own.
    private func compareMethods() {
        let labelled = results.indices.filter { !results[$0].labels.isEmpty }
        for a in labelled {
            for b in labelled where a != b {
                let known = results[a].labels.indices.filter { results[a].labels[$0] != nil && results[b].labels[$0] != nil }
                let score = AdjustedRand.score(
                    known.map { results[a].labels[$0] ?? -1 }, known.map { results[b].labels[$0] ?? -1 })
                results[a].figures["agreement_\(results[b].method)"] = score
            }
        }
    }
}
