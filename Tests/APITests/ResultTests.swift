import ClusterModel
import Foundation
import HTTPTypes
import Requests
import Testing

@testable import API

struct ResultTests {
    @Test("Rows of a result come as the grid gives them, with what was asked for taken from the query")
    func rows() async throws {
        let grid = FakeGrid()
        let answer = try await send(
            Call(.get, "/v1/regions/USA/results/clusters?job=7&method=umap&alpha_id=A%26B&limit=5&offset=10"), to: grid)
        #expect(answer.status == 200)
        var expected = ResultRequest(.clusters, limit: 5, offset: 10)
        expected.job = JobID(7)
        expected.method = "umap"
        expected.alphaID = "A&B"
        #expect(await grid.calls == [.results(expected, try Region("USA"))])
        let row = try #require((answer.json["rows"] as? [[Any]])?.first)
        #expect(row[0] as? String == "A" && row[1] is NSNull && row[2] as? [Double] == [0.5, 2])
        #expect(answer.json["next_offset"] as? Int == 1 && answer.json["table"] as? String == "alpha_clusters_usa")
    }

    @Test("Filters, sort, columns and what the alphas are come from the query, filters several times")
    func filters() async throws {
        let grid = FakeGrid()
        let query =
            "filter=max_correlation:lt:0.3&filter=alpha_id:ne:A%3AB&filter=label:null&sort=-min_correlation,alpha_id"
            + "&columns=alpha_id,label&universe=TOP3000&delay=1&type=SUPER"
        #expect(try await send(Call(.get, "/v1/regions/USA/results/clusters?\(query)"), to: grid).status == 200)
        var expected = ResultRequest(.clusters)
        expected.filters = [
            ResultFilter("max_correlation", .lt, "0.3"), ResultFilter("alpha_id", .ne, "A:B"), ResultFilter("label", .null),
        ]
        expected.sort = [SortKey("min_correlation", isDescending: true), SortKey("alpha_id")]
        expected.columns = ["alpha_id", "label"]
        (expected.universe, expected.delay, expected.type) = ("TOP3000", 1, "SUPER")
        #expect(await grid.calls == [.results(expected, try Region("USA"))])
    }

    @Test("Rows are CSV or NPY where the query or the header Accept says so, and may be more then")
    func files() async throws {
        let grid = FakeGrid()
        let path = "/v1/regions/USA/results/clusters"
        let csv = try await send(Call(.get, path + "?format=csv"), to: grid)
        #expect(csv.text == "alpha_id,label,coordinates\nA,,\"[0.5,2]\"\n")
        #expect(csv.headers[.contentType] == "text/csv; charset=utf-8" && csv.headers[.nextOffset] == "1")
        #expect(try await send(Call(.get, path), to: grid, accept: "text/html, text/csv;q=0.9").text == csv.text)
        #expect(try await send(Call(.get, path), to: grid, accept: "text/*").text == csv.text)
        #expect(try await send(Call(.get, path), to: grid, accept: "application/*").json["table"] != nil)
        let npy = try await send(Call(.get, path), to: grid, accept: "application/octet-stream")
        #expect(npy.text.contains("[('alpha_id', '|S1'), ('label', '<f8')]") && npy.text.contains("'shape': (1,)"))
        #expect(try await send(Call(.get, path), to: grid, accept: "*/*").json["table"] != nil)
        expectProblem(try await send(Call(.get, path), to: grid, accept: "image/png"), 406, "Not Acceptable")
        #expect(await grid.calls.first == .results(ResultRequest(.clusters, limit: Limits.resultFileRowsMax), try Region("USA")))
    }

