import ClusterModel
import Panel
import Testing

@Suite struct LongCSVTests {
    @Test("A long file gives the same table as the wide one, whatever the order of rows and columns")
    func sameAsWide() throws {
        let wide = try readCSV("date,A,B\n2024-01-02,1.5,\n2024-01-03,-2,3e2\n")
        let texts = [
            "alpha_id,date,pnl\nA,2024-01-02,1.5\nA,2024-01-03,-2\nB,2024-01-03,3e2\n",
            "alpha_id,date,pnl\nA,2024-01-03,-2\nB,2024-01-03,300\nA,2024-01-02,1.5",
            "pnl,date,alpha_id\r\n-2,2024-01-03,A\r\n1.5,2024-01-02,A\r\n\r\n300,2024-01-03,\"B\"\r\n",
            "date,alpha_id,pnl\n2024-01-03,A,-2\n2024-01-02,A,1.5\n2024-01-02,B,\n2024-01-03,B,300\n",
        ]
        for text in texts {
            let table = try readCSV(text)
            #expect(table.content == wide.content)
            #expect(table.alphaIDs == wide.alphaIDs)
            #expect(table.dates == wide.dates)
        }
    }

    @Test("Alphas come in the order of their first row")
    func order() throws {
        let table = try readCSV("alpha_id,date,pnl\nz,2024-01-03,1\na,2024-01-02,2\nz,2024-01-02,3\nm,2024-01-02,NA\n")
        #expect(table.alphaIDs == ["z", "a", "m"])
        #expect(table.content == ["z": [3, 1], "a": [2, nil], "m": [nil, nil]])
    }

    @Test("Shuffled rows of many alphas all arrive where they belong")
    func many() throws {
        var generator = SeededGenerator(3)
        var rows: [String] = []
        var expected: [String: [Double?]] = [:]
        for alpha in 0..<150 {
            var series: [Double?] = []
            for day in 0..<12 {
                let isThere = day == 0 || Bool.random(using: &generator)
                series.append(isThere ? Double(alpha * 100 + day) : nil)
                if isThere { rows.append("alpha\(alpha),\(Day(rawValue: 15_000 + Int32(day))),\(alpha * 100 + day)") }
            }
            expected["alpha\(alpha)"] = series
        }
        rows.shuffle(using: &generator)
        #expect(try readCSV("alpha_id,date,pnl\n" + rows.joined(separator: "\n")).content == expected)
    }

    @Test(
        "A bad row is refused with its line, its column and what was expected",
        arguments: [
            ("A,2024-01-03,abc", "line 3, column pnl: 'abc' is not a number\(expectedNumber)"),
            ("A,2024-01-03,inf", "line 3, column pnl: 'inf' is infinite: expected a finite number"),
            ("A,2024-01-03,-2e150", "line 3, column pnl: '-2e150' is too large: expected at most 1e+150 in magnitude"),
            ("A,yesterday,1", "line 3, column date: 'yesterday' is not a date: expected YYYY-MM-DD"),
            (",2024-01-03,1", "line 3, column alpha_id: the alpha id is empty"),
            ("A ,2024-01-03,1", "line 3, column alpha_id: alpha id 'A ' begins or ends with a blank"),
            ("A,2024-01-03", "line 3: 2 fields, expected 3 as in the header"),
            ("A,2024-01-03,1,2", "line 3: 4 fields, expected 3 as in the header"),
            ("A,2024-01-02,7", "line 3: alpha A on 2024-01-02 is already given in line 2"),
        ])
    func badRow(row: String, expected: String) {
        let text = "alpha_id,date,pnl\nA,2024-01-02,1\n\(row)\nB,2024-01-02,2\n"
        #expect(message { _ = try readCSV(text) } == "f.csv: \(expected)")
    }

    @Test("A missing value is a row too: giving it again is a duplicate")
    func duplicateOfMissing() {
        let text = "alpha_id,date,pnl\nA,2024-01-02,\nB,2024-01-02,2\nB,2024-01-03,x\nA,2024-01-02,5\nA,2024-01-02,\n"
        #expect(
            message { _ = try readCSV(text) }
                == "f.csv: line 4, column pnl: 'x' is not a number\(expectedNumber); "
                + "line 5: alpha A on 2024-01-02 is already given in line 2; "
                + "line 6: alpha A on 2024-01-02 is already given in line 2")
    }

    @Test("A header without rows is refused, and so are rows that would fill a thousandth of a huge table")
    func refusedWhole() {
        #expect(
            message { _ = try readCSV("alpha_id,date,pnl\n") } == "f.csv has a header but no rows: expected at least one date")
        let rows = (0..<5_000).map { "A\($0),\(Day(rawValue: Int32($0))),1" }
        #expect(
            message { _ = try readCSV("alpha_id,date,pnl\n" + rows.joined(separator: "\n")) }
                == "f.csv: 5000 rows for 5000 alphas and 5000 dates leave more than 99.9 % of the values missing: "
                + "expected a denser table")
    }
}
