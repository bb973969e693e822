import ClusterModel
import Dispatch
import Panel
import Testing

@Suite struct PanelTests {
    private let ids = ["b", "A", "é"]
    private let values: [[Double?]] = [[1.5, nil], [-0.0, 2], [nil, nil]]

    @Test("Alphas stand in the order of the documented hash, which an independent program gives too")
    func layout() throws {
        // FNV-1a and SplitMix64's finaliser, computed in Python.
        let known: [(String, UInt64)] = [
            ("A", 0x1FCD_1AC0_7BB3_0C63), ("b", 0x56F6_A47E_3092_3664), ("é", 0x6E24_11EB_6850_90BA),
            ("A000001", 0x9A13_46F4_6280_3287),
        ]
        for (id, hash) in known {
            var id = id
            #expect(id.withUTF8 { AlphaIDRule.hash($0) } == hash)
        }
        let names = (1...8).map { "A00000\($0)" }
        let panel = try panel(names.reversed(), (0..<8).map { [Double($0)] })
        #expect(
            panel.alphaIDs == ["A000005", "A000004", "A000008", "A000002", "A000003", "A000007", "A000001", "A000006"])
        #expect(panel.inputOrder.map { panel.alphaIDs[$0] } == names.reversed())
        #expect(panel.sampledAlphaCount == 8)
    }

    @Test("The first block samples the alphas evenly: names numbered in order are spread over the whole range")
    func sample() throws {
        let count = 2_000
        let panel = try panel((0..<count).map { "A\($0)" }, Array(repeating: [1], count: count), blockEdge: 250)
        let numbers = panel.alphaIDs.prefix(250).compactMap { Int($0.dropFirst()) }
        // 250 uniform numbers below 2,000: mean 1,000 with standard error 36, a quarter of them in each quarter +- 7.
        let mean = Double(numbers.reduce(0, +)) / 250
        #expect((890...1_110).contains(mean))
        for quarter in 0..<4 {
            #expect((40...85).contains(numbers.filter { $0 / 500 == quarter }.count))
        }
    }

    @Test("Blocks hold their alphas' series, then missing ones, and hash to what an independent program gives")
    func blocks() throws {
        let panel = try panel(ids, values, blockEdge: 2)
        #expect(panel.alphaIDs == ["A", "b", "é"])
        #expect(panel.blockCount == 2 && panel.alphaCount == 3 && panel.dayCount == 2)
        #expect(optional(panel.block(0)) == [0, 2, 1.5, nil])
        #expect(optional(panel.block(1)) == [nil, nil, nil, nil])
        #expect(panel.alphas(inBlock: 0) == 0..<2 && panel.alphas(inBlock: 1) == 2..<3)
        // hashlib.sha256 over the little-endian values, NaN as 0x7FF8000000000000, 0 for -0.
        #expect(panel.blockHashes[0].description == "2ee5a5aafd3459816091722ad7d12392449bf6570e62c8a82ea90b1b5f3bf898")
        #expect(panel.blockHashes[1].description == "947540360b0cd8d6212e6c72a37481fc1a765d78e9ee34da3f2498b083e1fb60")
        withExtendedLifetime(panel) {}
    }

    @Test("Blocks of many days are hashed in parts of 256 days, as an independent program does it")
    func parts() throws {
        let days = 600
        let values = ids.indices.map { alpha in
            (0..<days).map { day -> Double? in
                if (alpha + day) % 7 == 0 { return nil }
                return Double(alpha) * 1_000 + Double(day) * 0.5
            }
        }
        let panel: Panel = try panel(ids, values, blockEdge: 2)
        // hashlib.sha256 over days 0 to 255 of the block's first series, then of the next; then 256 to 511, and the rest.
        #expect(panel.blockNames.map(\.parts.count) == [3, 3])
        #expect(panel.blockNames[0].parts[0].description == "eba50c901db19cd34fc1d51fe42a607e3f8c8ed5d1dda6d97d3f8e0dc0e67054")
        #expect(panel.blockNames[0].parts[2].description == "d212a594208bab3c6d051a8bd2295e714730d76314b62052e17bb5b1a2126cd3")
        #expect(panel.blockNames[1].parts[1].description == "3a466021c2a5ec30e072cabbd62f6d1630e832a93cc58db751a18aa9d93fead5")
        #expect(panel.blockHashes[0].description == "0076f93ccd92c8b8796668aa5f7645633c987fb55b6bfcf6f95c676e665aa52e")
        #expect(panel.contentHash.description == "64ffab23656da8b8922cf2f55c9f502e54c042dc526de752167133f10ddcd9f9")
        for (block, name) in panel.blockNames.enumerated() {
            let parts = name.parts.indices.map { panel.partPayload($0, ofBlock: block) }
            #expect(parts.map { PanelHashing.hash($0.bytes) } == name.parts)
            let size = panel.shape.blockSize
            #expect(parts.map(\.count) == [4_096, 4_096, 1_408] && size.byteCount == 9_600)
            let joined = size.join(parts)
            #expect(joined.bytes.elementsEqual(panel.blockPayload(block).bytes))
            #expect(UInt(bitPattern: joined.bytes.baseAddress) % 64 == 0)
            withExtendedLifetime((panel, parts, joined)) {}
        }
    }

    @Test("The content hash is that of the documented bytes, computed in Python, with and without dates")
    func contentHash() throws {
        let builder = try PanelBuilder(
            alphaIDs: ids, dates: [Day(rawValue: 19_782), Day(rawValue: 19_783)], blockEdge: 2)
        builder.set(alpha: 0, day: 0, value: 1.5)
        builder.set(alpha: 1, day: 0, value: -0.0)
        builder.set(alpha: 1, day: 1, value: 2)
        #expect(
            try builder.finish().contentHash.description
                == "ec16a849fabe70f15c2754f554a4826b492df20cb98a16d0ac07e215ac1873cf")
    }

    @Test("Order of input, size of blocks and bits of missing values do not change the content hash; anything else does")
    func contentHashDependsOnContent() throws {
        let base = try panel(ids, values)
        let same = [
            try panel(["é", "b", "A"], [[nil, nil], [1.5, nil], [0, 2]], blockEdge: 1),
            try panel(["A", "é", "b"], [[0, 2], [nil, Double.signalingNaN], [1.5, -Double.nan]], blockEdge: 64),
        ]
        for other in same { #expect(other.contentHash == base.contentHash) }
        let different = [
            try panel(ids, [[1.5, nil], [0, 2], [nil, 0]]), try panel(ids, [[1.5, nil], [0, 2.0000000000000004], [nil, nil]]),
            try panel(["b", "A", "e"], values), try panel(["A", "b", "é"], values),
            try panel(["b", "A"], Array(values.prefix(2))), try panel(ids, values.map { $0 + [nil] }),
            try Panel.build(from: try readCSV("date,b,A,é\n2024-01-01,1.5,0,\n2024-01-03,,2,\n"), blockEdge: 4),
        ]
        var hashes = Set(different.map(\.contentHash))
        hashes.insert(base.contentHash)
        #expect(hashes.count == different.count + 1)
    }

    @Test("Ranks are the bytewise order of ids: capitals first, letters with accents last, long common beginnings told apart")
    func ranks() throws {
        let sorted = [
            "A", "A0", "A00", "B", "Z", "a", "aaaaaaaaaaaaaaaaX", "aaaaaaaaaaaaaaaaX1", "aaaaaaaaaaaaaaaaY", "aaaaaaab",
            "e\u{301}", "z", "\u{E9}",
        ]
        let panel = try panel(sorted.reversed(), Array(repeating: [1], count: sorted.count))
        #expect(panel.idOrder.map { panel.alphaIDs[Int($0)] } == sorted)
        for (alpha, id) in panel.alphaIDs.enumerated() {
            #expect(sorted[Int(panel.ranks[alpha])].utf8.elementsEqual(id.utf8))
            #expect(panel.alpha(withID: id) == alpha)
        }
        for id in ["", "0", "A000", "aaaaaaaaaaaaaaaaXX", "{", "\u{EA}"] { #expect(panel.alpha(withID: id) == nil) }
    }

    @Test("A table read from a file keeps its values and order in blocks of any size", arguments: [1, 3, 7, 64])
    func build(edge: Int) throws {
        var generator = SeededGenerator(UInt64(edge))
        let count = 150
        let rows = (0..<5).map { day in
            "2024-01-0\(day + 1),"
                + (0..<count).map { _ in Bool.random(using: &generator) ? "" : "\(generator.next() % 999)" }
                .joined(separator: ",")
        }
        let header = "date," + (0..<count).map { "A\($0)" }.joined(separator: ",")
        let table = try readCSV(([header] + rows).joined(separator: "\n"))
        let panel = try Panel.build(from: table, blockEdge: edge)
        #expect(panel.content == table.content)
        #expect(panel.inputOrder.map { panel.alphaIDs[$0] } == table.alphaIDs)
        #expect(panel.dates == table.dates)
        #expect(panel.blockCount == (count + edge - 1) / edge)
        #expect(panel.bytes == panel.blockCount * ((edge * 5 * 8 + 63) / 64 * 64))
        for block in 0..<panel.blockCount {
            let payload = panel.blockPayload(block)
            #expect(payload.count == edge * 5 * 8)
            #expect(UInt(bitPattern: payload.bytes.baseAddress) % 64 == 0)
            #expect(PanelHashing.hash(copy(payload)) == panel.blockHashes[block])
        }
    }

    @Test("A table without dates makes a panel without dates")
    func withoutDates() throws {
        let npy = NPYHeader.encoded(precision: .float64, rows: 2, columns: 1) + hex("000000000000f83f000000000000f87f")
        let panel = try Panel.build(from: try readNPY(npy), blockEdge: 2)
        #expect(panel.dates.isEmpty && panel.dayCount == 2)
        #expect(panel.defaultWindow == .all)
        #expect(panel.content == ["A000001": [1.5, nil]])
    }

    @Test("Threads that fill different alphas make the panel that one thread makes")
    func concurrentBuilding() throws {
        let count = 200
        let days = 50
        let names = (0..<count).map { "alpha \($0)" }
        let builder = try PanelBuilder(alphaIDs: names, dates: dates(days), blockEdge: 16)
        DispatchQueue.concurrentPerform(iterations: count) { alpha in
            for day in stride(from: alpha % 3, to: days, by: 1 + alpha % 2) {
                builder.set(alpha: alpha, day: day, value: Double(alpha * days + day))
            }
        }
        let expected: [[Double?]] = (0..<count).map { alpha in
            (0..<days).map { day in
                day >= alpha % 3 && (day - alpha % 3) % (1 + alpha % 2) == 0 ? Double(alpha * days + day) : nil
            }
        }
        let concurrent = try builder.finish()
        #expect(concurrent.content == Dictionary(uniqueKeysWithValues: zip(names, expected)))
        #expect(concurrent.blockHashes == (try panel(names, expected, blockEdge: 16)).blockHashes)
    }

    @Test("A payload keeps its block readable when nobody holds the panel any more")
    func payloadKeepsPanel() throws {
        weak var weakPanel: Panel?
        var payload: Payload?
        do {
            let panel = try panel(["A", "B"], [[1, 2, 3], [4, 5, 6]])
            weakPanel = panel
            payload = panel.blockPayload(0)
        }
        #expect(weakPanel != nil)
        let doubles = try #require(payload.map { copy($0) }).withUnsafeBytes { Array($0.assumingMemoryBound(to: Double.self)) }
        #expect(Set(doubles.prefix(6)) == [1, 2, 3, 4, 5, 6])
        payload = nil
        #expect(weakPanel == nil)
    }

    @Test("A builder refuses what no panel can be made of, in one sentence")
    func refused() {
        func refusal(_ ids: [String], _ dates: [Day], _ edge: Int = 4) -> String {
            message { _ = try PanelBuilder(alphaIDs: ids, dates: dates, blockEdge: edge) }
        }
        let day = Day(rawValue: 0)
        #expect(refusal([], [day]) == "the panel has 0 alphas: expected 1 to \(Limits.alphasMax)")
        #expect(refusal(["A"], []) == "the panel has 0 dates: expected 1 to \(Limits.daysMax)")
        #expect(refusal(["A"], dates(Limits.daysMax + 1)) == "the panel has 20001 dates: expected 1 to 20000")
        #expect(refusal(["A"], [day], 0) == "the panel has 0 alphas per block: expected 1 to 2048")
        #expect(refusal(["A"], [day], 2_049) == "the panel has 2049 alphas per block: expected 1 to 2048")
        #expect(refusal(["A", "B", "A"], [day]) == "alpha id 'A' occurs twice")
        #expect(refusal(["A", ""], [day]) == "the alpha id is empty")
        #expect(
            refusal(["A"], [day, day])
                == "date 1970-01-01 comes behind 1970-01-01: expected ascending dates without duplicates")
        let many = (0..<Limits.alphasMax).lazy.map { _ in "x" }
        #expect(refusal(Array(many), dates(Limits.daysMax)).contains("values: expected 1 to \(Limits.panelValuesMax)"))
    }

    @Test("Infinite and too large values are refused with alpha and date, whoever set them")
    func refusedValues() throws {
        let sentence = message { _ = try panel(["A", "B"], [[1, 2], [3, -Double.infinity]]) }
        #expect(sentence == "PnL of alpha B on 2024-01-02: '-inf' is infinite: expected a finite number")
        let large = message { _ = try panel(["A", "B"], [[1e151, 2], [3, 4]]) }
        #expect(large == "PnL of alpha A on 2024-01-01: '1e+151' is too large: expected at most 1e+150 in magnitude")
    }

    @Test("One alpha makes a panel, but no correlation")
    func single() throws {
        let one = try panel(["A"], [[1, 2]])
        #expect(
            message { try one.requireCorrelatable(source: "pnl.csv") } == "correlation needs at least 2 alphas, pnl.csv has 1")
        try panel(["A", "B"], [[1], [2]]).requireCorrelatable(source: "pnl.csv")
    }
}
