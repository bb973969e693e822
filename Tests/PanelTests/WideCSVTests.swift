import ClusterModel
import Panel
import Testing

@Suite struct WideCSVTests {
    private static let headers = "date and one column per alpha, or the three columns alpha_id,date,pnl"
    private let small = "date,A,B\n2024-01-02,1.5,\n2024-01-03,-2,3e2\n"

    @Test("A wide file gives one series per column, in the order of the columns, with empty fields missing")
    func plain() throws {
        let table = try readCSV(small)
        #expect(table.alphaIDs == ["A", "B"])
        #expect(table.dates.map(\.description) == ["2024-01-02", "2024-01-03"])
        #expect(table.dayCount == 2)
        #expect(table.content == ["A": [1.5, -2], "B": [nil, 300]])
    }

    @Test("Byte order mark, CRLF, blank lines, a missing last line end and quotes change nothing")
    func dialects() throws {
        let plain = try readCSV(small).content
        let variants = [
            "\u{FEFF}" + small, small.replacing("\n", with: "\r\n"), String(small.dropLast()),
            String(small.replacing("\n", with: "\r\n").dropLast()), "\n\r\n" + small.replacing("\n", with: "\n\n"),
            small.replacing("A", with: "\"A\"").replacing("3e2", with: "\"300\""),
            "\"date\",\"A\",\"B\"\r\n\"2024-01-02\",\"1.5\",\"\"\r\n\"2024-01-03\",\"-2\",\"3e2\"\r\n",
            small.replacing("-2,", with: " -2 ,").replacing("1.5,", with: "1.5,nan"),
        ]
        for text in variants { #expect(try readCSV(text).content == plain, "\(text)") }
    }

    @Test("Quoted ids may hold commas, quotes and letters of any script")
    func quotedIDs() throws {
        let table = try readCSV("date,\"a,b\",\"say \"\"hi\"\"\",\"\"\"\",Ärmel\n2024-01-02,1,2,3,4\n")
        #expect(table.alphaIDs == ["a,b", "say \"hi\"", "\"", "Ärmel"])
        #expect(table.content["\""] == [3])
    }

    @Test("Ids that differ in bytes are different, even where Unicode calls them equivalent")
    func canonicalEquivalence() throws {
        let table = try readCSV("date,\u{E9},e\u{301}\n2024-01-02,1,2\n")
        #expect(table.alphaIDs.map { Array($0.utf8) } == [[0xC3, 0xA9], [0x65, 0xCC, 0x81]])
    }

    @Test("Rows in any order are sorted by date, whatever their number", arguments: [1, 2, 7, 8, 9, 16, 17, 40])
    func anyOrder(rows: Int) throws {
        var generator = SeededGenerator(UInt64(rows))
        let lines = (0..<rows).map { row in
            "\(Day(rawValue: 10_000 + Int32(row * 3))),\(row),\(row % 3 == 0 ? "" : "-\(row).25"),7"
        }
        let expected: [String: [Double?]] = [
            "A": (0..<rows).map { Double($0) }, "B": (0..<rows).map { $0 % 3 == 0 ? nil : -Double($0) - 0.25 },
            "C": Array(repeating: 7, count: rows),
        ]
        for order in [lines, lines.reversed(), lines.shuffled(using: &generator)] {
            let table = try readCSV("date,A,B,C\n" + order.joined(separator: "\n\n") + "\n\n\n")
            #expect(table.content == expected)
            #expect(table.dates == (0..<rows).map { Day(rawValue: 10_000 + Int32($0 * 3)) })
        }
    }

    @Test(
        "A header that is not valid is refused in one sentence",
        arguments: [
            ("", "f.csv is empty: expected a header, \(Self.headers)"),
            ("\n\r\n", "f.csv is empty: expected a header, \(Self.headers)"),
            (
                "Date,A\n2024-01-02,1\n",
                "f.csv: line 1: the header begins with 'Date': expected \(Self.headers)"
            ),
            (
                "alpha_id,date\nA,2024-01-02\n",
                "f.csv: line 1: the header begins with 'alpha_id': expected \(Self.headers)"
            ),
            (
                "date\n2024-01-02\n",
                "f.csv: line 1: the header has only the column date: expected \(Self.headers)"
            ),
            ("date,A,,B\n", "f.csv: line 1, column 3: the alpha id is empty"),
            ("\ndate,A,B,A\n", "f.csv: line 2, column 4: alpha id 'A' is already that of column 2"),
            ("date, A\n", "f.csv: line 1, column 2: alpha id ' A' begins or ends with a blank"),
            ("date,A\u{1}\n", "f.csv: line 1, column 2: alpha id 'A?' contains a control character"),
            ("date,A\rB\n", "f.csv: line 1, column 2: alpha id 'A?B' contains a control character"),
            ("date,\u{85}\n", "f.csv: line 1, column 2: alpha id '?' contains a control character"),
            ("date,\"A\n2024-01-02,1\n", "f.csv: line 1: a quoted field that begins here has no closing quote"),
            ("date,\"A\"B\n", "f.csv: line 1: expected a comma or the end of the line behind a closing quote"),
            ("date,A\n", "f.csv has a header but no rows: expected at least one date"),
        ])
    func badHeader(text: String, expected: String) {
        #expect(message { _ = try readCSV(text) } == expected)
    }

    @Test("Ids of 50 bytes are taken, longer ones and those that are not UTF-8 are refused")
    func idBytes() throws {
        let id = String(repeating: "é", count: Limits.alphaIDBytesMax / 2)
        #expect(try readCSV("date,\(id)\n2024-01-02,1\n").alphaIDs == [id])
        #expect(
            message { _ = try readCSV("date,A,\(id)x\n2024-01-02,1,2\n") }
                == "f.csv: line 1, column 3: alpha id '\(id)x' has 51 bytes: expected at most 50")
        let latin1 = Array("date,".utf8) + [0xE9] + Array("\n2024-01-02,1\n".utf8)
        #expect(message { _ = try readCSV(latin1) } == "f.csv: line 1, column 2: the alpha id is not UTF-8 text")
    }

