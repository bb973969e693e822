import ClusterModel
import Foundation
import Testing

@testable import Panel

@Suite struct RefreshTests {
    /// Values by id; nil = missing.
    private func made(_ content: [String: [Double?]], blockEdge: Int = 4) throws -> Panel {
        let ids = content.keys.sorted()
        return try panel(ids, ids.map { content[$0] ?? [] }, blockEdge: blockEdge)
    }

    private func content(_ ids: [String], days: Int, seed: UInt64) -> [String: [Double?]] {
        var random = SeededGenerator(seed)
        var out: [String: [Double?]] = [:]
        for id in ids {
            out[id] = (0..<days).map { _ in
                Int.random(in: 0..<5, using: &random) == 0 ? nil : Double.random(in: -9...9, using: &random)
            }
        }
        return out
    }

    /// Refreshes `old` to what `new` says, setting the values the builder does not have.
    private func refreshed(
        _ old: Panel, _ new: [String: [Double?]], days: Int, stale: Set<String>, staleFrom: Day? = nil
    ) throws -> Panel {
        let ids = new.keys.sorted()
        let known = Set(old.alphaIDs)
        let positions = Set(ids.indices.filter { stale.contains(ids[$0]) })
        let builder = try PanelBuilder(
            refreshing: old, alphaIDs: ids, dates: dates(days), stale: positions, staleFrom: staleFrom)
        for (alpha, id) in ids.enumerated() {
            for (day, value) in (new[id] ?? []).enumerated() {
                let isMissing = stale.contains(id) || !known.contains(id) || staleFrom.map { dates(days)[day] >= $0 } ?? false
                if isMissing, let value { builder.set(alpha: alpha, day: day, value: value) }
            }
        }
        return try builder.finish()
    }

