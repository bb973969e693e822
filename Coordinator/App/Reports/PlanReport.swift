import ClusterModel

/// What a job would be, as a page.
enum PlanReport {
    static func page(_ plan: PlanView) -> [String] {
        TextTable.page([
            ("alphas", "\(plan.alphas)"), ("days", "\(plan.days), \(plan.windowDays) of them in the window"),
            ("tiles", "\(plan.tiles)"), ("tasks", "\(plan.tasks)"),
            ("work", plan.flops > 0 ? "\(Quantity.fixed(plan.flops / 1e9, digits: 1)) GFLOP" : nil),
            ("panel", bytes(plan.panelBytes)), ("to workers", bytes(plan.bytesToWorkers)),
            ("coordinator memory", bytes(plan.coordinatorMemoryBytes)), ("worker memory", bytes(plan.workerMemoryBytes)),
            ("time", time(plan)), ("basis", plan.basis),
        ]) + ["stages"] + plan.stages.map { "  \(stage($0))" }
    }

    /// `distances 10`, `spanning tree 3 each time`, `linkage (average) in the coordinator`.
    private static func stage(_ stage: PlanView.Stage) -> String {
        if stage.inCoordinator == true { return "\(stage.name) \(JobReport.inCoordinator)" }
        return "\(stage.name) \(stage.tasks)\(stage.repeats == true ? " each time" : "")"
    }

    private static func bytes(_ count: Int) -> String { Quantity.bytes(UInt64(max(0, count))) }

    private static func time(_ plan: PlanView) -> String? {
        guard let seconds = plan.predictedSeconds, let low = plan.predictedLowSeconds, let high = plan.predictedHighSeconds
        else { return nil }
        // What comes again and again, or is computed by the coordinator, is not in it.
        guard !plan.stages.contains(where: { $0.repeats == true || $0.inCoordinator == true }) else {
            return "at least \(Quantity.duration(seconds: low))"
        }
        guard high >= 0.1 else { return "less than 0.1 s" }
        return
            "\(Quantity.duration(seconds: seconds)) (\(Quantity.duration(seconds: low)) to \(Quantity.duration(seconds: high)))"
    }
}
