import ClusterModel

extension SelectionJob {
    package typealias CrossPlan = (plan: CorrelationPlan, rows: Range<Int>, columns: Range<Int>)

    /// What a selection goes through, in this order, as far as the size of its panel tells.
    package static func planned(
        _ plan: CorrelationPlan, crossPlan: CrossPlan?, parameters: SelectionParameters
    ) -> [PlannedStage] {
        let rule = EdgeRule(from: parameters.threshold, absolute: parameters.absolute)
        var passes = [EdgePhase(plan: plan, rule: rule).next()]
        if let (plan, rows, columns) = crossPlan {
            passes.append(EdgePhase(plan: plan, rule: rule, rectangle: (rows, columns)).next())
        }
        // It takes two that are chosen.
        let certificate = plan.pairStage(name: "certificate") { _ in .values }.stage
        return passes.compactMap { $0.map { PlannedStage($0) } } + [
            PlannedStage(local: "choice"), PlannedStage(certificate, repeats: true), PlannedStage(local: "risk parity"),
        ]
    }
}