    @Test(
        "A bad row is refused with its line, its column and what was expected",
        arguments: [
            ("2024-01-03,abc,1", "line 3, column A: 'abc' is not a number\(expectedNumber)"),
            ("2024-01-03,1,\"x\ny\"", "line 3, column B: 'x?y' is not a number\(expectedNumber)"),
            ("2024-01-03,1,-inf", "line 3, column B: '-inf' is infinite: expected a finite number"),
            ("2024-01-03,1e999,1", "line 3, column A: '1e999' is infinite: expected a finite number"),
            ("2024-01-03,1,1.1e150", "line 3, column B: '1.1e150' is too large: expected at most 1e+150 in magnitude"),
            ("2024-01-03,1", "line 3: 2 fields, expected 3 as in the header"),
            ("2024-01-03", "line 3: 1 field, expected 3 as in the header"),
            ("2024-01-03,1,2,3,", "line 3: 5 fields, expected 3 as in the header"),
            ("03.01.2024,1,2", "line 3, column date: '03.01.2024' is not a date: expected YYYY-MM-DD"),
            (",1,2", "line 3, column date: '' is not a date: expected YYYY-MM-DD"),
            ("2024-01-02,5,6", "line 3, column date: 2024-01-02 is already that of line 2"),
        ])
    func badRow(row: String, expected: String) {
        let text = "date,A,B\n2024-01-02,1,2\n\(row)\n2024-01-04,1,2\n"
        #expect(message { _ = try readCSV(text) } == "f.csv: \(expected)")
    }

    @Test("Values up to the limit are taken")
    func largest() throws {
        #expect(try readCSV("date,A\n2024-01-02,1e150\n2024-01-03,-1e150\n").content == ["A": [1e150, -1e150]])
    }

    @Test("Several bad rows are named in one message, in order, duplicates included")
    func severalBadRows() {
        let text = "date,A,B\n2024-01-02,1,x\n2024-01-03,y,z\n\n2024-01-04,1\n2024-01-05,1,1\n2024-01-05,1,1\n"
        #expect(
            message { _ = try readCSV(text) }
                == "f.csv: line 2, column B: 'x' is not a number\(expectedNumber); "
                + "line 3, column A: 'y' is not a number\(expectedNumber); "
                + "line 5: 2 fields, expected 3 as in the header; line 7, column date: 2024-01-05 is already that of line 6")
    }

    @Test("Beyond the number of errors reported, bad rows are counted")
    func manyBadRows() {
        let rows = (0..<(Limits.errorsReportedMax + 3)).map { "\(Day(rawValue: Int32($0))),?" }
        let text = message { _ = try readCSV("date,A\n" + rows.joined(separator: "\n")) }
        #expect(text.hasPrefix("f.csv: line 2, column A: '?' is not a number\(expectedNumber); line 3, "))
        #expect(text.hasSuffix("line 21, column A: '?' is not a number\(expectedNumber); and 3 more"))
    }

    @Test("More dates than the limit are refused")
    func tooManyDates() {
        let rows = (0...Limits.daysMax).map { "\(Day(rawValue: Int32($0))),1" }
        #expect(
            message { _ = try readCSV("date,A\n" + rows.joined(separator: "\n")) }
                == "f.csv has more than \(Limits.daysMax) dates, the most that is read")
    }
}
