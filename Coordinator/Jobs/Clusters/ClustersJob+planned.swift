import ClusterModel
import Clustering
import Panel

// What a job will go through, in this order, as far as its parameters and the size of its panel tell.
extension ClustersJob {
    /// - Throws: `GridError(.usage)` when a method cannot take so many alphas.
    package static func planned(
        _ plan: CorrelationPlan, dates: [Day], parameters: ClusterParameters
    ) throws -> [PlannedStage] {
        // It judges the parameters by the number of alphas.
        _ = try ClustersJob(plan: plan, dates: dates, parameters: parameters)
        return try pairStages(plan, parameters) + seriesStages(plan, dates, parameters) + methodStages(parameters)
            + labelStages(plan, parameters)
    }

    private static func pairStages(_ plan: CorrelationPlan, _ parameters: ClusterParameters) throws -> [PlannedStage] {
        var stages: [PlannedStage] = []
        if parameters.neighboursNeeded > 0 {
            let phase = NeighbourPhase(plan: plan, kept: parameters.neighboursNeeded)
            while let stage = phase.next() { stages.append(PlannedStage(stage)) }
        }
        let pass = plan.pairStage(name: "spanning tree") { _ in .values }.stage
        // Most edges are proved by the neighbours alone, so that few passes are needed, or none.
        for method in [ClusterParameters.Method.hdbscan, .mst] where parameters.methods.contains(method) {
            stages.append(PlannedStage(pass, repeats: true))
        }
        if parameters.needsMatrix { stages.append(PlannedStage(MatrixPhase.stage(of: plan).stage)) }
        if parameters.criterion == .gap, parameters.clusters == nil {
            for method in parameters.methods {
                guard let linkage = method.linkage else { continue }
                let phase = try ResamplePhase(
                    plan: plan, method: linkage, purpose: .reference(clusters: parameters.clustersTried),
                    count: parameters.references, seed: parameters.seed)
                if let stage = phase.next() { stages.append(PlannedStage(stage)) }
            }
        }
        if parameters.methods.contains(.dbscan), parameters.ground == .correlation {
            let rule = EdgeRule(from: 1 - parameters.radius, absolute: false)
            if let stage = EdgePhase(plan: plan, rule: rule).next() { stages.append(PlannedStage(stage)) }
        }
        return stages
    }

    private static func seriesStages(
        _ plan: CorrelationPlan, _ dates: [Day], _ parameters: ClusterParameters
    ) throws -> [PlannedStage] {
        var stages: [PlannedStage] = []
        if parameters.methods.contains(.kmeans), parameters.rows == .features {
            let job = FeaturesJob(layout: plan.layout, dates: dates, firstDay: plan.firstDay, isDaily: false)
            if case .stage(let stage) = try job.next() { stages.append(PlannedStage(stage)) }
            stages.append(PlannedStage(local: "k-means of features"))
        } else if parameters.methods.contains(.kmeans) {
            let tasks = RowsPhase.taskCount(plan.layout, isGram: false)
            stages.append(PlannedStage("k-means", tasks: tasks, repeats: true))
        }
        if parameters.methods.contains(.pca) {
            let tasks = [true, false].map { RowsPhase.taskCount(plan.layout, isGram: $0) }
            stages.append(PlannedStage("PCA", tasks: tasks.reduce(0, +)))
        }
        let layouts = parameters.methods.count { $0 == .umap || $0 == .tsne }
        if layouts > 0 { stages.append(PlannedStage("lay out", tasks: layouts)) }
        return stages
    }

    private static func methodStages(_ parameters: ClusterParameters) -> [PlannedStage] {
        parameters.methods.flatMap { method in
            var names = [method.workOnJobThread].compactMap { $0 }
            let isChosen = parameters.clusters == nil && parameters.criterion == .silhouette
            if isChosen, method.linkage != nil || method == .kmeans { names.append("number of clusters (\(method))") }
            if method.linkage != nil { names.append("check of the heights (\(method))") }
            return names.map { PlannedStage(local: $0) }
        }
    }

    private static func labelStages(_ plan: CorrelationPlan, _ parameters: ClusterParameters) throws -> [PlannedStage] {
        let labelled = parameters.methods.filter(\.isClustering)
        // Those of one cluster have no silhouettes, nor anything that could be stable.
        var stages = labelled.map { method in
            parameters.needsMatrix
                ? PlannedStage(local: "silhouettes (\(method))", repeats: true)
                : PlannedStage(plan.pairStage(name: "silhouettes \(method)") { _ in .values }.stage, repeats: true)
        }
        if parameters.bootstrap > 0 {
            for method in labelled where method.linkage != nil {
                stages.append(PlannedStage("resample \(method)", tasks: parameters.bootstrap, repeats: true))
                stages.append(PlannedStage(local: "stability (\(method))", repeats: true))
            }
        }
        if parameters.consensus { stages.append(PlannedStage(local: "consensus")) }
        if parameters.methods.count(where: { $0 != .mst }) + (parameters.consensus ? 1 : 0) > 1 {
            stages.append(PlannedStage(local: "agreement of methods"))
        }
        return stages
    }
}
