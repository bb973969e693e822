import ClusterModel
import Jobs
import Panel

/// Jobs over the toy panel, one for each way in which partials are taken in.
enum ToyJob: UInt8, CaseIterable {
    case correlation, narrow, cross, features, density, rows, hierarchy, gap, layouts, selection

    func job() throws -> any GridJob {
        switch self {
        case .correlation: return CorrelationJob(plan: try ToyPanel.plan())
        case .narrow:
            // Brackets that always miss.
            return CorrelationJob(plan: try ToyPanel.plan { $0.precision = .float32 }, deviations: 0)
        case .cross:
            let plan = try ToyPanel.plan()
            return try CrossCorrelationJob(rows: plan.layout, columns: plan.layout, parameters: plan.parameters, firstDay: 0)
        case .features:
            let plan = try ToyPanel.plan()
            return FeaturesJob(layout: plan.layout, dates: ToyPanel.panel.dates, firstDay: 0, isDaily: false)
        case .density:
            return try clusters(
                ["methods": "hdbscan,dbscan,mst", "min_cluster_size": "2", "min_points": "2", "consensus": "true"])
        case .rows: return try clusters(["methods": "kmeans,pca", "clusters": "3", "components": "2"])
        case .hierarchy:
            return try clusters(["methods": "average,ward", "clusters": "3", "bootstrap": "2", "consensus": "true"])
        case .gap:
            return try clusters(
                ["methods": "complete", "choose_by": "gap", "references": "2", "clusters_tried": "4"])
        case .layouts: return try clusters(["methods": "umap,tsne", "neighbours": "3", "perplexity": "2"])
        case .selection:
            var parameters = SelectionParameters()
            parameters.threshold = 0.3
            let count = ToyPanel.panel.alphaCount
            let facts = SelectionJob.Facts(
                weights: (0..<count).map { Double($0 + 1) }, sharpes: (0..<count).map { Double($0) / 4 })
            return SelectionJob(
                plan: try ToyPanel.plan(), crossPlan: nil, parameters: parameters, facts: facts, panel: ToyPanel.panel)
        }
    }

    private func clusters(_ params: [String: String]) throws -> ClustersJob {
        try ClustersJob(plan: try ToyPanel.plan(), dates: ToyPanel.panel.dates, parameters: try ClusterParameters(params))
    }

    /// Of the outcome when nobody lies.
    var digest: String? { Self.digests[Int(rawValue)] }

    private static let digests: [String?] = allCases.map { try? $0.honestDigest() }

    private func honestDigest() throws -> String {
        let job = try job()
        while true {
            switch try job.next() {
            case .publish(let outcome): return try Self.check(outcome, afterLies: false)
            case .stage(let stage):
                for task in 0..<stage.taskCount {
                    try job.merge(task: task, partial: HonestWorker.answer(stage.kind, stage.payload(task)))
                }
            }
        }
    }

    /// Does what publishing an outcome does, all but the database.
    ///
    /// - Parameter afterLies: whether the numbers may be anything; names and counts may not.
    /// - Returns: its digest.
    static func check(_ outcome: JobOutcome, afterLies: Bool) throws -> String {
        let panel = ToyPanel.panel
        let byRank = panel.idOrder.map { panel.alphaIDs[Int($0)] }
        switch outcome {
        case .correlation(let outcome):
            try check(outcome.rows(alphaIDs: panel.alphaIDs), panel.alphaCount)
            let kinds = CorrelationNeighbour.Kind.allCases
            for neighbour in outcome.neighbours(alphaIDs: panel.alphaIDs, kinds: kinds) {
                try promise((-1...1).contains(neighbour.correlation), "neighbours with r = \(neighbour.correlation)")
            }
            for edge in outcome.edges(alphaIDs: panel.alphaIDs) ?? [] {
                try promise((-1...1).contains(edge.correlation), "a pair with r = \(edge.correlation)")
            }
            return outcome.digest(alphaIDs: panel.alphaIDs)
        case .crossCorrelation(let outcome):
            let rows = outcome.rows(alphaIDs: panel.alphaIDs, partnerIDs: panel.alphaIDs)
            return CrossCorrelationOutcome.digest(rows)
        case .features(let outcome):
            let rows = Array(outcome.rows(alphaIDs: panel.alphaIDs))
            try promise(rows.count == panel.alphaCount, "\(rows.count) rows of features")
            return outcome.digest(alphaIDs: panel.alphaIDs, order: panel.idOrder)
        case .clusters(let outcome):
            let published = outcome.published(alphaIDs: byRank)
            let labels = published.rows.compactMap(\.label)
            try promise(labels.allSatisfy { (-1..<panel.alphaCount).contains($0) }, "labels \(labels)")
            return outcome.digest
        case .selection(let outcome):
            return SelectionOutcome.digest(outcome.rows(alphaIDs: byRank, submittedIDs: []))
        case .nothing: return ""
        }
    }

    private static func check(_ rows: [CorrelationRow], _ alphaCount: Int) throws {
        try promise(rows.count == alphaCount, "\(rows.count) rows of \(alphaCount) alphas")
        for row in rows {
            try promise((0..<alphaCount).contains(row.pairCount), "\(row.pairCount) pairs of an alpha of \(alphaCount)")
            for value in [row.min, row.max, row.avg, row.median, row.maxAbsCorrelation].compactMap({ $0 }) {
                try promise((-1...1).contains(value), "r = \(value) in \(row)")
            }
        }
    }
}
