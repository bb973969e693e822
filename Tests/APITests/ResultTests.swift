import ClusterModel
import Foundation
import HTTPTypes
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

    @Test(
        "A result, a region or a parameter that is none is refused before the grid is asked",
        arguments: [
            ("/v1/regions/USA/results/guesses", 404), ("/v1/regions/usa/results/clusters", 400),
            ("/v1/regions/USA/results/clusters?limit=0", 400), ("/v1/regions/USA/results/clusters?job=x", 400),
            ("/v1/regions/USA/results/clusters?order=label", 400), ("/v1/regions/USA/results/clusters?offset=-1", 400),
        ])
    func refused(path: String, status: Int) async throws {
        let grid = FakeGrid()
        #expect(try await send(Call(.get, path), to: grid).status == status)
        #expect(await grid.calls.isEmpty)
    }
}
