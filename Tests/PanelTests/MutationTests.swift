import ClusterModel
import Foundation
import Panel
import Testing

/// Whatever the bytes, reading ends with a table or with one sentence, never with a crash.
@Suite struct MutationTests {
    /// Flips, cuts, repeats, inserts or overwrites a few bytes, some of them by ones that mean something.
    private func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        let meaningful = Array(",\"\n\r-.e0919'(){}: ".utf8) + [0, 0x7F, 0x80, 0xFF, 0xC3, 0xEF, 0x1F, 0x8B]
        var out = bytes
        for _ in 0..<[1, 1, 1, 2, 4].randomElement(using: &generator)! {
            let at = out.isEmpty ? 0 : Int.random(in: 0..<out.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0 where !out.isEmpty: out[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1 where !out.isEmpty: out[at] = meaningful.randomElement(using: &generator)!
            case 2: out.insert(meaningful.randomElement(using: &generator)!, at: at)
            case 3: out.removeSubrange(at..<min(out.count, at + Int.random(in: 0...9, using: &generator)))
            case 4 where Bool.random(using: &generator): out.removeSubrange(at...)
            default: out.insert(contentsOf: out.prefix(at).suffix(Int.random(in: 0...30, using: &generator)), at: at)
            }
        }
        return out
    }

    /// Reads mutations of the seeds and counts what became of them.
    private func run(
        _ seeds: [[UInt8]], seed: UInt64, rounds: Int, _ read: ([UInt8]) throws -> PnLTable
    ) -> (read: Int, refused: Int) {
        var generator = SeededGenerator(seed)
        var counts = (read: 0, refused: 0)
        for round in 0..<rounds {
            let bytes = mutate(seeds[round % seeds.count], &generator)
            do {
                let table = try read(bytes)
                counts.read += 1
                check(table, round)
            } catch let error as GridError {
                counts.refused += 1
                #expect(error.message.hasPrefix("f.") && !error.message.contains("\n"), "round \(round): \(error)")
            } catch {
                Issue.record("round \(round): an error of another type: \(error)")
            }
        }
        return counts
    }

    /// What every table promises.
    private func check(_ table: PnLTable, _ round: Int) {
        let isWhole =
            table.dayCount >= 1 && !table.alphaIDs.isEmpty && table.dates.count == (table.dates.isEmpty ? 0 : table.dayCount)
            && table.alphaIDs.allSatisfy { AlphaIDRule.problem($0) == nil }
            && zip(table.dates, table.dates.dropFirst()).allSatisfy { $0 < $1 }
        #expect(isWhole, "round \(round)")
        do {
            _ = try Panel.build(from: table, blockEdge: 1 + round % 5)
        } catch {
            Issue.record("round \(round): no panel can be built: \(error)")
        }
    }

    @Test("Damaged CSV files are read or refused", arguments: 1...4)
    func csv(seed: UInt64) {
        let seeds = [
            "date,A,B\n2024-01-02,1.5,\n2024-01-03,-2,3e2\n2024-01-01,0,0.25\n",
            "\u{FEFF}date,\"A,1\",\"B\"\"\",C\r\n\"2024-01-02\",\"1\",,NaN\r\n\r\n2024-01-05,12345.678901234567,1,2\r\n",
            "alpha_id,date,pnl\nA,2024-01-02,1.5\nB,2024-01-02,2\nA,2024-01-03,\n\"B\",2024-01-05,9e9\n",
            "pnl,alpha_id,date\n1,x,2024-01-02\n2,y,2024-01-02\n",
        ]
        let counts = run(seeds.map { Array($0.utf8) }, seed: seed, rounds: 1_500, readCSV)
        // Both outcomes happen often, otherwise the damage is too small or too large to show anything.
        #expect(counts.read > 100 && counts.refused > 100, "\(counts)")
    }

    @Test("Damaged gzip files are read or refused", arguments: 1...2)
    func gzip(seed: UInt64) {
        let text = Array("date,A,B\n2024-01-02,1.5,\n2024-01-03,-2,3e2\n".utf8)
        let compressed = hex(
            "1f8b08000000000002034b492c49d571d471e232323032d13530d43530d231d433d541f08d75748d748c538db8002e07f17b2b000000")
        let counts = run([gzipStored(text), compressed], seed: seed, rounds: 1_000) { bytes in
            let text = try bytes.withUnsafeBytes { try Gzip.inflate($0, name: "f.csv.gz") }
            return try readCSV(copy(text))
        }
        #expect(counts.refused > 100, "\(counts)")
    }

    @Test("Damaged NPY files are read or refused", arguments: 1...2)
    func npy(seed: UInt64) {
        let data = (0..<6).flatMap { value in withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { Array($0) } }
        let seeds = [
            NPYHeader.encoded(precision: .float64, rows: 2, columns: 3) + data,
            NPYHeader.encoded(precision: .float32, rows: 4, columns: 3) + data,
        ]
        let counts = run(seeds, seed: seed, rounds: 1_500, readNPY)
        #expect(counts.read > 100 && counts.refused > 100, "\(counts)")
    }

    @Test("Damaged panel files are refused, also when the damage hides behind right hashes", arguments: 1...2)
    func panelFile(seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let whole = folder.path + "/whole.panel"
        let original = try panel(["c", "b", "a"], [[1, 2, 3], [nil, 5, 6], [7, nil, nil]], blockEdge: 2)
        try original.write(to: whole)
        let bytes = try bytes(of: whole)
        let header = try bytes.withUnsafeBytes { try PanelFileHeader(decoding: $0, name: "") }
        let metadata = Array(bytes[Int(header.metadataOffset)...])
        var generator = SeededGenerator(seed)
        var refused = 0
        for round in 0..<600 {
            var damaged = bytes
            switch round % 3 {
            case 0: damaged = mutate(bytes, &generator)
            case 1:
                let changed = mutate(metadata, &generator)
                var resealed = header
                resealed.metadataBytes = UInt64(changed.count)
                resealed.metadataHash = PanelHashing.hash(changed)
                damaged = resealed.encoded() + bytes[4_096..<Int(header.metadataOffset)] + changed
            default:
                var front = Array(bytes.prefix(112))
                front[Int.random(in: 12..<48, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                let hash = PanelHashing.hash(front).bytes
                damaged.replaceSubrange(0..<144, with: front + hash)
            }
            do {
                let read = try Panel.open(path: try folder.file("f.panel", damaged))
                #expect(read.content == original.content, "round \(round)")
            } catch let error as GridError {
                refused += 1
                #expect(error.message.contains("f.panel") && !error.message.contains("\n"), "round \(round): \(error)")
            }
        }
        #expect(refused > 400, "\(refused)")
    }
}
