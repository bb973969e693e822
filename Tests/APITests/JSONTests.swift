import ClusterModel
import Foundation
import Requests
import Testing

@testable import API

@Suite struct JSONTests {
    @Test("What the server encodes is what the command line decodes, ids included")
    func roundTrip() throws {
        var job = FakeGrid.jobs([5])[0]
        job.digest = "ab"
        job.etaSeconds = 1.5
        job.warnings = ["alpha X is constant"]
        let list = JobList(jobs: [job], nextBefore: JobID(5))
        let data = try GridJSON.encode(list)
        #expect(try GridJSON.decode(JobList.self, from: data) == list)
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.contains(#""job_id":5"#) && text.contains(#""eta_seconds":1.5"#))
        #expect(!text.contains("error"))
    }

    @Test("Worker and status survive the round trip")
    func views() async throws {
        let grid = FakeGrid()
        let workers = WorkerList(workers: try await grid.workers())
        #expect(try GridJSON.decode(WorkerList.self, from: try GridJSON.encode(workers)) == workers)
        let status = try await grid.status()
        #expect(try GridJSON.decode(StatusView.self, from: try GridJSON.encode(status)) == status)
        var request = JobRequest(kind: "correlation", region: "USA")
        request.minOverlap = 20
        request.blockEdge = 64
        #expect(try JobRequest(decoding: try GridJSON.encode(request)) == request)
    }

    @Test("Keys turn into property names", arguments: [("job_id", "jobID"), ("id", "id"), ("min_overlap", "minOverlap")])
    func names(key: String, property: String) {
        #expect(GridJSON.propertyName(key) == property)
    }
}
