import ArgumentParser
import ClusterModel
import Testing

@testable import alphagrid

struct ResultsCommandTests {
    @Test("Rows are CSV with one line each, texts quoted where they must be and nothing where nothing is known")
    func csv() throws {
        let page = someResults(ResultRequest(.selection), try Region("USA"))
        #expect(ResultsCommand.csv(page) == "alpha_id,weight,is_chosen\n\"A,1\",0.25,true\nB,,false\n")
    }

    @Test("A table leaves out columns in which nothing stands, and shows all names when there are no rows")
    func table() throws {
        var page = someResults(ResultRequest(.selection), try Region("USA"))
        page.rows = [[.text("A"), .null, .bool(true)]]
        #expect(ResultsCommand.table(page).lines() == ["ALPHA_ID  IS_CHOSEN", "A         true"])
        page.rows = []
        #expect(ResultsCommand.table(page).lines() == ["ALPHA_ID  WEIGHT  IS_CHOSEN"])
    }

    @Test("Lists stand in a cell as JSON")
    func lists() {
        #expect(ResultsCommand.cell(.array([.whole(1), .number(0.5), .null])) == "[1,0.5,null]")
    }

    @Test(
        "What cannot be asked for is refused before a coordinator is asked",
        arguments: [
            (["guesses", "--region", "USA"], "guesses"), (["clusters", "--region", "usa"], "usa"),
            (["clusters", "--region", "USA", "--limit", "-1"], "--limit"),
            (["clusters", "--region", "USA", "--job", "x"], "'x'"),
        ])
    func refusals(arguments: [String], named: String) async throws {
        let command = try ResultsCommand.parse(
            arguments + ["--url", "http://127.0.0.1:9"])
        let error = await #expect(throws: GridError.self) { try await command.run() }
        #expect(error?.message.contains(named) == true && error?.kind != .unreachable, "\(error?.message ?? "")")
    }
}
