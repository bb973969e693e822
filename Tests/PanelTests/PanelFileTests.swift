import ClusterModel
import Foundation
import Panel
import Testing

@Suite struct PanelFileTests {
    private let folder: TemporaryFolder
    private let original: Panel
    private let path: String
    private let whole: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        // Odd sizes, so that blocks need padding: 5 alphas in blocks of 3, 7 dates.
        let values = (0..<5).map { (alpha: Int) -> [Double?] in
            (0..<7).map { (day: Int) -> Double? in day < alpha ? nil : Double(day * 10 + alpha) }
        }
        original = try panel(["e", "d", "c", "b", "a"], values, blockEdge: 3)
        path = folder.path + "/usa.panel"
        try original.write(to: path)
        whole = try bytes(of: path)
    }

    private var metadataOffset: Int { PanelFileHeader.byteCount + original.bytes }

    private func header() throws -> PanelFileHeader {
        try whole.withUnsafeBytes { try PanelFileHeader(decoding: $0, name: "usa.panel") }
    }

    /// What opening a file of these bytes says, without the folder it lies in.
    private func refusal(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let path = try folder.file("bad.panel", bytes)
        let sentence = message(sourceLocation: sourceLocation) { _ = try Panel.open(path: path) }
        #expect(sentence.contains(path), sourceLocation: sourceLocation)
        return sentence.replacing(path, with: "bad.panel")
    }

    /// The file with a header that says something else and whose hashes are right all the same.
    private func resealed(
        metadata: [UInt8]? = nil, _ change: (inout PanelFileHeader) -> Void = { _ in }
    ) throws -> [UInt8] {
        var header = try header()
        if let metadata {
            header.metadataBytes = UInt64(metadata.count)
            header.metadataHash = PanelHashing.hash(metadata)
        }
        change(&header)
        let blocks = whole[PanelFileHeader.byteCount..<metadataOffset]
        return header.encoded() + blocks + (metadata ?? Array(whole[metadataOffset...]))
    }

    @Test("A panel comes back from its file with everything it had")
    func roundTrip() throws {
        let read = try Panel.open(path: path)
        #expect(read.content == original.content)
        #expect(read.shape == original.shape)
        #expect(read.alphaIDs == original.alphaIDs)
        #expect(read.inputOrder == original.inputOrder)
        #expect(read.ranks == original.ranks)
        #expect(read.dates == original.dates)
        #expect(read.sampledAlphaCount == 5)
        #expect(read.blockHashes == original.blockHashes)
        #expect(read.seriesHashes == original.seriesHashes)
        #expect(read.contentHash == original.contentHash)
        for block in 0..<2 {
            let payload = read.blockPayload(block)
            #expect(copy(payload) == copy(original.blockPayload(block)))
            #expect(UInt(bitPattern: payload.bytes.baseAddress) % 64 == 0)
        }
        #expect(try folder.names() == ["usa.panel"])
    }

    @Test("A panel without dates comes back without dates")
    func withoutDates() throws {
        let npy = NPYHeader.encoded(precision: .float64, rows: 2, columns: 1) + hex("000000000000f83f000000000000f87f")
        let panel = try Panel.build(from: try readNPY(npy), blockEdge: 4)
        try panel.write(to: path)
        let read = try Panel.open(path: path)
        #expect(read.dates.isEmpty && read.content == panel.content && read.contentHash == panel.contentHash)
    }

    @Test("A mapped panel stays readable when its file is replaced or deleted")
    func replaced() throws {
        let read = try Panel.open(path: path)
        try panel(["x"], [[1]]).write(to: path)
        #expect(read.content == original.content)
        #expect(try Panel.open(path: path).alphaIDs == ["x"])
        try FileManager.default.removeItem(atPath: path)
        #expect(read.content == original.content)
    }

    @Test("Files that are no panel are refused")
    func otherFiles() throws {
        let missing = folder.path + "/none.panel"
        #expect(message { _ = try Panel.open(path: missing) } == "\(missing) cannot be opened: No such file or directory")
        #expect(try refusal([]) == "bad.panel is not a panel file")
        #expect(try refusal(Array("date,A\n2024-01-01,1\n".utf8)) == "bad.panel is not a panel file")
    }

    @Test("A file of a later version says so")
    func version() throws {
        var bytes = whole
        bytes[8] = 4
        #expect(try refusal(bytes) == "bad.panel is a panel file of version 4: this program reads version 3")
    }

    @Test("A file cut short anywhere is refused, and so is one with bytes behind its end")
    func truncated() throws {
        for length in Array(stride(from: 8, to: whole.count, by: 37)) + [4_095, 4_096, metadataOffset, whole.count - 1] {
            let expected =
                length < PanelFileHeader.byteCount
                ? "panel file bad.panel is damaged: it ends in its header"
                : "panel file bad.panel is damaged: it is truncated at byte \(length)"
            #expect(try refusal(Array(whole.prefix(length))) == expected)
        }
        #expect(try refusal(whole + [0]) == "panel file bad.panel is damaged: it has bytes behind its metadata")
    }

    @Test("A flipped bit anywhere is found, and the message says where")
    func flippedBit() throws {
        // Bytes between a block's end and the next multiple of 64 are padding, which nobody reads.
        let shape = original.shape
        var positions = Array(0..<150) + Array(stride(from: 150, to: whole.count, by: 29))
        positions += [metadataOffset, whole.count - 1]
        for position in positions {
            let inBlocks = position - PanelFileHeader.byteCount
            if (0..<original.bytes).contains(inBlocks) && inBlocks % shape.blockStride >= shape.blockBytes { continue }
            var bytes = whole
            bytes[position] ^= 1 << UInt8(position % 8)
            let place: String =
                switch position {
                case 0..<8: "bad.panel is not a panel file"
                case 8..<12: "this program reads version 3"
                case 12..<PanelFileHeader.byteCount: "its header does not match its hash"
                case metadataOffset...: "its metadata does not match its hash"
                default: "block \(inBlocks / shape.blockStride) does not match its hash"
                }
            #expect(try refusal(bytes).hasSuffix(place), "byte \(position)")
        }
    }

    @Test("A header whose fields contradict each other is refused even when its hash is right")
    func contradictions() throws {
        let wrong: [(String, (inout PanelFileHeader) -> Void)] = [
            ("its header has 0 alphas: expected 1 to 1048576", { $0.alphaCount = 0 }),
            ("its header has 4294967295 alphas: expected 1 to 1048576", { $0.alphaCount = .max }),
            ("its header has 0 dates: expected 1 to 20000", { $0.dayCount = 0 }),
            ("its header has 20001 dates: expected 1 to 20000", { $0.dayCount = 20_001 }),
            ("its header has 0 alphas per block: expected 1 to 2048", { $0.blockEdge = 0 }),
            ("its header has 4096 alphas per block: expected 1 to 2048", { $0.blockEdge = 4_096 }),
            ("its header has 3 of 7 dates", { $0.dateCount = 3 }),
            ("its header has 6 sampled of 5 alphas", { $0.sampledAlphaCount = 6 }),
            ("its header has 1 blocks of 3 for 5 alphas", { $0.blockCount = 1 }),
            ("its header has 6 blocks of 3 for 5 alphas", { $0.blockCount = 6 }),
            ("its metadata begins at byte 0, its blocks end at \(metadataOffset)", { $0.metadataOffset = 0 }),
            ("its metadata begins at byte \(metadataOffset), its blocks end at 4608", { ($0.dayCount, $0.dateCount) = (9, 9) }),
            ("it is truncated at byte \(whole.count)", { $0.metadataBytes = .max }),
            ("it has bytes behind its metadata", { $0.metadataBytes -= 1 }),
            ("its metadata does not match its hash", { $0.metadataHash = $0.contentHash }),
            ("its content does not match its hash", { $0.contentHash = $0.metadataHash }),
        ]
        for (what, change) in wrong {
            let sentence = try refusal(try resealed(change))
            #expect(sentence.hasPrefix("panel file bad.panel is damaged: "))
            #expect(sentence.hasSuffix(what), "\(sentence)")
        }
        #expect(try Panel.open(path: try folder.file("good.panel", try resealed())).content == original.content)
    }

    @Test("Metadata that makes no sense is refused even when its hash is right")
    func badMetadata() throws {
        let metadata = Array(whole[metadataOffset...])
        // Alphas of 2 blocks, 7 dates, then 5 ids of one letter (3 bytes each), 1 byte to align, then the input order.
        let ids = (2 + 7) * 4
        let inputOrder = (ids + 5 * 3 + 3) / 4 * 4
        var changes: [(String, [UInt8])] = []
        func change(_ what: String, _ position: Int, _ byte: UInt8) {
            var bytes = metadata
            bytes[position] = byte
            changes.append((what, bytes))
        }
        change("panel file bad.panel is damaged: its metadata has 4 alphas in block 0: expected 1 to 3", 0, 4)
        change("panel file bad.panel is damaged: its metadata has 0 alphas in block 1: expected 1 to 3", 4, 0)
        change("panel file bad.panel is damaged: its blocks have 4 alphas, its header 5", 4, 1)
        change("panel file bad.panel is damaged: its dates are not ascending", 12, metadata[8])
        change("panel file bad.panel is damaged: alpha id '?' contains a control character", ids + 2, 7)
        change("panel file bad.panel is damaged: alpha id '\(original.alphaIDs[1])' occurs twice", ids + 2, metadata[ids + 5])
        change("panel file bad.panel is damaged: its input order is not a permutation", inputOrder, metadata[inputOrder + 4])
        change("panel file bad.panel is damaged: its input order is not a permutation", inputOrder + 3, 255)
        change("panel file bad.panel is damaged: block 0 does not match its hash", inputOrder + 20, metadata[inputOrder + 20] ^ 1)
        change("panel file bad.panel is damaged: its content does not match its hash", metadata.count - 1, metadata.last! ^ 1)
        for (what, bytes) in changes { #expect(try refusal(try resealed(metadata: bytes)) == what) }
        #expect(try refusal(try resealed(metadata: metadata + [0])).hasSuffix(": 1 bytes too many"))
        let short = try refusal(try resealed(metadata: Array(metadata.prefix(40))))
        #expect(short.hasPrefix("panel file bad.panel is damaged: malformed metadata at byte "))
    }

    @Test("A failed write leaves the old file as it was")
    func failedWrite() throws {
        #expect(message { try original.write(to: folder.path) } == "\(folder.path) is a directory: expected a file")
        let nowhere = folder.path + "/no/where.panel"
        #expect(message { try original.write(to: nowhere) } == "\(nowhere) cannot be opened: No such file or directory")
        #expect(try bytes(of: path) == whole)
    }
}
