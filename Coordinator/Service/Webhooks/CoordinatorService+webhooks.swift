import ClusterModel
import Dispatch
import Foundation
import Logging
import Messaging
import Store
import Synchronization

extension CoordinatorService {
    package func webhooks() async throws -> [WebhookView] {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.webhooks().map(\.view) }
        }
    }

    package func webhook(_ id: Int64) async throws -> WebhookView {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.webhook(id) }
        }
    }

    package func addWebhook(_ request: WebhookRequest) async throws -> WebhookView {
        try await waiting { service throws(GridError) in
            // Judged again with every message, since names change their addresses; now so that a mistake is seen at once.
            let target = try WebhookTarget(parsing: request.url)
            if let name = request.region {
                let region = try Region(name)
                try service.usingDatabase { () throws(GridError) in try service.store.expectRegion(region) }
            }
            let warning = try target.warning(
                among: (try? NetworkAddress.resolve(target.host)) ?? [], allowed: service.configuration.webhooksAllowed)
            let secret = request.secret ?? WebhookMessage.newSecret()
            var view = try service.usingDatabase { () throws(GridError) in
                try service.store.addWebhook(request, secret: secret, epoch: service.epoch)
            }
            view.secret = request.secret == nil ? secret : nil
            view.warning = warning
            return view
        }
    }

    package func removeWebhook(_ id: Int64) async throws -> WebhookView {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in try service.store.removeWebhook(id, epoch: service.epoch) }
        }
    }

    package func testWebhook(_ id: Int64) async throws -> WebhookView {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in
                let body = try WebhookMessage.Body(event: .test, sentAt: ActiveJob.timestamp()).encoded()
                _ = try service.store.webhook(id)
                if try service.store.enqueue(.test, [(id, body)], epoch: service.epoch) > 0 {
                    throw GridError(.conflict, "\(Self.fullness) already: try again later")
                }
                return try service.store.webhook(id)
            }
        }
    }

    package func alerts(limit: Int, region: Region?) async throws -> [AlertView] {
        try await waiting { service throws(GridError) in
            try service.usingDatabase { () throws(GridError) in
                let alerts = try service.store.alerts(limit: limit, region: region)
                if alerts.isEmpty, let region { try service.store.expectRegion(region) }
                return alerts
            }
        }
    }

    // MARK: What happened

    /// Tells whoever wants to know that a job has ended, and of the pairs that a publication of the region's own result has
    /// brought beyond the threshold: once, whatever comes between the job's end and this. On the job's thread or the
    /// housekeeper's; `tellForgottenEnds` tries again what has failed.
    func tellEnd(of view: JobView) throws(GridError) {
        guard let event = view.state == .done ? WebhookEvent.jobDone : view.state == .failed ? .jobFailed : nil else { return }
        let hooks = try usingDatabase { () throws(GridError) in try store.webhooks() }.map(\.view).filter {
            $0.region == nil || $0.region == view.region
        }
        try lookForAlerts(view, hooks.filter { $0.events.contains(.alertCorrelation) })
        let wanted = hooks.filter { $0.events.contains(event) }
        var body = WebhookMessage.Body(event: event, sentAt: ActiveJob.timestamp())
        body.job = view
        let text = wanted.isEmpty ? "" : try body.encoded()
        let dropped = try usingDatabase { () throws(GridError) in
            try store.tellEnd(of: view.jobID, event, wanted.map { ($0.webhookID, text) }, epoch: epoch)
        }
        configuration.reached(.endTold)
        reportDropped(dropped)
    }

    func tellEndNow(of view: JobView) {
        do throws(GridError) { try tellEnd(of: view) } catch { noteUntold(error) }
    }

    /// Tells of jobs whose coordinator was gone before it could, or could not reach the database.
    func tellForgottenEnds() {
        guard !isStopping else { return }
        do throws(GridError) {
            let (after, atWork) = shared.withLock { ($0.untoldAfter, Set($0.jobs.keys)) }
            let untold = try usingDatabase { () throws(GridError) in try store.untoldJobs(after: after) }
            // Those that cannot be told stay, and must not stand before others.
            let last = untold.count == Store.untoldListed ? untold.last : nil
            shared.withLock { $0.untoldAfter = last?.jobID ?? JobID(0) }
            var failure: GridError?
            for view in untold where !atWork.contains(view.jobID) {
                do throws(GridError) { try tellEnd(of: view) } catch {
                    if error.kind == .unreachable { throw error }
                    failure = error
                }
            }
            if let failure { throw failure }
            if after == JobID(0), last == nil { shared.withLock { $0.untoldReason = nil } }
        } catch {
            noteUntold(error)
        }
    }

    /// Says once why nobody was told. That the database is away, or somebody else's by now, is said elsewhere.
    func noteUntold(_ error: GridError) {
        guard error.kind != .unreachable, !isSuperseded(error) else { return }
        guard shared.withLock({ $0.untoldReason != error.message }) else { return }
        shared.withLock { $0.untoldReason = error.message }
        log.error("who wants to know of jobs' ends cannot be told", metadata: ["error": "\(error)"])
    }

    private func reportDropped(_ dropped: Int) {
        guard dropped > 0 else { return }
        log.error("\(dropped) messages found no room: \(Self.fullness) already")
    }

    private static let fullness =
        "\(Limits.deliveriesPerWebhookMax) messages wait for this receiver, or \(Limits.deliveriesWaitingMax) for all,"

    private func lookForAlerts(_ view: JobView, _ hooks: [WebhookView]) throws(GridError) {
        guard view.kind == JobKind.correlation.rawValue, view.state == .done, let region = try? Region(view.region),
            view.resultTable == "correlation_\(region.tableSuffix)"
        else { return }
        let threshold = hooks.compactMap(\.threshold).reduce(Limits.alertThreshold) { min($0, $1) }
        do throws(GridError) {
            let outcome = try usingDatabase { () throws(GridError) in
                try store.updateAlerts(region: region, job: view.jobID, threshold: threshold, epoch: epoch) { pairs in
                    try hooks.compactMap { try Self.alertMessage(to: $0, of: view, pairs) }
                }
            }
            report(outcome, view, threshold)
        } catch {
            // Otherwise the mark of the job's end would be taken back before its alerts were looked for.
            if error.kind == .unreachable { throw error }
            log.error("new pairs could not be looked for", metadata: ["job": "\(view.jobID)", "error": "\(error)"])
        }
    }

    /// Nil when no pair is beyond the webhook's own threshold.
    private static func alertMessage(
        to hook: WebhookView, of view: JobView, _ pairs: [AlertView]
    ) throws(GridError) -> (webhook: Int64, body: String)? {
        let from = hook.threshold ?? Limits.alertThreshold
        let mine = pairs.filter { abs($0.correlation) >= from }
        guard !mine.isEmpty else { return nil }
        var body = WebhookMessage.Body(event: .alertCorrelation, sentAt: ActiveJob.timestamp())
        (body.region, body.jobID, body.threshold, body.pairs) = (view.region, view.jobID, from, mine)
        return (hook.webhookID, try body.encoded())
    }

    private func report(_ outcome: AlertOutcome, _ view: JobView, _ threshold: Double) {
        let metadata: Logger.Metadata = ["job": "\(view.jobID)", "region": "\(view.region)", "threshold": "\(threshold)"]
        switch outcome {
        case .firstLook(let pairs):
            log.info("\(pairs) pairs are beyond the alert threshold; new ones are told from now on", metadata: metadata)
        case .tooMany:
            log.warning(
                "more than \(Limits.alertPairsMax) pairs are beyond the alert threshold, so none is told of",
                metadata: metadata)
        case .pairs(let pairs, _) where pairs.isEmpty: break
        case .pairs(let pairs, let dropped):
            let closest = "\(pairs[0].alphaA) and \(pairs[0].alphaB) with \(pairs[0].correlation)"
            log.warning("\(pairs.count) new pairs are beyond the alert threshold, \(closest)", metadata: metadata)
            reportDropped(dropped)
        }
    }

    // MARK: Messages

    /// Sends what is due, one message after another to each receiver. On the housekeeper's thread.
    func sendMessages() {
        guard let transport = configuration.webhookTransport else { return }
        let busy = shared.withLock { $0.webhooksBusy }
        guard let due = try? store.dueDeliveries(besides: busy, epoch: epoch), !due.isEmpty else { return }
        shared.withLock { $0.webhooksBusy.formUnion(due.map(\.webhookID)) }
        for first in due {
            Task {
                var next: DueDelivery? = first
                while let delivery = next {
                    next = nil
                    guard await self.send(delivery, transport), !self.isStopping else { break }
                    let more = try? await self.waiting { service throws(GridError) in
                        try service.store.dueDeliveries(to: delivery.webhookID, epoch: service.epoch)
                    }
                    next = more?.first
                }
                _ = self.shared.withLock { $0.webhooksBusy.remove(first.webhookID) }
            }
        }
    }

    /// - Returns: whether it has arrived, so that the next may follow at once.
    private func send(_ delivery: DueDelivery, _ transport: WebhookTransport) async -> Bool {
        var (status, problem): (Int?, String?) = (nil, nil)
        do {
            let post = try await waiting { service throws(GridError) in
                let target = try WebhookTarget(parsing: delivery.url)
                let address = try target.address(
                    among: try NetworkAddress.resolve(target.host), allowed: service.configuration.webhooksAllowed)
                let body = Array(delivery.body.utf8)
                let headers = WebhookMessage.headers(
                    secret: delivery.secret, event: delivery.event, delivery: delivery.deliveryID,
                    timestamp: Int64(Date.now.timeIntervalSince1970), body: body)
                return WebhookPost(
                    url: target.url, host: target.host, address: address.description, headers: headers, body: body)
            }
            let answer = try await transport(post)
            status = answer
            if !(200..<300).contains(answer) { problem = "it answered with status \(answer)" }
        } catch {
            problem = (error as? GridError)?.message ?? "\(error)"
        }
        let isLast = delivery.tries + 1 >= Limits.deliveryTriesMax || status == 410
        if let problem {
            log.warning(
                isLast ? "webhook message given up" : "webhook message not delivered",
                metadata: ["delivery": "\(delivery.deliveryID)", "try": "\(delivery.tries + 1)", "error": "\(problem.printable)"])
        }
        let (found, said) = (status, problem.map { String($0.prefix(Limits.reasonBytesMax)) })
        try? await waiting { service throws(GridError) in
            try service.store.finishDelivery(delivery, status: found, error: said, isLast: isLast, epoch: service.epoch)
        }
        return problem == nil
    }

    // MARK: Retention

    /// Forgets jobs that ended long ago, some at a time. On the housekeeper's thread.
    func forgetOldJobs() {
        let (kept, days) = (configuration.jobsKept, configuration.jobDaysKept)
        guard shared.withLock({ $0.retention.isDue(byAge: days != nil, at: .now()) }) else { return }
        do throws(GridError) {
            let count = try store.forgetJobs(keeping: kept, days: days, epoch: epoch)
            guard count > 0 else { return }
            log.info("old jobs forgotten, with the results keyed by them", metadata: ["jobs": "\(count)"])
        } catch {
            log.debug("old jobs not forgotten", metadata: ["error": "\(error)"])
        }
        // There may be more of them.
        shared.withLock { $0.retention.jobEnded() }
    }
}
