import ClusterModel
import Foundation
import Testing

@testable import Store

@Suite struct CopyTests {
    private let connection: Connection

    init() throws { connection = try Connection.open(DatabaseURL(TestDatabase(isMigrated: false).url)) }

    @Test("Rows larger than the buffer, empty texts, NULLs and every bit pattern arrive as they were written")
    func roundTrip() throws {
        try connection.execute("CREATE TABLE t (n integer, big bigint, x double precision, d date, s text)")
        let sizes = [0, 1, Limits.copyBufferBytes - 40, Limits.copyBufferBytes, Limits.copyBufferBytes * 2 + 3, 5]
        let numbers: [Double] = [0, -0.0, .infinity, Double(bitPattern: 1), -1.0 / 3, .greatestFiniteMagnitude]
        let copied = try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
            for (index, size) in sizes.enumerated() {
                try writer.row(fields: 5)
                try writer.put(Int32(index))
                try writer.put(Int64.min + Int64(index))
                try writer.put(numbers[index])
                try writer.put(date: Int32(19_000 + index))
                try writer.put(String(repeating: "\u{e9}", count: size / 2) + (size % 2 == 1 ? "x" : ""))
            }
            try writer.row(fields: 5)
            try writer.put(Int32(99))
            for _ in 0..<4 { try writer.putNull() }
        }
        #expect(copied == 7)
        let rows = try connection.execute("SELECT n, big, x, d - date '1970-01-01', octet_length(s) FROM t ORDER BY n")
        for (index, size) in sizes.enumerated() {
            #expect(rows.integer(index, 1) == Int.min + index)
            #expect(rows.real(index, 2)?.bitPattern == numbers[index].bitPattern)
            #expect(rows.integer(index, 3) == 19_000 + index)
            #expect(rows.integer(index, 4) == size)
        }
        #expect((1...4).allSatisfy { rows.text(6, $0) == nil })
    }

    @Test("Rows come out one by one, from none to many")
    func copyOut() throws {
        for count in [0, 1, 10_000] {
            var seen: [Int] = []
            let rows = "SELECT 'id' || i, date '2000-01-01' + i, i / 4.0::float8 FROM generate_series(1, \(count)) i"
            try connection.copyOut("COPY (\(rows)) TO STDOUT (FORMAT binary)") { bytes in
                let row = try #require(PnLRow(bytes))
                let i = Int(row.date)
                seen.append(i)
                if row.pnl != Double(i) / 4 || String(decoding: row.alphaID, as: UTF8.self) != "id\(i)" {
                    Issue.record("row \(i) differs")
                }
            }
            #expect(seen == Array(0..<count).map { $0 + 1 })
        }
    }

    @Test("A row of another shape, cut short or with a NULL is not taken for PnL")
    func malformed() throws {
        var bytes: [UInt8] = [0, 3, 0, 0, 0, 1, 65, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 8] + [0x3F, 0xF0, 0, 0, 0, 0, 0, 0]
        func parse() -> Double? { bytes.withUnsafeBytes { PnLRow($0)?.pnl } }
        #expect(parse() == 1)
        let good = bytes
        for (index, value) in [(1, 2), (5, 0), (5, 2), (10, 8), (18, 4), (2, 0xFF), (2, 0x7F)] {
            bytes = good
            bytes[index] = UInt8(value)
            #expect(parse() == nil, "byte \(index)")
        }
        for count in 0..<good.count {
            bytes = Array(good.prefix(count))
            #expect(parse() == nil)
        }
    }

    @Test("When the sender or the receiver gives up, the error is theirs and the server keeps nothing")
    func givingUp() throws {
        struct Stop: Error {}
        try connection.execute("CREATE TABLE t (n integer)")
        #expect(throws: Stop.self) {
            try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                try writer.row(fields: 1)
                try writer.put(Int32(1))
                throw Stop()
            }
        }
        #expect(try connection.execute("SELECT count(*) FROM t").integer(0, 0) == 0)
        #expect(throws: DatabaseError.self) {
            try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                try writer.row(fields: 2)
                try writer.put(Int32(1))
                try writer.put(Int32(2))
            }
        }
        // While earlier buffers are on their way, and one of them is what the server refuses.
        for wrongFields in [1, 2] as [Int16] {
            let failure = #expect(throws: (any Error).self) {
                try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                    for number in 0..<Int32(Limits.copyBuffers * Limits.copyBufferBytes / 4) {
                        try writer.row(fields: number == 100 ? wrongFields : 1)
                        try writer.put(number)
                        if number == 100, wrongFields == 2 { try writer.put(number) }
                    }
                    if wrongFields == 1 { throw Stop() }
                }
            }
            #expect(wrongFields == 1 ? failure is Stop : failure is DatabaseError)
        }
        #expect(try connection.execute("SELECT count(*) FROM t").integer(0, 0) == 0)
        #expect(connection.isHealthy)
        #expect(throws: Stop.self) {
            try connection.copyOut("COPY (SELECT generate_series(1, 1000000)) TO STDOUT (FORMAT binary)") { _ in throw Stop() }
        }
        #expect(connection.isBroken && !connection.isHealthy)
    }

    @Test("Parameters keep quotes, backslashes, braces and NULLs apart; a zero byte is refused")
    func parameters() throws {
        let odd = ["", "a'b", "\"", "\\", "{x,y}", "NULL", ",", " ", "\u{1F600}", "$1; DROP TABLE t"]
        let back = try connection.execute("SELECT unnest($1::text[])", [.texts(odd)])
        #expect(back.texts() == odd)
        for text in odd {
            #expect(try connection.execute("SELECT $1::text", [.text(text)]).text(0, 0) == text)
            #expect(try connection.execute("SELECT \(quoted(literal: text))").text(0, 0) == text)
        }
        #expect(try connection.execute("SELECT $1::text IS NULL", [.null]).boolean(0, 0))
        #expect(try connection.execute("SELECT $1::float8", [.real(0.1 + 0.2)]).real(0, 0) == 0.1 + 0.2)
        #expect(throws: DatabaseError.self) { try connection.execute("SELECT $1::text", [.text("a\0b")]) }
    }
}
