import ClusterModel
import Panel
import Testing

@Suite struct NPYTests {
    /// An NPY file of any version around a header text and data.
    private func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
        let text = Array((header + "\n").utf8)
        let length: [UInt8] = [UInt8(text.count & 255), UInt8(text.count >> 8)] + (version > 1 ? [0, 0] : [])
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + data
    }

    private func header(_ descr: String, _ fortran: String, _ shape: String) -> String {
        "{'descr': '\(descr)', 'fortran_order': \(fortran), 'shape': \(shape), }"
    }

    /// `[[1.5, nan, 3], [-4, 5, 6.25]]` as numpy.lib.format.write_array wrote its data.
    private let float64 = hex(
        "000000000000f83f000000000000f87f000000000000084000000000000010c000000000000014400000000000001940")
    private let float32 = hex("0000c03f0000c07f00004040000080c00000a0400000c840")
    private let float32Fortran = hex("0000c03f000080c00000c07f0000a040000040400000c840")
    private let expected: [String: [Double?]] = ["A000001": [1.5, -4], "A000002": [nil, 5], "A000003": [3, 6.25]]

    @Test("Versions 1 to 3, both precisions and both orders give rows as dates and columns as alphas")
    func variants() throws {
        let files = [
            file(header("<f8", "False", "(2, 3)"), float64),
            file(header("<f8", "False", "(2, 3)"), float64, version: 2),
            file(header("<f4", "False", "(2, 3)"), float32, version: 3),
            file(header("<f4", "True", "(2, 3)"), float32Fortran),
            file("{\"shape\":(2,3),'fortran_order':False,'descr':'<f8'}   ", float64),
        ]
        for bytes in files {
            let table = try readNPY(bytes)
            #expect(table.content == expected)
            #expect(table.alphaIDs == ["A000001", "A000002", "A000003"])
            #expect(table.dates.isEmpty && table.dayCount == 2)
        }
    }

    @Test(
        "Sizes that do not fit the squares of the transposition are copied right",
        arguments: [(1, 1), (65, 3), (3, 130), (64, 64)])
    func sizes(rows: Int, columns: Int) throws {
        var data = ByteWriter()
        for index in 0..<(rows * columns) { data.write(Double(index)) }
        let table = try readNPY(file(header("<f8", "False", "(\(rows), \(columns))"), data.bytes))
        let values = withExtendedLifetime(table.values) { Array(table.values.buffer) }
        #expect(values == (0..<columns).flatMap { column in (0..<rows).map { Double($0 * columns + column) } })
    }

    @Test(
        "A header that is not what numpy writes for two dimensions of floats is refused in one sentence",
        arguments: [
            (">f8", "(2, 3)", "the values are of type '>f8': expected '<f4' or '<f8' (little-endian float)"),
            ("<i8", "(2, 3)", "the values are of type '<i8': expected '<f4' or '<f8' (little-endian float)"),
            ("<f8", "(6,)", "the shape has 1 of the 2 dimensions expected, dates x alphas"),
            ("<f8", "()", "the shape has 0 of the 2 dimensions expected, dates x alphas"),
            ("<f8", "(0, 3)", "the array is 0 x 3: expected at least one date and one alpha"),
            ("<f8", "(2, 2)", "2 x 2 values take 32 bytes, the file has 48: it has bytes behind its values"),
            ("<f8", "(2, 4)", "2 x 4 values take 64 bytes, the file has 48: it is truncated"),
        ])
    func refusedHeader(descr: String, shape: String, expected: String) {
        let bytes = file(header(descr, "False", shape), float64)
        #expect(message { _ = try readNPY(bytes) } == "f.npy: \(expected)")
    }

    @Test(
        "A header that is no dict of the three keys is refused",
        arguments: [
            "", "{", "{}", "{'descr': '<f8'}", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), 'x': 1}",
            "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 3)}",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (2, 3)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 3)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 99999999999999999999)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), } x",
            "{'descr' '<f8', 'fortran_order': False, 'shape': (2, 3)}",
            "{'descr': '<f8\\'', 'fortran_order': False, 'shape': (2, 3)}",
            "{'descr': '<f8, 'fortran_order': False, 'shape': (2, 3)}",
        ])
    func refusedDict(text: String) {
        #expect(
            message { _ = try readNPY(file(text, float64)) }
                == "f.npy: the NPY header is not a dict of descr, fortran_order and shape")
    }

    @Test("Files of another kind, version or length are refused")
    func refusedFile() throws {
        let whole = file(header("<f8", "False", "(2, 3)"), float64)
        #expect(message { _ = try readNPY([]) } == "f.npy: this is not an NPY file")
        #expect(message { _ = try readNPY(Array("date,A\n2024-01-02,1\n".utf8)) } == "f.npy: this is not an NPY file")
        #expect(message { _ = try readNPY(Array(whole.prefix(30))) } == "f.npy: the file ends in its NPY header")
        var newer = whole
        newer[6] = 4
        #expect(message { _ = try readNPY(newer) } == "f.npy: NPY version 4.0 is unknown: expected 1.0, 2.0 or 3.0")
        for length in 0..<whole.count {
            #expect(message { _ = try readNPY(Array(whole.prefix(length))) }.hasPrefix("f.npy: "))
        }
        #expect(
            message { _ = try readNPY(file(header("<f4", "False", "(20001, 1)"), [])) }
                == "f.npy has more than 20000 dates, the most that is read")
        #expect(
            message { _ = try readNPY(file(header("<f4", "False", "(1, 1048577)"), [])) }
                == "f.npy has 1048577 alphas: expected at most 1048576")
    }

    @Test("Infinite and too large values are refused with row and column")
    func infinite() {
        var data = ByteWriter()
        for value in [1, 2, -Double.infinity, 1e151] { data.write(value) }
        #expect(
            message { _ = try readNPY(file(header("<f8", "False", "(2, 2)"), data.bytes)) }
                == "f.npy: row 2, column 1: '-inf' is infinite: expected a finite number; "
                + "row 2, column 2: '1e+151' is too large: expected at most 1e+150 in magnitude")
    }

    @Test("The writer's header is byte for byte numpy's")
    func numpyHeader() {
        let numpy =
            "\u{1}\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }" + String(repeating: " ", count: 58) + "\n"
        #expect(NPYHeader.encoded(precision: .float64, rows: 2, columns: 3) == [0x93] + Array("NUMPY".utf8) + Array(numpy.utf8))
    }

    @Test("A matrix written in pieces, in any order, reads back", arguments: [Precision.float64, .float32])
    func writer(precision: Precision) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/m.npy"
        var writer = try NPYWriter(try AtomicFile(path: path), rows: 2, columns: 3, precision: precision)
        let pieces: [(row: Int, column: Int, values: [Double])] = [(1, 1, [5, 6.25]), (0, 0, [1.5, .nan, 3]), (1, 0, [-4])]
        for piece in pieces {
            try piece.values.withUnsafeBufferPointer { try writer.write($0, row: piece.row, column: piece.column) }
        }
        #expect(try folder.names().contains("m.npy") == false)
        try writer.finish()
        #expect(try folder.names() == ["m.npy"])
        #expect(try PnLReader.read(path: path).content == expected)
        #expect(try bytes(of: path).suffix(48) == float64.suffix(48) || precision == .float32)
    }

    @Test("An unfinished matrix leaves nothing behind, and an incomplete one says how much is missing")
    func unfinished() throws {
        let folder = try TemporaryFolder()
        do {
            var writer = try NPYWriter(try AtomicFile(path: folder.path + "/m.npy"), rows: 2, columns: 3, precision: .float64)
            try [1.0].withUnsafeBufferPointer { try writer.write($0, row: 0, column: 0) }
        }
        #expect(try folder.names().isEmpty)
        let sentence = message {
            try NPYWriter(try AtomicFile(path: folder.path + "/m.npy"), rows: 2, columns: 3, precision: .float64).finish()
        }
        #expect(sentence == "\(folder.path)/m.npy: 0 of 6 values were written")
        #expect(try folder.names().isEmpty)
    }
}
