import ArgumentParser
import ClusterModel
import Foundation
import Testing

@testable import alphagrid

/// `alphagrid features` on a file of two alphas: one with three returns of 1, -2 and 3 %, one without any.
@Suite struct FeaturesCommandTests {
    private func output(_ format: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("features-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = """
            date,"A,1",B
            2024-01-02,0,5
            2024-01-03,100000,
            2024-02-01,-100000,
            2024-02-02,200000,

            """
        let (input, out) = (folder.path + "/pnl.csv", folder.path + "/out")
        try text.write(toFile: input, atomically: true, encoding: .utf8)
        try FeaturesCommand.parse([input, "--window", "all", "--format", format, "--out", out, "--workers", "1", "--quiet"]).run()
        return try String(contentsOfFile: out, encoding: .utf8)
    }

    @Test("CSV has a column for every feature, dates as dates, counts as whole numbers and nothing where undefined")
    func csv() throws {
        let lines = try output("csv").split(separator: "\n").map(String.init)
        #expect(lines.count == 3 && lines[0] == FeaturesReport.csvHeader)
        #expect(lines[1].hasPrefix("\"A,1\",3,2024-01-03,2024-02-02,"))
        #expect(lines[2] == "B,0" + String(repeating: ",", count: AlphaFeature.count - 1))
    }

    @Test("JSON can be read by another parser, has a key for every feature, and says null where undefined")
    func json() throws {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(output("json").utf8)) as? [String: Any])
        #expect(object["alphas"] as? Int == 2 && (object["digest"] as? String)?.count == 64)
        #expect(object["window_start"] as? String == "2024-01-02" && object["convention"] as? String == "ffill-shift")
        let rows = try #require(object["rows"] as? [[String: Any]])
        #expect(Set(rows[0].keys) == Set(["alpha_id"] + AlphaFeature.allCases.map(\.name)))
        #expect(rows[0]["alpha_id"] as? String == "A,1" && rows[0]["end_date"] as? String == "2024-02-02")
        #expect(rows[0]["day_count"] as? Int == 3 && rows[0]["longest_loss_run"] as? Int == 1)
        #expect(abs((rows[0]["annual_return"] as? Double ?? 0) - 252 * 0.02 / 3) < 1e-12)
        #expect(rows[1]["sharpe"] is NSNull && rows[1]["start_date"] is NSNull && rows[1]["day_count"] as? Int == 0)
    }

    @Test("The table shows a few features of each alpha, and a dash where one is undefined")
    func table() throws {
        let lines = try output("table").split(separator: "\n")
        #expect(lines.count == 3 && lines[0].contains("max_drawdown") && lines[1].contains("-0.0200"))
        #expect(lines[2].split(separator: " ").suffix(3) == ["-", "-", "-"])
    }

    @Test("Every feature is described by its name, unit and meaning, and an input goes without that")
    func descriptions() throws {
        let lines = FeaturesCommand.descriptions
        #expect(lines.count == AlphaFeature.count + 1)
        for (feature, line) in zip(AlphaFeature.allCases, lines.dropFirst()) {
            #expect(line.hasPrefix(feature.name) && line.hasSuffix(feature.meaning.singleLine))
        }
        for arguments in [["pnl.csv", "--describe"], []] {
            #expect(throws: (any Error).self) { _ = try FeaturesCommand.parse(arguments) }
        }
    }

    @Test(
        "A convention that is a rule for pairs, no workers, and an output in no folder or over the input are refused",
        arguments: [
            ["--convention", "common-dates"], ["--convention", "ffill-diff"], ["--workers", "0"], ["--window", "soon"],
            ["--out", "/nowhere/at/all.csv"], ["--out", "./pnl.csv"],
        ])
    func refused(flags: [String]) throws {
        let command = try FeaturesCommand.parse(["pnl.csv", "--quiet"] + flags)
        let error = #expect(throws: GridError.self) { try command.run() }
        #expect(error?.kind == (flags[1].hasPrefix("/") ? .notFound : .usage))
    }
}
