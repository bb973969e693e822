import ClusterModel
import Panel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// PnL as CSV, wide or long, plain or gzipped. Input: the file.
package enum PnLTarget: FuzzTarget {
    package static let name = "pnl"

    package static func seeds() throws -> [[UInt8]] {
        let texts = [
            "date,A,B\n2024-01-02,1.5,\n2024-01-03,-2,3e2\n2024-01-01,0,0.25\n",
            "\u{FEFF}date,\"A,1\",\"B\"\"\",C\r\n\"2024-01-02\",\"1\",,NaN\r\n\r\n2024-01-05,12345.678901234567,1,2\r\n",
            "alpha_id,date,pnl\nA,2024-01-02,1.5\nB,2024-01-02,2\nA,2024-01-03,\n\"B\",2024-01-05,9e9\n",
            "pnl,alpha_id,date\n1,x,2024-01-02\n2,y,2024-01-02\n",
        ]
        // The first of them as gzip -9 has it, and its beginning in a stored block.
        let gzip: [UInt8] = [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4B, 0x49, 0x2C, 0x49, 0xD5, 0x71, 0xD4, 0x71, 0xE2,
            0x32,
            0x32, 0x30, 0x32, 0xD1, 0x35, 0x30, 0xD4, 0x35, 0x30, 0xD2, 0x31, 0xD4, 0x33, 0xD5, 0x41, 0xF0, 0x8D, 0x75, 0x74,
            0x8D,
            0x74, 0x8C, 0x53, 0x8D, 0xB8, 0x00, 0x2E, 0x07, 0xF1, 0x7B, 0x2B, 0x00, 0x00, 0x00,
        ]
        return texts.map { Array($0.utf8) } + [gzip]
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        let payload = Payload.tight(input)
        let table = try accepted {
            guard Gzip.isGzip(payload.bytes) else { return try PnLReader.readCSV(payload.bytes, name: "f.csv") }
            let bounds = Gzip.Bounds(bytesMax: 4 << 20, ratioMax: 100, bytesFree: 1 << 20)
            let text = try Gzip.inflate(payload.bytes, name: "f.csv.gz", bounds: bounds)
            defer { withExtendedLifetime(text) {} }
            return try PnLReader.readCSV(text.bytes, name: "f.csv.gz")
        }
        defer { withExtendedLifetime(payload) {} }
        guard let table else { return false }
        try check(table)
        try promise(!table.dates.isEmpty, "a table of CSV without dates")
        // What was read is written and read as the same.
        var writer = CSVWriter()
        for name in ["date"] + table.alphaIDs { writer.field(name) }
        writer.endRow()
        for (day, date) in table.dates.enumerated() {
            writer.field(date.description)
            for alpha in table.alphaIDs.indices { writer.field(table.series(alpha)[day]) }
            writer.endRow()
        }
        let again = try accepted { try writer.bytes.withUnsafeBytes { try PnLReader.readCSV($0, name: "f.csv") } }
        guard let again else { throw Violation(description: "what was written of a table is not read") }
        try promise(again.dates == table.dates, "other dates after writing and reading")
        try promise(again.alphaIDs.elementsEqual(table.alphaIDs) { $0.utf8.elementsEqual($1.utf8) }, "other ids")
        try promise(same(again, table), "other values after writing and reading")
        return true
    }

    /// What every table promises, and that a panel can be made of it.
    static func check(_ table: PnLTable) throws {
        try promise(table.dayCount >= 1 && !table.alphaIDs.isEmpty, "an empty table")
        try promise(table.dates.isEmpty || table.dates.count == table.dayCount, "\(table.dates.count) dates")
        try promise(zip(table.dates, table.dates.dropFirst()).allSatisfy { $0 < $1 }, "dates out of order")
        try promise(table.alphaIDs.allSatisfy { AlphaIDRule.problem($0) == nil }, "an id that is none")
        try promise(
            table.values.buffer.allSatisfy { !($0.magnitude > Limits.valueMagnitudeMax) }, "a value beyond all bounds")
        guard let panel = try accepted({ try Panel.build(from: table, blockEdge: 1 + table.alphaIDs.count % 5) }) else {
            throw Violation(description: "no panel can be made of a table")
        }
        try promise(panel.alphaCount == table.alphaIDs.count && panel.dayCount == table.dayCount, "a panel of another size")
    }

    /// Equal values, missing ones at the same places.
    static func same(_ a: PnLTable, _ b: PnLTable) -> Bool {
        a.dayCount == b.dayCount && a.alphaIDs.count == b.alphaIDs.count
            && a.alphaIDs.indices.allSatisfy { alpha in
                zip(a.series(alpha), b.series(alpha)).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
            }
    }
}

