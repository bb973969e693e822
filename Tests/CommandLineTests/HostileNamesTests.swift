import Foundation
import Testing

@testable import alphagrid

/// Names on the command line and in files: each is a name, never a statement, a path or a command to a terminal.
@Suite struct HostileNamesTests {
    private static let names = [
        "USA; DROP TABLE alphas; --", "USA' OR '1'='1", "../USA", "USA/../CHN", "usa", "$(id)", "USA\u{1B}[2J",
    ]

    /// Nobody listens there: what gets as far as asking ends otherwise.
    private static let nowhere = [
        "ALPHAGRID_DATABASE": "postgresql://nobody@127.0.0.1:1/none", "ALPHAGRID_URL": "http://127.0.0.1:1",
    ]

    @Test(
        "A region that is none is refused before anybody is asked, by every command that takes one",
        arguments: [
            ["db", "import", "FILE", "--region", "REGION"], ["db", "import-alphas", "ALPHAS", "--region", "REGION"],
            ["db", "configure", "--region", "REGION", "--window", "4y"], ["db", "pools", "list", "--region", "REGION"],
            ["db", "remove", "--region", "REGION"], ["db", "promote", "--region", "REGION"],
            ["run", "correlation", "--region", "REGION"], ["check", "FILE", "--region", "REGION"],
            ["explain", "A", "B", "--region", "REGION"], ["results", "correlation", "--region", "REGION"],
            ["expressions", "duplicates", "--region", "REGION"], ["features", "--region", "REGION"],
        ])
    func regions(command: [String]) throws {
        let scratch = try Scratch()
        let file = try scratch.write("date,A\n2024-01-02,1\n", to: "pnl.csv")
        let alphas = try scratch.write("alpha_id\nA\n", to: "alphas.csv")
        for name in Self.names {
            let arguments = command.map { ["FILE": file, "ALPHAS": alphas, "REGION": name][$0] ?? $0 }
            let run = try Run(arguments, environment: Self.nowhere)
            #expect(run.status == 2, "\(arguments): \(run.status) \(run.errors)")
            #expect(!run.errors.contains("\u{1B}") && run.output == "", "\(arguments)")
        }
    }

    /// Quoted by scalar, as everybody but Swift's characters sees it.
    private static func csv(_ text: String) -> String {
        "\"" + text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
    }

    @Test("Ids like paths, formulas and escape sequences are values of the result, quoted where CSV needs it, and open no file")
    func ids() throws {
        let scratch = try Scratch()
        let ids = ["../../escape", "/etc/passwd", "=cmd|' /C calc'!A0", "a,b", "say \"hi\"", "$(touch x)", "q\"\u{301},b"]
        var text = "date," + ids.map { Self.csv($0) }.joined(separator: ",") + "\n"
        for day in 1...9 {
            text += "2024-01-0\(day)," + ids.indices.map { "\((day * (37 + 11 * $0)) % 17)" }.joined(separator: ",") + "\n"
        }
        let file = try scratch.write(text, to: "pnl.csv")
        let run = try Run([
            "correlate", file, "--window", "all", "--min-overlap", "3", "--format", "csv", "--out", scratch.path + "/out.csv",
            "--quiet",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let rows = try scratch.read("out.csv").split(separator: "\n").dropFirst()
        #expect(rows.count == ids.count)
        #expect(rows.first?.hasPrefix("../../escape,") == true && rows.contains { $0.hasPrefix("\"a,b\",") })
        // The accent stands behind two quotes in the file, or the field would end there.
        #expect(rows.contains { $0.unicodeScalars.starts(with: "\"q\"\"\u{301},b\",".unicodeScalars) }, "\(rows)")
        #expect(scratch.names == ["out.csv", "pnl.csv"])
    }

    @Test("Ids of one text in different bytes are different alphas, each with neighbours of its own")
    func sameText() throws {
        let scratch = try Scratch()
        var text = "date,caf\u{E9},cafe\u{301},B\n"
        for day in 1...9 { text += "2024-01-0\(day),\(day * day),\((day * 37) % 17),\((day * 48) % 17)\n" }
        let file = try scratch.write(text, to: "pnl.csv")
        let run = try Run([
            "correlate", file, "--window", "all", "--min-overlap", "3", "--top", "1", "--format", "csv", "--quiet",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let rows = run.output.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
        // The summary, and an id, r and days of one alpha at either end.
        #expect(rows.map(\.count) == [12, 12, 12])
        for row in rows { #expect(!row[6].utf8.elementsEqual(row[0].utf8) && !row[9].utf8.elementsEqual(row[0].utf8), "\(row)") }
    }

    @Test("A value with a minus sign that is no dash is complained of as it is")
    func minusSign() throws {
        let scratch = try Scratch()
        let file = try scratch.write("date,A,B\n2024-01-01,\u{2212}5,2\n", to: "pnl.csv")
        let run = try Run(["correlate", file])
        #expect(run.status == 2 && run.errors.contains("'\u{2212}5' is not a number"), "\(run.errors)")
    }

    @Test("A file is written exactly where --out says, or not at all")
    func out() throws {
        let scratch = try Scratch()
        let file = try scratch.write("date,A,B\n2024-01-01,1,2\n2024-01-02,2,1\n2024-01-03,4,4\n", to: "pnl.csv")
        try FileManager.default.createDirectory(atPath: scratch.path + "/folder", withIntermediateDirectories: false)
        for (out, status) in [("folder", 2), ("none/out.csv", 3), ("pnl.csv/out.csv", 1), ("a\nb.csv", 0)] {
            let arguments = [
                "correlate", file, "--window", "all", "--min-overlap", "2", "--quiet", "--out", "\(scratch.path)/\(out)",
            ]
            let run = try Run(arguments)
            #expect(run.status == Int32(status), "\(out): \(run.status) \(run.errors)")
            #expect(run.errors.split(separator: "\n").count <= 1, "\(run.errors)")
        }
        #expect(scratch.names == ["a\nb.csv", "folder", "pnl.csv"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/folder").isEmpty)
    }

    @Test("A name with control characters never reaches the terminal as it is")
    func terminal() throws {
        let scratch = try Scratch()
        for arguments in [
            ["correlate", "\(scratch.path)/no\u{1B}]0;owned\u{7}.csv"], ["up", "--state", "\(scratch.path)/pnl.csv/\u{1B}[2J"],
            ["db", "import", "\(scratch.path)/\u{1B}[2J.csv", "--region", "USA"], ["run", "\u{1B}[2J", "--region", "USA"],
            ["jobs", "show", "\u{1B}[2J"], ["workers", "drain", "a\u{1B}[2Jb"],
        ] {
            try scratch.write("x", to: "pnl.csv")
            let run = try Run(arguments, environment: Self.nowhere)
            #expect(run.status != 0 && !run.errors.isEmpty, "\(arguments)")
            #expect(
                !run.errors.contains("\u{1B}") && !run.output.contains("\u{1B}"), "\(arguments): \(run.errors.debugDescription)")
        }
    }
}