    @Test("Added alphas get a block of their own behind the others, which keep their places, bytes and hashes")
    func append() throws {
        var values = content(["a", "b", "c", "d", "e", "f"], days: 9, seed: 1)
        let old = try made(values)
        #expect(old.blockCount == 2 && old.alphas(inBlock: 1) == 4..<6)
        values.merge(content(["x", "y", "z", "u", "v"], days: 9, seed: 2)) { $1 }
        let new = try refreshed(old, values, days: 9, stale: [])
        #expect(new.shape.blockStarts == [0, 4, 6, 10, 11])
        #expect(Array(new.alphaIDs.prefix(6)) == old.alphaIDs)
        #expect(Array(new.blockHashes.prefix(2)) == old.blockHashes)
        #expect(new.sampledAlphaCount == 6)
        #expect(new.content == values)
        // What it says is what a fresh panel says; the input order is the ids'.
        #expect(new.contentHash == (try made(values)).contentHash)
        #expect(new.inputOrder.map { new.alphaIDs[$0] } == values.keys.sorted())
        for (position, id) in new.alphaIDs.enumerated() { #expect(new.alpha(withID: id) == position) }
        // The order of the added ones depends on their ids alone.
        #expect(Array(new.alphaIDs.suffix(5)) == (try made(values.filter { "uvxyz".contains($0.key) })).alphaIDs)
        // Padding behind a part-filled block is missing.
        #expect(new.block(1).suffix(2 * 9).allSatisfy(\.isNaN) && new.block(3).suffix(3 * 9).allSatisfy(\.isNaN))
        for block in 0..<4 {
            let bytes = UnsafeRawBufferPointer(new.block(block))
            #expect(PanelHashing.hash(bytes) == new.blockHashes[block])
        }
    }

    @Test("A panel with part-filled blocks comes back from its file with everything it had")
    func file() throws {
        let folder = try TemporaryFolder()
        let first = content(["a", "b", "c", "d", "e"], days: 3, seed: 3)
        let all = first.merging(content(["k", "l"], days: 3, seed: 4)) { $1 }
        let panel = try refreshed(try made(first), all, days: 3, stale: [])
        #expect(panel.shape.blockStarts == [0, 4, 5, 7])
        let path = folder.path + "/p.panel"
        try panel.write(to: path)
        let read = try Panel.open(path: path)
        #expect(read.shape == panel.shape && read.alphaIDs == panel.alphaIDs && read.content == all)
        #expect(read.blockHashes == panel.blockHashes && read.contentHash == panel.contentHash)
        #expect(read.sampledAlphaCount == 5)
    }

    @Test("A revised alpha keeps its place, and only its block changes")
    func revised() throws {
        var values = content((0..<11).map { "a\($0)" }, days: 5, seed: 5)
        let old = try made(values)
        values["a7"] = [1, nil, nil, 4, -0.0]
        let new = try refreshed(old, values, days: 5, stale: ["a7"])
        let block = old.shape.block(ofAlpha: try #require(old.alpha(withID: "a7")))
        #expect(new.alphaIDs == old.alphaIDs && new.shape == old.shape)
        for index in 0..<3 { #expect((new.blockHashes[index] == old.blockHashes[index]) == (index != block)) }
        #expect(new.contentHash == (try made(values)).contentHash)
    }

    @Test("New dates, a gone alpha or too many part-filled blocks make a layout as good as new")
    func fresh() throws {
        let ids = (0..<10).map { "a\($0)" }
        let values = content(ids, days: 6, seed: 6)
        let old = try made(values)
        let longer = values.mapValues { Array($0.prefix(4)) + [7, nil, 9] }
        let withDays = try refreshed(old, longer, days: 7, stale: [], staleFrom: dates(7)[4])
        let longerFresh = try made(longer)
        #expect(withDays.blockHashes == longerFresh.blockHashes && withDays.contentHash == longerFresh.contentHash)
        let fewer = values.filter { $0.key != "a3" }
        let without = try refreshed(old, fewer, days: 6, stale: [])
        let fewerFresh = try made(fewer)
        #expect(without.blockHashes == fewerFresh.blockHashes && without.sampledAlphaCount == 9)
        var panel = old
        var all = values
        var counts: [Int] = []
        for number in 0..<7 {
            all["b\(number)"] = [1, 2, 3, 4, 5, Double(number)]
            panel = try refreshed(panel, all, days: 6, stale: [])
            #expect(panel.contentHash == (try made(all)).contentHash)
            counts.append(panel.blockCount)
        }
        // 10 alphas in 3 blocks; at most 4 more blocks than a fresh layout has, then as many as that.
        #expect(counts == [4, 5, 6, 7, 8, 4, 5])
    }

    @Test("A new day changes the last part of every block, a revised value the part of its day and block alone")
    func parts() throws {
        let ids = (0..<10).map { "a\($0)" }
        var values = content(ids, days: 513, seed: 7)
        let old = try made(values)
        values = values.mapValues { $0 + [3] }
        let longer = try refreshed(old, values, days: 514, stale: [], staleFrom: dates(514)[513])
        for (name, former) in zip(longer.blockNames, old.blockNames) {
            #expect(Array(name.parts.prefix(2)) == Array(former.parts.prefix(2)) && name.parts.count == 3)
            #expect(name.parts[2] != former.parts[2] && name.hash != former.hash)
        }
        values["a3"]?[300] = 17
        let revised = try refreshed(longer, values, days: 514, stale: ["a3"])
        let block = longer.shape.block(ofAlpha: try #require(longer.alpha(withID: "a3")))
        for index in 0..<3 {
            let isSame = zip(revised.blockNames[index].parts, longer.blockNames[index].parts).map(==)
            #expect(isSame == [true, index != block, true])
        }
        #expect(revised.contentHash == (try made(values)).contentHash)
    }

    @Test(
        "Days that come or go in the middle move all behind them, whatever part they are in",
        arguments: [0, 10, 255, 256, 300, 599])
    func middle(day: Int) throws {
        let ids = (0..<7).map { "a\($0)" }
        let all = content(ids, days: 600, seed: 8)
        let fewer = all.mapValues { Array($0.prefix(day) + $0.dropFirst(day + 1)) }
        let days = Array(dates(600).prefix(day) + dates(600).dropFirst(day + 1))
        func made(_ values: [String: [Double?]], _ days: [Day], from builder: PanelBuilder, setting range: Range<Int>) throws
            -> Panel
        {
            for (alpha, id) in ids.enumerated() {
                for index in range { if let value = values[id]?[index] { builder.set(alpha: alpha, day: index, value: value) } }
            }
            return try builder.finish()
        }
        let whole = try made(
            all, dates(600), from: PanelBuilder(alphaIDs: ids, dates: dates(600), blockEdge: 4), setting: 0..<600)
        let cut = try made(fewer, days, from: PanelBuilder(alphaIDs: ids, dates: days, blockEdge: 4), setting: 0..<599)
        let less = try made(
            fewer, days, from: PanelBuilder(refreshing: whole, alphaIDs: ids, dates: days, stale: []), setting: 0..<0)
        #expect(less.contentHash == cut.contentHash && less.blockNames == cut.blockNames)
        let more = try made(
            all, dates(600), from: PanelBuilder(refreshing: cut, alphaIDs: ids, dates: dates(600), stale: []),
            setting: day..<(day + 1))
        #expect(more.contentHash == whole.contentHash && more.blockNames == whole.blockNames)
    }

    @Test("Whatever changes, a refreshed panel is the one made from scratch", arguments: 0..<40 as Range<UInt64>)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let edge = Int.random(in: 1...5, using: &random)
        // Every second one has blocks of several parts, and days that come and go around where a part ends.
        let isLong = seed % 2 == 1
        var days = Int.random(in: 2...8, using: &random) + (isLong ? 508 : 0)
        var values = content((0..<Int.random(in: 1...12, using: &random)).map { "s\($0)" }, days: days, seed: seed + 100)
        var panel = try made(values, blockEdge: edge)
        for step in 0..<8 {
            var stale: Set<String> = []
            var from: Day?
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                values.merge(content(["n\(step)", "m\(step)"], days: days, seed: seed * 10 + UInt64(step))) { $1 }
            case 1:
                let id = values.keys.sorted()[Int.random(in: 0..<values.count, using: &random)]
                values[id] = content([id], days: days, seed: seed * 10 + UInt64(step))[id]
                stale = [id]
            case 2 where values.count > 1:
                values[values.keys.sorted()[Int.random(in: 0..<values.count, using: &random)]] = nil
            default:
                let first = Int.random(in: (isLong && step % 3 > 0 ? days - 4 : 0)...days, using: &random)
                days = max(2, first) + Int.random(in: 0...2, using: &random)
                from = Day(rawValue: dates(1)[0].rawValue + Int32(min(first, days)))
                let new = content(values.keys.sorted(), days: days, seed: seed * 10 + UInt64(step))
                for (id, series) in new {
                    let kept = Array((values[id] ?? []).prefix(first))
                    values[id] = kept + Array(series.dropFirst(kept.count))
                }
            }
            panel = try refreshed(panel, values, days: days, stale: stale, staleFrom: from)
            let scratch = try made(values, blockEdge: edge)
            #expect(panel.contentHash == scratch.contentHash, "seed \(seed), step \(step)")
            #expect(panel.content == values)
            for (block, name) in panel.blockNames.enumerated() {
                let parts = name.parts.indices.map { panel.partPayload($0, ofBlock: block) }
                #expect(parts.map { payload in PanelHashing.hash(Array(payload.bytes)) } == name.parts)
                #expect(PanelHashing.joined(name.parts[...]) == name.hash)
                withExtendedLifetime(parts) {}
            }
        }
    }
}
