import ClusterModel
import Testing

@testable import Store

@Suite struct ImportAlphasTests {
    private let database: TestDatabase
    private let files: TestFiles
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        files = try TestFiles()
    }

    private func importFile(
        _ name: String, _ text: String, region: Region? = nil, unsubmitted: Bool = false
    ) throws -> ImportReport {
        try store.importAlphas(path: files.file(name, text), region: region, unsubmitted: unsubmitted)
    }

    @Test("CSV fills the columns it names, short names included, with code that holds commas, quotes and line ends")
    func csv() throws {
        let lines = [
            "alpha_id,sharpe,is_turnover,universe,delay,longcount,code,alpha_type,date_added",
            #"A1,1.75,0.1891,TOP3000,1,1200.0,"rank(close, 2);\#n""x""\#t",SUPER,2024-02-29T16:30:00+01:00"#,
            #"A2,,,TOP500,,,"",,"#, "",
        ]
        let text = lines.joined(separator: "\r\n")
        let report = try importFile("meta.csv", text, region: usa)
        #expect((report.alphas, report.rowsInserted, report.rowsUpdated, report.rowsUnchanged) == (2, 2, 0, 0))
        let row = try #require(
            database.sql(
                """
                SELECT is_sharpe, is_turnover, universe, delay, is_longcount, code, alpha_type, date_added, region_name
                FROM alphas JOIN regions USING (region_id) WHERE alpha_id = 'A1'
                """
            ).first)
        #expect(
            row == ["1.75", "0.1891", "TOP3000", "1", "1200", "rank(close, 2);\n\"x\"\t", "SUPER", "2024-02-29 15:30:00", "USA"])
        #expect(
            try database.sql("SELECT is_sharpe, universe, alpha_type, code FROM alphas WHERE alpha_id = 'A2'")
                == [[nil, "TOP500", "REGULAR", nil]])
    }

    @Test("What a file leaves out stays, what it says replaces, and the same file again changes nothing")
    func merge() throws {
        _ = try importFile("a.csv", "alpha_id,sharpe,universe\nA1,1,TOP3000\nA2,2,TOP500\n", region: usa)
        let text = "alpha_id,universe,fitness\nA1,,0.5\nA2,TOP500,\n"
        let report = try importFile("b.csv", text)
        #expect((report.rowsInserted, report.rowsUpdated, report.rowsUnchanged) == (0, 1, 1))
        let again = try importFile("b.csv", text)
        #expect((again.rowsInserted, again.rowsUpdated, again.rowsUnchanged) == (0, 0, 2))
        #expect(
            try database.sql("SELECT is_sharpe, universe, is_fitness FROM alphas ORDER BY alpha_id")
                == [["1", "TOP3000", "0.5"], ["2", "TOP500", nil]])
    }

    @Test("JSON takes numbers, text and null, and a region per alpha")
    func json() throws {
        let text = """
            [{"alpha_id": "A1", "region": "USA", "is_sharpe": 1.5, "decay": 5, "delay": 1, "code": "a\\nb"},
             {"alpha_id": "A2", "region": "CHN", "is_sharpe": null, "universe": "TOP200"}]
            """
        let report = try importFile("meta.json", text)
        #expect(report.rowsInserted == 2 && report.region == nil)
        #expect(
            try database.sql(
                """
                SELECT alpha_id, region_name, is_sharpe, decay, delay, code, universe
                FROM alphas JOIN regions USING (region_id) ORDER BY 1
                """
            )
                == [
                    ["A1", "USA", "1.5", "5", "1", "a\nb", nil], ["A2", "CHN", nil, nil, nil, nil, "TOP200"],
                ])
    }

    @Test("Metadata of unsubmitted alphas goes to their own table")
    func unsubmitted() throws {
        _ = try importFile("u.csv", "alpha_id,sharpe,alpha_type\nU1,1.5,UNSUBMITTED\n", region: usa, unsubmitted: true)
        #expect(
            try database.sql("SELECT alpha_id, is_sharpe, alpha_type FROM alphas_unsubmitted") == [["U1", "1.5", "UNSUBMITTED"]])
        let error = try #require(gridError { _ = try importFile("s.csv", "alpha_id\nU1\n", region: usa) })
        #expect(error.kind == .conflict && error.message.contains("alpha U1 is unsubmitted"))
    }

    @Test("Nothing of a file with one bad row is applied, not even its region")
    func nothingApplied() throws {
        let text = "alpha_id,region,sharpe\nA1,USA,1\nA2,CHN,x\n"
        let error = try #require(gridError { _ = try importFile("x.csv", text) })
        #expect(error.kind == .usage && error.message.contains("line 3, column is_sharpe"))
        #expect(try database.value("SELECT count(*) FROM alphas") == "0")
        #expect(try database.value("SELECT count(*) FROM regions") == "0")
    }

    @Test("A new alpha without region is refused, one of another region too")
    func regions() throws {
        let homeless = try #require(gridError { _ = try importFile("a.csv", "alpha_id,sharpe\nA1,1\n") })
        #expect(homeless.kind == .usage && homeless.message.contains("alpha A1 is new and has no region"))
        _ = try importFile("a.csv", "alpha_id\nA1\n", region: usa)
        let other = try #require(gridError { _ = try importFile("a.csv", "alpha_id\nA1\n", region: chn) })
        #expect(other.kind == .conflict && other.message.contains("belongs to region USA"))
        #expect(try database.sql("SELECT region_name FROM regions") == [["USA"]])
        let flag = try #require(gridError { _ = try importFile("a.csv", "alpha_id,region\nB1,CHN\n", region: usa) })
        #expect(flag.kind == .usage && flag.message.contains("is of region CHN, not of USA"))
    }
}
