import ClusterModel
import Panel
import Testing

@testable import Store

@Suite struct WebhookTests {
    private let database: TestDatabase
    private let epoch: Epoch
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        epoch = try database.store.takeEpoch(holder: "test")
        try store.ensureRegion(usa)
        try database.sql(
            "INSERT INTO alphas (alpha_id, region_id) SELECT a, region_id FROM regions, unnest('{A,B,C,D}'::text[]) a")
    }

    private func request() -> WebhookRequest {
        var request = WebhookRequest(url: "https://hooks.example.com/a?b", events: [.jobFailed, .alertCorrelation])
        (request.region, request.threshold) = ("USA", 0.9)
        return request
    }

    @Test("A webhook comes back without its secret, and goes with its messages")
    func roundTrip() throws {
        let made = try store.addWebhook(request(), secret: "hush", epoch: epoch)
        #expect(made.url == request().url && made.events == request().events && made.region == "USA" && made.threshold == 0.9)
        #expect(made.secret == nil)
        #expect(try store.webhooks().map(\.secret) == ["hush"])
        #expect(try store.enqueue(.test, [(made.webhookID, "{}"), (99, "{}")], epoch: epoch) == 0)
        #expect(try store.webhook(made.webhookID).deliveries?.map(\.state) == ["waiting"])
        #expect(try store.removeWebhook(made.webhookID, epoch: epoch).webhookID == made.webhookID)
        #expect(try database.value("SELECT count(*) FROM webhook_deliveries") == "0")
        #expect(throws: GridError.self) { try store.webhook(made.webhookID) }
    }

    @Test("The same messages do not go to one address twice; others may")
    func same() throws {
        let made = try store.addWebhook(request(), secret: "hush", epoch: epoch)
        var again = request()
        again.events.reverse()
        let error = #expect(throws: GridError.self) { try store.addWebhook(again, secret: "other", epoch: epoch) }
        #expect(error?.kind == .conflict && error?.message.contains("webhook \(made.webhookID) sends the same") == true)
        for change: (inout WebhookRequest) -> Void in [
            { $0.region = nil }, { $0.threshold = 0.8 }, { $0.events.removeLast() }, { $0.url += "c" },
        ] {
            var other = request()
            change(&other)
            _ = try store.addWebhook(other, secret: "hush", epoch: epoch)
        }
        #expect(try store.webhooks().count == 5)
    }

    @Test("A message that does not arrive comes again, ever later, and ends one way or the other")
    func deliveries() throws {
        let made = try store.addWebhook(request(), secret: "hush", epoch: epoch)
        _ = try store.enqueue(.jobFailed, [(made.webhookID, #"{"a":1}"#)], epoch: epoch)
        let due = try #require(try store.dueDeliveries(epoch: epoch).first)
        #expect(due.body == #"{"a":1}"# && due.secret == "hush" && due.tries == 0 && due.event == .jobFailed)
        #expect(try store.dueDeliveries(epoch: epoch).isEmpty, "it is under way")
        try store.finishDelivery(due, status: 500, error: "no", isLast: false, epoch: epoch)
        #expect(try store.webhook(made.webhookID).deliveries?.first?.error == "no")
        var pauses: [Double] = []
        for _ in 0..<3 {
            pauses.append(
                try #require(
                    Double(
                        try database.value(
                            "SELECT round(extract(epoch FROM next_at - clock_timestamp())) FROM webhook_deliveries") ?? "")))
            _ = try database.sql("UPDATE webhook_deliveries SET next_at = clock_timestamp()")
            #expect(try store.dueDeliveries(epoch: epoch).count == 1)
        }
        #expect(pauses[1] > 1.5 * pauses[0] && pauses[2] > 1.5 * pauses[1])
        try store.finishDelivery(due, status: 204, error: nil, isLast: false, epoch: epoch)
        let ended = try #require(try store.webhook(made.webhookID).deliveries?.first)
        #expect(ended.state == "delivered" && ended.status == 204 && ended.tries == 4 && ended.error == nil)
        _ = try database.sql("UPDATE webhook_deliveries SET next_at = clock_timestamp()")
        #expect(try store.dueDeliveries(epoch: epoch).isEmpty)
    }

    @Test("Each receiver gets one message at a time, the one that waits longest first")
    func onePerReceiver() throws {
        let hooks = try ["a", "b", "c"].map { name in
            var request = request()
            request.url += name
            return try store.addWebhook(request, secret: name, epoch: epoch).webhookID
        }
        for number in 0..<2 {
            for hook in hooks { _ = try store.enqueue(.jobDone, [(hook, "{\"n\":\(number)}")], epoch: epoch) }
        }
        func due(to webhook: Int64? = nil, besides busy: Set<Int64> = []) throws -> [String] {
            try store.dueDeliveries(to: webhook, besides: busy, epoch: epoch).map { "\($0.webhookID) \($0.body)" }.sorted()
        }
        #expect(try due(besides: [hooks[1]]) == [hooks[0], hooks[2]].map { "\($0) {\"n\":0}" })
        #expect(try due(to: hooks[2]) == ["\(hooks[2]) {\"n\":1}"])
        #expect(try due(to: hooks[2]) == [])
        #expect(try due() == ["\(hooks[0]) {\"n\":1}", "\(hooks[1]) {\"n\":0}"])
    }

    @Test("Messages that wait and messages that have ended are bounded")
    func bounds() throws {
        let made = try store.addWebhook(request(), secret: "hush", epoch: epoch)
        let many = Array(repeating: (made.webhookID, "{}"), count: Limits.deliveriesPerWebhookMax + 3)
        #expect(try store.enqueue(.jobDone, many, epoch: epoch) == 3)
        #expect(try store.enqueue(.jobDone, [(made.webhookID, "{}")], epoch: epoch) == 1)
        // Which is nobody else's trouble, as long as it is not everybody's.
        let others = try (0..<11).map { number in
            var other = request()
            other.url += "\(number)"
            return try store.addWebhook(other, secret: "hush", epoch: epoch).webhookID
        }
        for other in others.prefix(9) { _ = try store.enqueue(.jobDone, many.map { (other, $0.1) }, epoch: epoch) }
        #expect(try database.value("SELECT count(*) FROM webhook_deliveries") == "\(Limits.deliveriesWaitingMax)")
        #expect(try store.enqueue(.jobDone, [(others[10], "{}")], epoch: epoch) == 1)
        _ = try database.sql(
            """
            UPDATE webhook_deliveries SET state = 'delivered';
            INSERT INTO webhook_deliveries (webhook_id, event, body) VALUES (\(made.webhookID), 'test', '{}')
            """)
        let due = try #require(try store.dueDeliveries(epoch: epoch).first)
        try store.finishDelivery(due, status: nil, error: "no", isLast: true, epoch: epoch)
        #expect(try database.value("SELECT count(*) FROM webhook_deliveries") == "\(Limits.deliveriesKeptMax)")
    }

    // MARK: Alerts

    /// Publishes neighbours of alphas A, B, C and D.
    private func publish(_ pairs: [(String, String, Double)]) throws -> JobID {
        let job = try store.createJob(sampleJob(state: .running), epoch: epoch)
        let publication = Publication(
            region: usa, target: .region, jobID: job, convention: .ffillShift, window: .years(4), minOverlap: 60,
            windowStart: try Day(parsing: "2020-01-03"), windowEnd: try Day(parsing: "2023-12-29"))
        let both = pairs.flatMap { a, b, r in [(a, b, r), (b, a, r)] }.sorted { ($0.0, $0.2) > ($1.0, $1.2) }
        let neighbours = both.map { a, b, r in
            CorrelationNeighbour(alphaID: a, kind: r > 0 ? .most : .least, rank: 1, neighbourID: b, correlation: r, days: 250)
        }
        let rows = ["A", "B", "C", "D"].map { CorrelationRow(alphaID: $0) }
        try store.publishCorrelation(rows, neighbours: PublishedNeighbours(neighbours), of: publication, epoch: epoch)
        return job
    }

    private func newPairs(_ job: JobID, threshold: Double = 0.8) throws -> [String]? {
        guard case .pairs(let found, _) = try store.updateAlerts(region: usa, job: job, threshold: threshold, epoch: epoch) else {
            return nil
        }
        return found.map { "\($0.alphaA)-\($0.alphaB) \($0.correlation)" }
    }

    @Test("A pair that comes beyond the threshold is told of once, the closest first, and again after it was gone")
    func alerts() throws {
        #expect(try newPairs(try publish([("A", "B", 0.9), ("C", "D", 0.5)])) == nil, "there is nothing to compare with")
        let second = try publish([("A", "B", 0.95), ("D", "C", 0.81), ("A", "C", -0.85), ("B", "C", 0.79)])
        #expect(try newPairs(second) == ["A-C -0.85", "C-D 0.81"])
        #expect(try newPairs(second) == [], "the same job once more")
        #expect(try newPairs(try publish([("A", "B", 0.7), ("C", "D", 0.9), ("A", "C", -0.9)])) == [])
        #expect(try newPairs(try publish([("A", "B", 0.8), ("C", "D", 0.9), ("A", "C", -0.9)])) == ["A-B 0.8"])
        #expect(try store.alerts(limit: 10, region: nil).map(\.alphaB) == ["B", "C", "D"], "the largest |r| of a job first")
        #expect(try store.alerts(limit: 1, region: usa).first?.days == 250)
        #expect(try store.alerts(limit: 10, region: try Region("CHN")).isEmpty)
    }

    @Test("A job whose rows a later one has replaced makes nobody forget the pairs of the later one")
    func replaced() throws {
        #expect(try newPairs(try publish([("A", "B", 0.9)])) == nil)
        let earlier = try publish([("A", "B", 0.9), ("C", "D", 0.85)])
        let later = try publish([("A", "B", 0.9), ("C", "D", 0.9)])
        #expect(try newPairs(later) == ["C-D 0.9"])
        #expect(try newPairs(earlier) == [])
        #expect(try newPairs(try publish([("A", "B", 0.9), ("C", "D", 0.9)])) == [])
    }

    @Test("Messages about new pairs are on their way with the pairs, or neither is there")
    func alertMessages() throws {
        let hook = try store.addWebhook(request(), secret: "s", epoch: epoch)
        #expect(try newPairs(try publish([("A", "B", 0.9)])) == nil)
        let job = try publish([("A", "B", 0.9), ("C", "D", 0.9)])
        #expect(throws: GridError.self) {
            try store.updateAlerts(region: usa, job: job, threshold: 0.8, epoch: epoch) { _ in
                throw GridError(.failed, "no message")
            }
        }
        #expect(try store.alerts(limit: 10, region: usa).isEmpty)
        let outcome = try store.updateAlerts(region: usa, job: job, threshold: 0.8, epoch: epoch) { pairs in
            [(hook.webhookID, "{\"pairs\":\(pairs.count)}")]
        }
        guard case .pairs(let pairs, dropped: 0) = outcome else { throw GridError(.failed, "\(outcome)") }
        #expect(pairs.count == 1)
        let due = try store.dueDeliveries(epoch: epoch)
        #expect(due.map(\.event) == [.alertCorrelation] && due.map(\.body) == [#"{"pairs":1}"#])
    }

    @Test("The end of a job is to be told from when it is saved until it is told, once")
    func untoldEnds() throws {
        let hook = try store.addWebhook(request(), secret: "s", epoch: epoch)
        var jobs: [JobID] = []
        for state in [JobState.done, .failed, .cancelled, .running] {
            var view = sampleJob(state: .running)
            view.jobID = try store.createJob(view, epoch: epoch)
            view.state = state
            try store.saveJob(view, epoch: epoch)
            jobs.append(view.jobID)
        }
        #expect(try store.untoldJobs().map(\.jobID) == Array(jobs.prefix(2)))
        let message = [(webhook: hook.webhookID, body: "{}")]
        #expect(throws: GridError.self) { try store.tellEnd(of: jobs[0], .jobDone, message, epoch: Epoch(99)) }
        for _ in 0..<2 { #expect(try store.tellEnd(of: jobs[0], .jobDone, message, epoch: epoch) == 0) }
        #expect(try store.tellEnd(of: jobs[2], .jobDone, message, epoch: epoch) == 0)
        #expect(try store.untoldJobs().map(\.jobID) == [jobs[1]])
        #expect(try store.dueDeliveries(epoch: epoch).count == 1)
        #expect(try store.untoldJobs(after: jobs[0]).map(\.jobID) == [jobs[1]])
        #expect(try store.untoldJobs(after: jobs[1]).isEmpty)
        // Saved again, as after an answer that was lost, it is not told again.
        try store.saveJob(try store.job(jobs[0]), epoch: epoch)
        #expect(try store.untoldJobs().map(\.jobID) == [jobs[1]])
    }

    @Test("Another threshold is a new beginning, and edges count as well as neighbours")
    func threshold() throws {
        let job = try publish([("A", "B", 0.9)])
        #expect(try newPairs(job) == nil)
        let next = try publish([("A", "B", 0.9), ("C", "D", 0.75)])
        #expect(try newPairs(next, threshold: 0.7) == nil)
        let last = try publish([("A", "B", 0.9), ("C", "D", 0.75)])
        _ = try database.sql(
            """
            INSERT INTO correlation_edges_usa (alpha_id_a, alpha_id_b, correlation, days, job_id)
            VALUES ('X', 'Y', 0.99, 70, \(last))
            """
        )
        #expect(try newPairs(last, threshold: 0.7) == ["X-Y 0.99"])
    }
}
