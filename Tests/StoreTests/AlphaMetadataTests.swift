import ClusterModel
import Testing

@testable import Store

@Suite struct AlphaMetadataTests {
    private func read(_ name: String, _ text: String, unsubmitted: Bool = false) throws -> AlphaMetadata {
        let files = try TestFiles()
        return try AlphaMetadata.read(path: files.file(name, text), unsubmitted: unsubmitted)
    }

    @Test("Columns come in the order of the table whatever the file's, and values in PostgreSQL's form")
    func columns() throws {
        let text = "\u{FEFF}delay,alpha_id,sharpe,region\r1.0,A2,1e3,\r\r,\" A,1\",-0.5,USA"
        let metadata = try read("x.csv", text.replacing("\" A,1\"", with: "\"A,1\""))
        #expect(metadata.columns.map(\.name) == ["is_sharpe", "delay"])
        #expect(
            metadata.rows == [
                AlphaMetadata.Row(alphaID: "A2", region: nil, type: nil, values: ["1000.0", "1"]),
                AlphaMetadata.Row(alphaID: "A,1", region: usa, type: nil, values: ["-0.5", nil]),
            ])
    }

    @Test(
        "A wrong file is refused by line and column",
        arguments: [
            ("x.csv", "alpha_id,sharp\nA1,1\n", ["line 1", "'sharp'", "is_sharpe"]),
            ("x.csv", "sharpe\n1\n", ["line 1", "alpha_id is missing"]),
            ("x.csv", "alpha_id,sharpe,is_sharpe\nA1,1,1\n", ["line 1", "is_sharpe is there twice"]),
            (
                "x.csv", "alpha_id,sharpe\nA1,abc\nA2,inf\nA3,0x10\n",
                ["line 2, column is_sharpe", "'abc'", "line 3", "'inf'", "line 4"]
            ),
            ("x.csv", "alpha_id,delay\nA1,1.5\n", ["line 2, column delay", "'1.5'", "whole number"]),
            ("x.csv", "alpha_id,delay\nA1,3000000000\n", ["line 2, column delay", "whole number"]),
            (
                "x.csv", "alpha_id,universe\nA1,\(String(repeating: "U", count: 51))\n",
                ["line 2, column universe", "50 characters"]
            ),
            ("x.csv", "alpha_id,date_added\nA1,2023-02-29\n", ["line 2, column date_added", "2023-02-29"]),
            ("x.csv", "alpha_id,alpha_type\nA1,MEGA\n", ["line 2, column alpha_type", "REGULAR or SUPER"]),
            ("x.csv", "alpha_id,region\nA1,usa\n", ["line 2, column region", "'usa'", "capital letters"]),
            ("x.csv", "alpha_id,sharpe\nA1,1\nA1,2\n", ["line 3", "already given in line 2"]),
            ("x.csv", "alpha_id,sharpe\nA1,1,2\n", ["line 2", "3 fields, expected 2"]),
            ("x.csv", "alpha_id,code\nA1,\"rank(x\n", ["line 2, column 2", "quote is never closed"]),
            ("x.csv", "alpha_id,code\nA1,\"a\"b\n", ["line 2", "after the closing quote"]),
            ("x.csv", "alpha_id\n\(String(repeating: "A", count: 51))\n", ["line 2, column alpha_id", "51 bytes"]),
            ("x.csv", "alpha_id\n", ["no alphas"]), ("x.csv", "", ["empty"]),
            ("x.json", "{\"alpha_id\": \"A1\"}", ["array of objects"]), ("x.json", "[{\"alpha_id\": ", ["JSON"]),
            ("x.json", "[{\"alpha_id\": \"A1\"}, {\"alpha_id\": \"A2\", \"sharpe\": [1]}]", ["element 2", "sharpe"]),
            ("x.json", "[{\"alpha_id\": \"A1\", \"foo\": 1}]", ["element 1", "'foo'"]),
            ("x.json", "[{\"alpha_id\": \"A1\", \"sharpe\": \"high\"}]", ["element 1, column is_sharpe", "'high'"]),
            ("x.json", "[{\"sharpe\": 1}]", ["element 1, column alpha_id", "empty"]),
            ("x.txt", "alpha_id\nA1\n", [".csv or .json"]),
        ])
    func wrong(name: String, text: String, parts: [String]) throws {
        let error = try #require(gridError { _ = try read(name, text) })
        #expect(error.kind == .usage)
        for part in [name] + parts { #expect(error.message.contains(part), "'\(part)' in: \(error.message)") }
    }

    @Test("Many bad rows are counted, and only the first of them are told")
    func manyBadRows() throws {
        let rows = (1...100).map { "A\($0),x" }.joined(separator: "\n")
        let error = try #require(gridError { _ = try read("x.csv", "alpha_id,sharpe\n\(rows)\n") })
        #expect(error.message.contains("line \(Limits.errorsReportedMax + 1),"))
        #expect(!error.message.contains("line \(Limits.errorsReportedMax + 2),"))
        #expect(error.message.hasSuffix("and \(100 - Limits.errorsReportedMax) more"))
    }
}
