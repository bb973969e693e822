import ClusterModel
import Panel
import Testing

@testable import Service

@Suite struct BlockRegistryTests {
    private func panel(days: Int, alphas: Int = 9) throws -> Panel {
        let dates = (0..<days).map { Day(rawValue: Int32(18_000 + $0)) }
        let builder = try PanelBuilder(alphaIDs: (0..<alphas).map { "a\($0)" }, dates: dates, blockEdge: 2)
        // Most alphas have no value at all, so that some blocks of nothing but missing values are the same.
        for day in 0..<days { builder.set(alpha: 0, day: day, value: Double(day)) }
        return try builder.finish()
    }

    private func copy(_ payload: Payload) -> [UInt8] { withExtendedLifetime(payload) { Array(payload.bytes) } }

    @Test("A part is there as long as one of the panels that have it, is its bytes, and goes with the last of them")
    func users() throws {
        let registry = BlockRegistry()
        let (old, new) = (try panel(days: 600), try panel(days: 601))
        let (shared, former) = (old.blockNames[0].parts[1], old.blockNames[0].parts[2])
        #expect(new.blockNames[0].parts[1] == shared)
        let hashes = new.blockNames.flatMap(\.parts)
        #expect(Set(hashes).count < hashes.count)
        registry.add(old)
        registry.add(new)
        registry.add(new)
        let oldGone = registry.remove(old)
        #expect(Set(oldGone) == Set(old.blockNames.flatMap(\.parts)).subtracting(new.blockNames.flatMap(\.parts)))
        #expect(registry.payload(former) == nil && registry.byteCount(former) == nil)
        #expect(registry.remove(new).isEmpty && registry.remove(old).isEmpty)
        for (block, name) in new.blockNames.enumerated() {
            for (part, hash) in name.parts.enumerated() {
                let payload = try #require(registry.payload(hash))
                #expect(registry.byteCount(hash) == payload.count)
                // Whoever asks while it is there gets the same.
                #expect(registry.payload(hash) === payload)
                #expect(copy(payload) == copy(new.partPayload(part, ofBlock: block)))
            }
        }
        let gone = registry.remove(new)
        #expect(Set(gone) == Set(new.blockNames.flatMap(\.parts)) && gone.count == Set(gone).count)
        #expect(registry.payload(shared) == nil)
    }

    @Test("The memory of a panel is let go with its last job, whoever else has the same parts")
    func memory() throws {
        let registry = BlockRegistry()
        var old: Panel? = try panel(days: 600)
        weak let former = old
        let new = try panel(days: 601)
        for panel in [old, new] { panel.map(registry.add) }
        _ = old.map(registry.remove)
        old = nil
        #expect(former == nil)
        let kept = try #require(registry.payload(new.blockNames[0].parts[0]))
        #expect(copy(kept) == copy(new.partPayload(0, ofBlock: 0)))
    }
}
