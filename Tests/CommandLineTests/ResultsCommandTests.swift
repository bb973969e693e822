import API
import ArgumentParser
import ClusterModel
import Requests
import Testing

@testable import alphagrid

struct ResultsCommandTests {
    @Test("Rows are CSV with one line each, texts quoted where they must be and nothing where nothing is known")
    func csv() throws {
        let page = someResults(ResultRequest(.selection), try Region("USA"))
        let csv = String(decoding: ResultFile.csv(page), as: UTF8.self)
        #expect(csv == "alpha_id,weight,is_chosen\n\"A,1\",0.25,true\nB,,false\n")
    }

    @Test("A table leaves out columns in which nothing stands, and shows all names when there are no rows")
    func table() throws {
        var page = someResults(ResultRequest(.selection), try Region("USA"))
        page.rows = [[.text("A"), .null, .bool(true)]]
        #expect(ResultsCommand.table(page).lines() == ["ALPHA_ID  IS_CHOSEN", "A         true"])
        page.rows = []
        #expect(ResultsCommand.table(page).lines() == ["ALPHA_ID  WEIGHT  IS_CHOSEN"])
    }

    @Test("A list that goes on says how much of it is shown")
    func more() {
        let next = "ask for more with --limit, or for all with --limit 0"
        #expect(ResultsCommand.more(than: 3, of: 4) == "3 of 4 rows are shown: \(next)")
        #expect(ResultsCommand.more(than: 3, of: nil).hasPrefix("there are more than 3 rows: ask"))
    }

    @Test("Lists stand in a cell as JSON")
    func lists() {
        #expect(ResultFile.cell(.array([.whole(1), .number(0.5), .null])) == "[1,0.5,null]")
    }

    @Test("Filters are written as people write them, or as the address has them")
    func filters() throws {
        let cases: [(String, ResultFilter)] = [
            ("max_correlation<0.3", ResultFilter("max_correlation", .lt, "0.3")),
            ("max_correlation >= -0.3", ResultFilter("max_correlation", .ge, "-0.3")),
            ("alpha_id != A=B", ResultFilter("alpha_id", .ne, "A=B")), ("label==0", ResultFilter("label", .eq, "0")),
            ("label = 0", ResultFilter("label", .eq, "0")), ("label null", ResultFilter("label", .null)),
            ("label notnull", ResultFilter("label", .notnull)), ("label:le:2", ResultFilter("label", .le, "2")),
        ]
        for (text, filter) in cases { #expect(try ResultFilter(written: text) == filter, "\(text)") }
        for text in ["", "label", "<3", "label is 3", "null", "Label<3", "label:3", "a\nb<3", "label<\n"] {
            #expect(throws: GridError.self, "\(text)") { try ResultFilter(written: text) }
        }
    }

    @Test(
        "What cannot be asked for is refused before a coordinator is asked",
        arguments: [
            (["guesses", "--region", "USA"], "guesses"), (["clusters", "--region", "usa"], "usa"),
            (["clusters", "--region", "USA", "--limit", "-1"], "--limit"),
            (["clusters", "--region", "USA", "--job", "x"], "'x'"),
            (["clusters", "--region", "USA", "--filter", "label~3"], "'label~3'"),
            (["clusters", "--region", "USA", "--sort", "Label"], "'Label'"),
            (["clusters", "--region", "USA", "--format", "npy"], "--out"),
            (["clusters", "--region", "USA", "--out", "/nowhere/x.csv"], "/nowhere"),
        ])
    func refusals(arguments: [String], named: String) async throws {
        let command = try ResultsCommand.parse(
            arguments + ["--url", "http://127.0.0.1:9"])
        let error = await #expect(throws: GridError.self) { try await command.run() }
        #expect(error?.message.contains(named) == true && error?.kind != .unreachable, "\(error?.message ?? "")")
    }

    /// A result of five rows in pages of two, which a job replaces before a page is read, as often as is said.
    private final class Replaced {
        private(set) var version: Int64 = 1
        private(set) var pages = 0
        var timesLeft: Int

        init(times: Int) { timesLeft = times }

        func page(_ request: ResultRequest) -> ResultPage {
            pages += 1
            if request.offset > 0, timesLeft > 0 {
                timesLeft -= 1
                version += 1
            }
            let end = min(5, request.offset + request.limit)
            let rows = (request.offset..<end).map { [JSONValue.whole(Int64($0) + 10 * version)] }
            return ResultPage(
                region: "USA", result: .correlation, table: "correlation_usa", columns: ["n"], rows: rows,
                nextOffset: request.offset + rows.count < 5 ? request.offset + rows.count : nil)
        }

        func published() -> [RegionView.Result] {
            [.init(result: .correlation, rows: 5, jobID: JobID(version), lastUpdated: nil)]
        }
    }

    @Test("Rows that take several pages are of one publication", arguments: [(0, 3), (1, 6), (2, 6)])
    func oneVersion(times: Int, pages: Int) async throws {
        let grid = Replaced(times: times)
        let page = try await ResultsCommand.read(ResultRequest(.correlation, limit: 2), rowsWanted: 0) {
            grid.page($0)
        } published: {
            grid.published()
        }
        #expect(page.rows == (0..<5).map { [.whole($0 + 10 * grid.version)] } && page.nextOffset == nil)
        #expect(grid.pages == pages)
    }

    @Test("Rows that never stay the same are an error, and a single page needs no second look")
    func neverTheSame() async throws {
        let grid = Replaced(times: 99)
        let error = await #expect(throws: GridError.self) {
            try await ResultsCommand.read(ResultRequest(.correlation, limit: 2), rowsWanted: 4) {
                grid.page($0)
            } published: {
                grid.published()
            }
        }
        #expect(error?.kind == .conflict && error?.message.contains("try again") == true)
        let one = try await ResultsCommand.read(ResultRequest(.correlation, limit: 2), rowsWanted: 2) {
            grid.page($0)
        } published: {
            throw GridError(.failed, "nobody asks")
        }
        #expect(one.rows.count == 2 && one.nextOffset == 2)
    }
}
