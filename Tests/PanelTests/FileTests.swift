import ClusterModel
import Foundation
import Panel
import Testing

@Suite struct FileTests {
    private let text = "date,A,B\n2024-01-02,1.5,\n2024-01-03,-2,3e2\n"

    @Test("The ending of the name, in any case, says how a file is read; gzip is also found by content")
    func endings() throws {
        let folder = try TemporaryFolder()
        let packed = gzipStored(Array(text.utf8))
        let paths = [
            try folder.file("a.csv", text), try folder.file("b.CSV.GZ", packed), try folder.file("c.csv", packed),
        ]
        for path in paths { #expect(try PnLReader.read(path: path).content == ["A": [1.5, -2], "B": [nil, 300]]) }
    }

    @Test("A file that cannot be read is refused in one sentence with the right kind")
    func refused() throws {
        let folder = try TemporaryFolder()
        let missing = folder.path + "/missing.csv"
        #expect(message { _ = try PnLReader.read(path: missing) } == "\(missing) cannot be opened: No such file or directory")
        #expect(throws: GridError(.notFound, "\(missing) cannot be opened: No such file or directory")) {
            try PnLReader.read(path: missing)
        }
        let inside = try folder.file("file.csv", text) + "/x.csv"
        #expect(throws: GridError(.notFound, "\(inside) cannot be opened: Not a directory")) { try PnLReader.read(path: inside) }
        try FileManager.default.createDirectory(atPath: folder.path + "/d.csv", withIntermediateDirectories: false)
        let directory = folder.path + "/d.csv"
        #expect(message { _ = try PnLReader.read(path: directory) } == "\(directory) is a directory: expected a file")
        let sheet = try folder.file("pnl.xlsx", text)
        #expect(message { _ = try PnLReader.read(path: sheet) } == "\(sheet): expected a file that ends in .csv, .csv.gz or .npy")
        let plain = try folder.file("plain.csv.gz", text)
        #expect(message { _ = try PnLReader.read(path: plain) } == "\(plain) is not gzip data")
        let empty = try folder.file("empty.csv", "")
        #expect(message { _ = try PnLReader.read(path: empty) }.hasPrefix("\(empty) is empty: expected a header"))
        #expect(message { _ = try PnLReader.read(path: "a\0.csv") } == "'a?.csv' is not a file name")
        let bad = try folder.file("bad.csv", text + "x,1,2\n")
        #expect(
            message { _ = try PnLReader.read(path: bad) }
                == "\(bad): line 4, column date: 'x' is not a date: expected YYYY-MM-DD")
    }

    @Test("A minus sign is standard input, plain or gzipped, and is named so where it is wrong")
    func standardInput() throws {
        let folder = try TemporaryFolder()
        // Of this process's tests no other one reads standard input.
        let own = dup(0)
        defer {
            dup2(own, 0)
            close(own)
        }
        func given(_ path: String) throws {
            let descriptor = try FileSystem.open(path, O_RDONLY)
            dup2(descriptor, 0)
            close(descriptor)
        }
        for path in [try folder.file("plain", text), try folder.file("packed", gzipStored(Array(text.utf8)))] {
            try given(path)
            #expect(try PnLReader.read(path: "-").content == ["A": [1.5, -2], "B": [nil, 300]])
        }
        try given(try folder.file("words", "no header\n"))
        let refusal = message { _ = try PnLReader.read(path: "-") }
        #expect(refusal.hasPrefix("standard input: line 1: the header begins with 'no header'"), "\(refusal)")
    }

    @Test("A pipe is read to its end")
    func pipe() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/p.csv"
        #expect(mkfifo(path, 0o600) == 0)
        let rows = (0..<3_000).map { "\(Day(rawValue: Int32($0))),\($0).125" }
        let whole = "date,A\n" + rows.joined(separator: "\n")
        let writer = Thread {
            let file = fopen(path, "w")
            fputs(whole, file)
            fclose(file)
        }
        writer.start()
        let table = try PnLReader.read(path: path)
        #expect(table.dayCount == 3_000)
        #expect(table.content["A"]?.last == 2_999.125)
    }

    @Test("An atomic file appears when it is committed, replaces what was there, and otherwise leaves no trace")
    func atomic() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("out.csv", "old")
        do {
            let file = try AtomicFile(path: path)
            try file.write(Array("half".utf8))
        }
        #expect(try folder.names() == ["out.csv"])
        #expect(try bytes(of: path) == Array("old".utf8))
        let file = try AtomicFile(path: path)
        try file.write(Array("new ".utf8))
        try file.write(Array("text".utf8))
        #expect(try bytes(of: path) == Array("old".utf8))
        try file.commit()
        #expect(try folder.names() == ["out.csv"])
        #expect(try bytes(of: path) == Array("new text".utf8))
    }

    @Test("Two writers of one path do not disturb each other, and a symbolic link stays one")
    func atomicTogether() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("out.csv", "old")
        let link = folder.path + "/link.csv"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        let first = try AtomicFile(path: link)
        let second = try AtomicFile(path: link)
        try first.write(Array("first".utf8))
        try second.write(Array("second".utf8))
        try first.commit()
        #expect(try bytes(of: path) == Array("first".utf8))
        try second.commit()
        #expect(try bytes(of: path) == Array("second".utf8))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
        #expect(try folder.names() == ["link.csv", "out.csv"])
    }

    @Test("A place that cannot be written to is named as the user named it")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/no/such/out.csv"
        #expect(message { _ = try AtomicFile(path: path) } == "\(path) cannot be opened: No such file or directory")
        #expect(message { _ = try AtomicFile(path: folder.path) } == "\(folder.path) is a directory: expected a file")
    }

    @Test("CSV output quotes what needs it, writes missing numbers as empty fields and reads back exactly")
    func csvWriter() throws {
        var writer = CSVWriter()
        for field in ["alpha_id", "a,b", "say \"hi\"", "two\nlines", ""] { writer.field(field) }
        writer.endRow()
        for number in [0.1, -1e300, 1e-7, .nan, 5] as [Double?] { writer.field(number) }
        writer.field(nil as Double?)
        writer.field(42)
        writer.endRow()
        let expected =
            "alpha_id,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n0.1,-1e+300,1e-07,,5.0,,42\n"
        #expect(String(decoding: writer.takeBytes(), as: UTF8.self) == expected)
        #expect(writer.bytes.isEmpty)
    }

    @Test("A row whose only field is missing is no blank line, which readers would pass over")
    func csvWriterOfOneColumn() {
        var writer = CSVWriter()
        for text in ["median_correlation", ""] {
            writer.field(text)
            writer.endRow()
        }
        for number in [nil, 0.5, .nan] as [Double?] {
            writer.field(number)
            writer.endRow()
        }
        #expect(String(decoding: writer.takeBytes(), as: UTF8.self) == "median_correlation\n\"\"\n\"\"\n0.5\n\"\"\n")
    }
}
