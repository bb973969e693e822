import ClusterModel
import Panel

/// Correlation of one region: waves of tiles that narrow the median brackets, a redo of the rows that were missed,
/// then one row per alpha.
package final class CorrelationJob: GridJob, @unchecked Sendable {
    // Not locked: `GridJob` says that one thread at a time uses a job.
    private let plan: CorrelationPlan
    private let deviations: Double
    private var summaries: CorrelationSummaries
    /// Blocks whose pairs among themselves an earlier job has merged already.
    private let coveredBlocks: Int
    /// Whose partials are being merged.
    private var stage: JobStage?
    private var wavesDone = 0
    private var redosDone = 0
    private var mode = CorrelationTask.Mode.full
    /// Alphas whose median was missed and is being fetched again.
    private var beingRedone: [Int] = []

    /// Values fetched again in one redo stage, so that its memory stays bounded: 64 million doubles are 512 MB.
    private static let redoValuesMax = 64 << 20

    /// - Parameter deviations: width of the median brackets; smaller ones miss more often, which costs time only.
    package init(plan: CorrelationPlan, deviations: Double = 4) {
        precondition(deviations >= 0, "a bracket needs its ends in order")
        self.plan = plan
        self.deviations = deviations
        coveredBlocks = 0
        summaries = CorrelationSummaries(
            alphaCount: plan.layout.alphaCount, neighbours: plan.parameters.neighbours, precision: plan.parameters.precision)
    }

    /// Goes on from where an earlier job ended: only the alphas that came since are correlated, with all. The outcome has the
    /// bits that a whole run over the same layout by workers of the same profile has.
    package init(plan: CorrelationPlan, resuming state: CorrelationState) {
        self.plan = plan
        deviations = 4
        coveredBlocks = state.blockCount
        summaries = state.summaries
        summaries.append(
            alphaCount: plan.layout.alphaCount - summaries.alphaCount, precision: plan.parameters.precision)
    }

    package func next(telling tell: @escaping StageTeller) throws -> JobStep {
        stage = try (coveredBlocks == 0 ? nextWave() : nextStrip()) ?? redoStage()
        if let stage { return .stage(stage) }
        return .publish(.correlation(outcome()))
    }

    package func merge(task index: Int, partial payload: Payload) throws(GridError) {
        let partial = try CorrelationPartial(decoding: payload)
        try plan.check(partial, task: index, of: stage)
        try summaries.check(partial, of: plan.layout, mode: mode)
        for block in partial.blocks {
            summaries.merge(block, at: plan.layout.shape.blockStarts[Int(block.index)], mode: mode)
        }
        guard mode == .full else { return }
        summaries.addTwinPairs(Int(clamping: partial.twinPairs))
        summaries.add(partial.edges, dropped: partial.edgesDropped)
    }

    private func nextWave() -> JobStage? {
        let waves = plan.waves
        guard wavesDone < waves.count else { return nil }
        if wavesDone > 0 { tighten(afterWave: waves[wavesDone - 1]) }
        wavesDone += 1
        let name = Self.waveName(wavesDone - 1, of: waves.count)
        return plan.stage(name: name, rows: waves[wavesDone - 1], mode: .full, wanted: summaries.wanted)
    }

    package static func waveName(_ wave: Int, of count: Int) -> String { "correlate \(wave + 1)/\(count)" }

    /// The new blocks with the covered ones, then among themselves.
    private func nextStrip() -> JobStage? {
        let new = coveredBlocks..<plan.layout.blockCount
        guard wavesDone < 2, !new.isEmpty else { return nil }
        wavesDone += 1
        let name = "correlate new \(wavesDone)/2"
        if wavesDone == 1 {
            return plan.stage(name: name, rows: 0..<coveredBlocks, columns: new, wanted: summaries.wanted)
        }
        return plan.stage(name: name, rows: new, mode: .full, wanted: summaries.wanted)
    }

    private func tighten(afterWave rows: Range<Int>) {
        let layout = plan.layout
        // An alpha of block b has met the blocks before the wave's end, or all blocks when its own row is done.
        let met = layout.shape.blockStarts[rows.upperBound]
        let fraction = (0..<layout.alphaCount).map {
            $0 < met ? 1 : Double(met) / Double(layout.alphaCount - 1)
        }
        summaries.tighten(fractionSeen: fraction, deviations: deviations)
    }

    /// The next redo stage, or nil when every median is known.
    ///
    /// - Throws: `GridError(.failed)` when a median was missed on a side that was open: some partial was not true.
    private func redoStage() throws(GridError) -> JobStage? {
        let missed = summaries.medians().enumerated().filter { $1 == .missedBelow || $1 == .missedAbove }
        let batch = missed.prefix(max(1, Self.redoValuesMax / plan.layout.alphaCount))
        guard !batch.isEmpty else { return nil }
        var fetch = WantedValues.nothing(alphaCount: summaries.alphaCount)
        for (alpha, miss) in batch { (fetch.low[alpha], fetch.high[alpha]) = try summaries.reopen(alpha, miss) }
        beingRedone = batch.map(\.offset)
        mode = .medianOnly
        redosDone += 1
        let blocks = Set(beingRedone.map(plan.layout.shape.block(ofAlpha:))).sorted()
        return plan.redoStage(name: "median redo \(redosDone)", blocks: blocks, wanted: fetch)
    }

    /// What a later job of a panel with more alphas can go on from; asked for when the outcome is there.
    ///
    /// - Parameters:
    ///   - alphaIDs: ids by layout position.
    ///   - profile: of the workers whose partials were merged.
    package func state(alphaIDs: [String], profile: NumericProfile) -> CorrelationState {
        // Alphas that were new have kept everything until their medians were asked for.
        _ = summaries.medians()
        return CorrelationState(summaries: summaries, plan: plan, alphaIDs: alphaIDs, profile: profile)
    }

    private func outcome() -> CorrelationOutcome {
        CorrelationOutcome(layout: plan.layout, summaries: &summaries)
    }
}
