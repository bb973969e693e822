import ClusterModel
import Foundation
import FuzzTargets
import Testing

/// The targets of `Scripts/fuzz` without its sanitizers: what was found once, and a few thousand inputs made here.
@Suite(.serialized) struct CorpusTests {
    @Test("What every target calls valid is taken for valid", arguments: FuzzTargets.all.map { $0.name })
    func seeds(name: String) throws {
        let target = try #require(FuzzTargets.named(name))
        let seeds = try target.seeds()
        #expect(!seeds.isEmpty)
        for (number, seed) in seeds.enumerated() {
            // Lies are seeds too, and most are seen through.
            let isValid = try target.check(seed)
            #expect(isValid || name == "partials", "seed \(number)")
        }
    }

    @Test("Inputs that once broke something break nothing", arguments: FuzzTargets.all.map { $0.name })
    func found(name: String) throws {
        let target = try #require(FuzzTargets.named(name))
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "found/\(name)")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for file in files.sorted() {
            let input = try Data(contentsOf: folder.appending(path: file))
            do { _ = try target.check(Array(input)) } catch { Issue.record("\(name)/\(file): \(error)") }
        }
    }

    @Test("Damaged inputs are taken or refused, and both happen", arguments: FuzzTargets.all.map { $0.name })
    func mutations(name: String) throws {
        let target = try #require(FuzzTargets.named(name))
        let seeds = try target.seeds()
        var generator = SeededGenerator(seed: 77)
        var counts = (taken: 0, refused: 0)
        for round in 0..<Self.rounds(name) {
            let input = mutate(seeds[round % seeds.count], seeds[generator.below(seeds.count)], &generator)
            do {
                if try target.check(input) { counts.taken += 1 } else { counts.refused += 1 }
            } catch {
                Issue.record("round \(round): \(error): \(input)")
                return
            }
        }
        #expect(counts.taken > 5 && counts.refused > 5, "\(counts)")
    }

    /// About a second each in a debug build.
    private static func rounds(_ name: String) -> Int {
        switch name {
        case "partials", "work": 150
        case "panel", "state", "scheduler": 300
        default: 1_000
        }
    }

    /// Flips, overwrites, cuts, inserts, repeats, or joins two inputs, a few times over.
    private func mutate(_ bytes: [UInt8], _ other: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        let telling = Array(",\"\n\r-.e09'(){}[]: ".utf8) + [0, 1, 0x7F, 0x80, 0xFF, 0xC3, 0xEF, 0x1F]
        var out = bytes
        for _ in 0..<(1 + generator.below(3)) where !out.isEmpty {
            let at = generator.below(out.count)
            switch generator.below(7) {
            case 0: out[at] ^= 1 << UInt8(generator.below(8))
            case 1: out[at] = telling[generator.below(telling.count)]
            case 2: out.insert(telling[generator.below(telling.count)], at: at)
            case 3: out.removeSubrange(at..<min(out.count, at + 1 + generator.below(9)))
            case 4: out.insert(contentsOf: out.prefix(at).suffix(generator.below(30)), at: at)
            case 5: out = Array(out.prefix(at)) + other.suffix(generator.below(other.count + 1))
            default: out.removeSubrange(at...)
            }
        }
        return out
    }
}
