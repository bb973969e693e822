import ClusterModel
import Foundation
import Testing

@testable import Service

struct WebhookExamplesTests {
    /// The messages that the README shows, by their events.
    private func examples() throws -> [String: [String: Any]] {
        let readme = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("README.md")
        let text = try String(contentsOf: readme, encoding: .utf8)
        var found: [String: [String: Any]] = [:]
        for block in text.components(separatedBy: "```json\n").dropFirst() {
            let json = try #require(block.components(separatedBy: "```").first)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            found[try #require(object["event"] as? String)] = object
        }
        return found
    }

    private func message(_ event: WebhookEvent) throws -> [String: Any] {
        var body = WebhookMessage.Body(event: event, sentAt: "2026-01-05T22:41:07.512Z")
        switch event {
        case .jobDone, .jobFailed:
            body.job = JobView(
                jobID: JobID(12), kind: "correlation", region: "USA", pool: "submitted", state: .done, priority: 0,
                convention: "ffill-shift", window: "4y", minOverlap: 60, precision: "float64", blockEdge: 256,
                submittedAt: "2026-01-05T22:30:00.120Z")
        case .alertCorrelation:
            let pair = AlertView(
                alertID: 7, region: "USA", alphaA: "A1", alphaB: "A2", correlation: 0.93, days: 740, jobID: JobID(12),
                createdAt: "2026-01-05T22:41:07.900Z")
            (body.region, body.jobID, body.threshold, body.pairs) = ("USA", JobID(12), 0.8, [pair])
        case .test: break
        }
        return try #require(try JSONSerialization.jsonObject(with: Data(body.encoded().utf8)) as? [String: Any])
    }

    @Test("The README shows a message of every event, with the fields that it has", arguments: WebhookEvent.allCases)
    func shown(event: WebhookEvent) throws {
        let (shown, real) = (try #require(try examples()[event.rawValue]), try message(event))
        #expect(Set(shown.keys) == Set(real.keys))
        if let job = real["job"] as? [String: Any], let example = shown["job"] as? [String: Any] {
            #expect(Set(job.keys).subtracting(example.keys) == [])
            // What this job does not have yet, any job may have.
            let later = [
                "started_at", "finished_at", "alpha_count", "day_count", "profile", "panel_hash", "digest", "result_table",
                "error",
            ]
            #expect(Set(example.keys).subtracting(job.keys).subtracting(later) == [])
        }
        let pairs = [shown, real].map { ($0["pairs"] as? [[String: Any]])?.first.map { Set($0.keys) } }
        #expect(pairs[0] == pairs[1])
    }
}
