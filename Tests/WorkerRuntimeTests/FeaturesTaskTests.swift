import ClusterModel
import Foundation
import Kernels
import Panel
import Testing

@testable import WorkerRuntime

@Suite struct FeaturesTaskTests {
    /// Blocks of zeros, of another size than was asked for.
    private struct ShortBlocks: BlockSource {
        func block(_ name: BlockName, _ size: BlockSize) throws(GridError) -> Payload {
            Payload(count: size.byteCount - 8) { _ in }
        }
    }

    private func task(_ panel: Panel, firstDay: Int = 0, isDaily: Bool = false) -> FeatureTask {
        FeatureTask(
            blockEdge: panel.blockEdge, dayCount: panel.dayCount, firstDay: firstDay, isDaily: isDaily,
            dates: panel.dates.map(\.rawValue),
            blocks: (0..<panel.blockCount).map { block in
                FeatureTask.Block(
                    index: UInt32(block), name: panel.blockNames[block], alphaCount: panel.alphas(inBlock: block).count)
            })
    }

    @Test("A features task without any socket gives the features of every alpha of its blocks", arguments: [false, true])
    func features(isDaily: Bool) throws {
        let panel = try SmallPanel().panel
        let executor = TaskExecutor(source: PanelBlocks([panel]), cache: BlockCache(bytesMax: 1 << 20))
        let payload = Payload(copying: task(panel, firstDay: 5, isDaily: isDaily).encoded())
        executor.prefetch(kind: "features", payload: payload)
        let outcome = try executor.makeSlot().run(kind: "features", payload: payload)
        let partial = try FeaturePartial(decoding: outcome.payload)
        #expect(partial.blocks.map { Int($0.index) } == Array(0..<panel.blockCount))
        let found = partial.blocks.flatMap(\.values)
        for alpha in 0..<panel.alphaCount {
            let series = Array(panel.series(alpha))
            // The mean by its definition; the rest is for the kernel's own tests.
            var (last, daily) = (Double.nan, [Double]())
            for (day, value) in series.enumerated() where !value.isNaN {
                let change = isDaily ? value : value - last
                if day >= 5, !change.isNaN { daily.append(change) }
                last = value
            }
            let values = found[(alpha * AlphaFeature.count)..<((alpha + 1) * AlphaFeature.count)]
            let row = AlphaFeatureRow(alphaID: panel.alphaIDs[alpha], values: Array(values))
            #expect(row[.dayCount] == Double(daily.count))
            let mean = daily.reduce(0, +) / Double(daily.count) / 1e7
            #expect(abs(try #require(row[.meanReturn]) - mean) <= 1e-12 * abs(mean) + 1e-18)
        }
        #expect(outcome.computeSeconds >= 0 && outcome.flops == 0)
    }

    @Test("A block of another size than the task expects fails the task with a sentence")
    func wrongBlock() throws {
        let panel = try SmallPanel().panel
        let slot = TaskExecutor(source: ShortBlocks(), cache: BlockCache(bytesMax: 1 << 20)).makeSlot()
        let payload = Payload(copying: task(panel).encoded())
        let error = #expect(throws: GridError.self) { _ = try slot.run(kind: "features", payload: payload) }
        #expect(error?.message.contains("the task expects") == true)
        #expect(throws: GridError.self) { _ = try slot.run(kind: "features", payload: Payload(copying: [1, 2, 3])) }
    }
}