/// PnL as an NPY array. Input: the file.
package enum NPYTarget: FuzzTarget {
    package static let name = "npy"

    package static func seeds() throws -> [[UInt8]] {
        let data = (0..<6).flatMap { value in withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { Array($0) } }
        let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 4), }"
        let header: [UInt8] = [0x93] + Array("NUMPY".utf8) + [2, 0, UInt8(fortran.utf8.count), 0, 0, 0] + Array(fortran.utf8)
        return [
            NPYHeader.encoded(precision: .float64, rows: 2, columns: 3) + data,
            NPYHeader.encoded(precision: .float32, rows: 4, columns: 3) + data, header + data,
        ]
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        let payload = Payload.tight(input)
        defer { withExtendedLifetime(payload) {} }
        guard let table = try accepted({ try PnLReader.readNPY(payload.bytes, name: "f.npy") }) else { return false }
        try PnLTarget.check(table)
        var bytes = NPYHeader.encoded(precision: .float64, rows: table.dayCount, columns: table.alphaIDs.count)
        for day in 0..<table.dayCount {
            for alpha in table.alphaIDs.indices {
                withUnsafeBytes(of: table.series(alpha)[day].bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        let again = try accepted { try bytes.withUnsafeBytes { try PnLReader.readNPY($0, name: "f.npy") } }
        try promise(again.map { PnLTarget.same($0, table) } == true, "other values after writing and reading")
        return true
    }
}

/// Panel files. Input: a byte of choices (1: the hashes of metadata and header are made right; 2: those of the blocks too),
/// the header without its hash and padding, and what stands behind the header.
package enum PanelFileTarget: FuzzTarget {
    package static let name = "panel"

    /// Of the header, in front of its own hash.
    private static let headerBytes = 116

    package static func seeds() throws -> [[UInt8]] {
        let path = "/tmp/alphagrid-fuzz-\(getpid()).panel"
        defer { unlink(path) }
        return try [ToyPanel.panel, ToyPanel.longPanel].map { panel in
            try panel.write(to: path)
            let file = try FileSystem.contents(of: path).array
            return [3] + file.prefix(headerBytes) + file[PanelFileHeader.byteCount...]
        }
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        let payload = Payload.tight(file(input))
        guard let panel = try accepted(as: [.failed], { try Panel.read(payload, name: "f.panel") }) else { return false }
        try promise(panel.alphaIDs.allSatisfy { AlphaIDRule.problem($0) == nil }, "an id that is none")
        try promise(Set(panel.inputOrder) == Set(0..<panel.alphaCount), "an input order that is no permutation")
        try promise(Set(panel.ranks) == Set(0..<UInt32(panel.alphaCount)), "ranks that are no permutation")
        for alpha in 0..<panel.alphaCount {
            let isBounded = panel.series(alpha).allSatisfy { !($0.magnitude > Limits.valueMagnitudeMax) }
            try promise(isBounded, "a value beyond all bounds")
        }
        return true
    }

    private static func file(_ input: [UInt8]) -> [UInt8] {
        var input = FuzzInput(input)
        let choices = input.byte()
        var header = input.bytes(headerBytes)
        header += [UInt8](repeating: 0, count: headerBytes - header.count)
        var body = Array(input.rest)
        if choices & 3 != 0 {
            let blocks = Int(number(header, at: 32)), alphas = Int(number(header, at: 24))
            let (edge, days) = (Int(number(header, at: 12)), Int(number(header, at: 16)))
            // Sizes that a panel may have, where hashes can be put at their places.
            if edge <= 64, days <= 512, blocks <= 64, alphas <= 256 {
                let size = BlockSize(edge: edge, dayCount: days)
                let stride = (size.byteCount + 63) / 64 * 64
                let hashes = body.count - 32 * size.partCount * (blocks + alphas)
                if choices & 2 != 0, hashes >= blocks * stride {
                    for block in 0..<blocks {
                        let payload = Payload(copying: Array(body[(block * stride)..<(block * stride + size.byteCount)]))
                        for part in 0..<size.partCount {
                            let hash = size.cut(part: part, of: payload).withUnsafeBytes(PanelHashing.hash)
                            let place = hashes + 32 * (block * size.partCount + part)
                            body.replaceSubrange(place..<(place + 32), with: hash.bytes)
                        }
                    }
                }
                let metadata = body.dropFirst(blocks * stride)
                put(UInt64(PanelFileHeader.byteCount + blocks * stride), in: &header, at: 36)
                put(UInt64(metadata.count), in: &header, at: 44)
                header.replaceSubrange(84..<116, with: PanelHashing.hash(Array(metadata)).bytes)
            }
        }
        let hash = choices & 3 != 0 ? PanelHashing.hash(header).bytes : [UInt8](repeating: 0, count: 32)
        return header + hash + [UInt8](repeating: 0, count: PanelFileHeader.byteCount - headerBytes - 32) + body
    }

    private static func number(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    private static func put(_ value: UInt64, in bytes: inout [UInt8], at offset: Int) {
        for place in 0..<8 { bytes[offset + place] = UInt8(truncatingIfNeeded: value >> UInt64(8 * place)) }
    }
}
