import ClusterModel
import Messaging
import Testing

@testable import Service

@Suite("A job that is taken up again")
struct ActiveJobTests {
    private static let view = JobView(
        jobID: JobID(7), kind: "correlation", region: "USA", pool: "submitted", state: .running, priority: 0,
        convention: "ffill-shift", window: "4y", minOverlap: 60, precision: "float64", blockEdge: 256,
        submittedAt: "2025-01-02T03:04:05Z")

    @Test("It keeps when it started, and says when and how often it was taken up again and what was kept")
    func resumed() {
        var view = Self.view
        view.startedAt = "2025-01-02T03:04:06Z"
        view.takeUpAgain(at: "2025-01-02T03:05:00Z")
        view.note(partialsKept: 12)
        #expect(view.state == .queued && view.resumed == 1 && view.resumedAt == "2025-01-02T03:05:00Z" && view.partialsKept == 12)
        view.takeUpAgain(at: "2025-01-02T03:06:00Z")
        #expect(view.resumed == 2 && view.partialsKept == nil, "not known yet")
        let job = ActiveJob(view)
        #expect(job.advance(to: .planning))
        #expect(job.view.startedAt == "2025-01-02T03:04:06Z")
        let progress = JobDriver.Progress(partialsKept: 5)
        #expect(job.view(driver: progress, stage: nil, now: .now()).partialsKept == 5)
    }

    @Test("One that nobody had begun is merely queued, and starts when it does")
    func queued() {
        var view = Self.view
        view.takeUpAgain(at: "2025-01-02T03:05:00Z")
        view.note(partialsKept: 0)
        #expect(view.resumed == nil && view.resumedAt == nil && view.partialsKept == nil)
        let job = ActiveJob(view)
        #expect(job.advance(to: .planning) && job.view.startedAt != nil)
    }
}