    @Test("Regions, alphas, PnL, windows of the matrix and usage are JSON as the grid gives them")
    func regions() async throws {
        let grid = FakeGrid()
        let region = try #require(
            (try await send(Call(.get, "/v1/regions"), to: grid).json["regions"] as? [[String: Any]])?.first)
        #expect((region["alphas"] as? [String: Int]) == ["submitted": 3, "unsubmitted": 1])
        #expect((region["results"] as? [[String: Any]])?.first?["result"] as? String == "cluster-methods")
        let alpha = try await send(Call(.get, "/v1/regions/USA/alphas/A%2FB"), to: grid)
        #expect(alpha.json["alpha_id"] as? String == "A/B" && (alpha.json["metadata"] as? [String: Double]) == ["is_sharpe": 1.5])
        #expect((alpha.json["code_marks"] as? [[String: Any]])?.last?["kind"] as? String == "field")
        #expect((alpha.json["most_correlated"] as? [[String: Any]])?.first?["n"] as? Int == 250)
        expectProblem(try await send(Call(.get, "/v1/regions/USA/alphas/NOBODY"), to: grid), 404, "Not Found")
        let pnl = try await send(Call(.get, "/v1/regions/USA/alphas/A/pnl?pool=p"), to: grid)
        #expect((pnl.json["pnl"] as? [Any])?[1] is NSNull && (pnl.json["dates"] as? [String])?.count == 2)
        let usage = try await send(Call(.get, "/v1/regions/USA/usage"), to: grid)
        #expect((usage.json["operators"] as? [[String: Any]])?.first?["alphas"] as? Int == 2)
        let window = try await send(
            Call(.get, "/v1/regions/USA/matrix?rows=0:2&columns=1:2&size=7&order=cluster&method=umap&pool=p&window=1y"), to: grid)
        #expect((window.json["values"] as? [[Any]])?[0][1] is NSNull && (window.json["row_ids"] as? [String]) == ["A", "B"])
        var asked = MatrixRequest()
        (asked.rows, asked.columns, asked.size, asked.order) = (0..<2, 1..<2, 7, .cluster)
        (asked.method, asked.pool, asked.window) = ("umap", "p", "1y")
        #expect(await grid.calls.last == .matrix(asked, try Region("USA")))
        let npy = try await send(Call(.get, "/v1/regions/USA/matrix?format=npy&alphas=B,A"), to: grid)
        #expect(npy.text.contains("'shape': (2, 2)"))
    }

    @Test("Workers are filtered, sorted and paged, equal ones by name; jobs as the grid has them")
    func lists() async throws {
        let workers = ["a", "b", "c"].map { name in
            WorkerView(
                worker: name, host: name == "c" ? "h2" : "h1", processID: 1, version: "", profile: "",
                state: name == "b" ? "lost" : "connected", slots: name == "c" ? 4 : 2, running: 0, queued: 0, tasksDone: 0,
                tasksFailed: 0, memoryBytes: 0, cachedBytes: 0, gigaflopsPerSecond: 0, heartbeatAgeSeconds: 0)
        }
        func names(_ query: String) throws -> [String] {
            let query = try QueryParameters(query, names: WorkersRequest.queryNames)
            return try WorkersRequest(query).page(of: workers).workers.map(\.worker)
        }
        #expect(try names("sort=-slots") == ["c", "a", "b"] && names("sort=slots") == ["a", "b", "c"])
        #expect(try names("state=connected") == ["a", "c"] && names("host=h1&state=lost,connected") == ["a", "b"])
        #expect(try names("sort=-worker&limit=1&offset=1") == ["b"] && names("offset=9") == [])
        let grid = FakeGrid()
        let page = try await send(
            Call(.get, "/v1/jobs?state=running,queued,paused&kind=correlation&region=USA&sort=-priority&limit=2&offset=2"),
            to: grid)
        #expect(page.json["next_offset"] as? Int == 4 && page.json["next_before"] == nil)
        var asked = JobsRequest(limit: 3)
        (asked.states, asked.kind, asked.region, asked.offset) = ([.running, .queued], "correlation", "USA", 2)
        asked.paused = true
        asked.sort = SortKey("priority", isDescending: true)
        #expect(await grid.calls == [.jobs(asked)])
        #expect(try await send(Call(.get, "/v1/jobs?before=2&sort=priority"), to: grid).status == 400)
    }

    @Test(
        "A result, a region or a parameter that is none is refused before the grid is asked",
        arguments: [
            ("/v1/regions/USA/results/guesses", 404), ("/v1/regions/usa/results/clusters", 400),
            ("/v1/regions/USA/results/clusters?limit=0", 400), ("/v1/regions/USA/results/clusters?job=x", 400),
            ("/v1/regions/USA/results/clusters?order=label", 400), ("/v1/regions/USA/results/clusters?offset=-1", 400),
            ("/v1/regions/USA/results/clusters?filter=label", 400), ("/v1/regions/USA/results/clusters?filter=label:is:1", 400),
            ("/v1/regions/USA/results/clusters?filter=label:lt", 400), ("/v1/regions/USA/results/clusters?sort=a,,b", 400),
            ("/v1/regions/USA/results/clusters?filter=label:null:1", 400), ("/v1/regions/USA/results/clusters?format=xml", 400),
            ("/v1/regions/USA/results/clusters?limit=10001", 400), ("/v1/regions/USA/matrix?order=named", 400),
            ("/v1/regions/USA/matrix?order=id&alphas=A", 400), ("/v1/regions/USA/matrix?rows=5:5", 400),
            ("/v1/regions/USA/matrix?rows=-1:5", 400), ("/v1/regions/USA/matrix?size=0", 400),
            ("/v1/regions/USA/matrix?format=csv", 400), ("/v1/regions/usa/usage", 400),
        ])
    func refused(path: String, status: Int) async throws {
        let grid = FakeGrid()
        #expect(try await send(Call(.get, path), to: grid).status == status)
        #expect(await grid.calls.isEmpty)
    }
}
