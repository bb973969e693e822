import ClusterModel

/// A webhook with what only the coordinator needs.
package struct StoredWebhook: Sendable {
    package var view: WebhookView
    package var secret: String
}

/// A message that is due.
package struct DueDelivery: Sendable {
    package var deliveryID: Int64
    package var webhookID: Int64
    package var event: WebhookEvent
    package var body: String
    package var url: String
    package var secret: String
    /// Times it was sent before.
    package var tries: Int
}

extension Store {
    private static let hooking = Action(
        "keep webhooks", needs: "SELECT, INSERT, UPDATE and DELETE on webhooks and webhook_deliveries")

    /// - Throws: `GridError(.conflict)` when there are `Limits.webhooksMax`, or one that sends the same to the same address.
    package func addWebhook(_ request: WebhookRequest, secret: String, epoch: Epoch) throws(GridError) -> WebhookView {
        try pool.write(Self.hooking) { connection in
            try Self.hold(epoch, connection)
            try connection.lock("webhooks")
            let present = try connection.execute("SELECT count(*) FROM webhooks").integer(0, 0) ?? 0
            guard present < Limits.webhooksMax else {
                throw GridError(.conflict, "there are \(Limits.webhooksMax) webhooks already: remove those that nobody needs")
            }
            let same = try connection.execute(
                """
                SELECT webhook_id FROM webhooks WHERE url = $1 AND events @> $2::text[] AND events <@ $2::text[]
                    AND region IS NOT DISTINCT FROM $3 AND threshold IS NOT DISTINCT FROM $4::float8 LIMIT 1
                """,
                [
                    .text(request.url), .texts(request.events.map(\.rawValue)), .optional(request.region),
                    .optional(request.threshold),
                ])
            if let same = same.rowCount == 0 ? nil : same.text(0, 0) {
                throw GridError(
                    .conflict,
                    "webhook \(same) sends the same to this address already: remove it first if you need another secret")
            }
            let made = try connection.execute(
                """
                INSERT INTO webhooks (url, events, region, threshold, secret) VALUES ($1, $2::text[], $3, $4, $5)
                RETURNING webhook_id
                """,
                [
                    .text(request.url), .texts(request.events.map(\.rawValue)), .optional(request.region),
                    .optional(request.threshold), .text(secret),
                ])
            return try Self.requireWebhook(Int64(made.integer(0, 0) ?? 0), connection).view
        }
    }

    package func webhooks() throws(GridError) -> [StoredWebhook] {
        try pool.read(Self.hooking) { try Self.webhooks("ORDER BY webhook_id", [], $0) }
    }

    /// With its messages, the newest first.
    package func webhook(_ id: Int64) throws(GridError) -> WebhookView {
        try pool.read(Self.hooking) { connection in
            var view = try Self.requireWebhook(id, connection).view
            let found = try connection.execute(
                """
                SELECT delivery_id, event, state, tries, status, error, \(Self.isoSeconds("created_at")) FROM webhook_deliveries
                WHERE webhook_id = $1 ORDER BY delivery_id DESC LIMIT \(Self.deliveriesShown)
                """, [.integer(id)])
            view.deliveries = (0..<found.rowCount).compactMap { row in
                guard let event = WebhookEvent(rawValue: found.text(row, 1) ?? "") else { return nil }
                return WebhookView.Delivery(
                    deliveryID: Int64(found.integer(row, 0) ?? 0), event: event, state: found.text(row, 2) ?? "",
                    tries: found.integer(row, 3) ?? 0, status: found.integer(row, 4), error: found.text(row, 5),
                    createdAt: found.text(row, 6) ?? "")
            }
            return view
        }
    }

    private static let deliveriesShown = 50

    package func removeWebhook(_ id: Int64, epoch: Epoch) throws(GridError) -> WebhookView {
        try pool.write(Self.hooking) { connection in
            try Self.hold(epoch, connection)
            let view = try Self.requireWebhook(id, connection).view
            try connection.execute("DELETE FROM webhooks WHERE webhook_id = $1", [.integer(id)])
            return view
        }
    }

    // MARK: Messages

    /// Puts messages on their way.
    ///
    /// - Returns: how many found no room because `Limits.deliveriesPerWebhookMax` wait for their receiver already, or
    ///   `Limits.deliveriesWaitingMax` for all.
    package func enqueue(
        _ event: WebhookEvent, _ messages: [(webhook: Int64, body: String)], epoch: Epoch
    ) throws(GridError) -> Int {
        guard !messages.isEmpty else { return 0 }
        return try pool.write(Self.hooking) { connection in
            try Self.hold(epoch, connection)
            return try Self.enqueue(event, messages, connection)
        }
    }

    /// Puts the messages about a job's end on their way, once however often it is asked.
    ///
    /// - Returns: as `enqueue`.
    package func tellEnd(
        of job: JobID, _ event: WebhookEvent, _ messages: [(webhook: Int64, body: String)], epoch: Epoch
    ) throws(GridError) -> Int {
        let action = Action(
            "tell of the end of job \(job)",
            needs: "UPDATE on jobs and coordinator_lease, SELECT and INSERT on webhooks and webhook_deliveries")
        return try pool.write(action) { connection in
            try Self.hold(epoch, connection)
            let told = try connection.execute(
                "UPDATE jobs SET untold = false WHERE job_id = $1 AND untold", [.integer(job.rawValue)])
            return told.affectedRows == 0 ? 0 : try Self.enqueue(event, messages, connection)
        }
    }

    static func enqueue(
        _ event: WebhookEvent, _ messages: [(webhook: Int64, body: String)], _ connection: Connection
    ) throws -> Int {
        guard !messages.isEmpty else { return 0 }
        try connection.lock("webhook deliveries")
        let found = try connection.execute(
            "SELECT webhook_id, count(*) FROM webhook_deliveries WHERE state = 'waiting' GROUP BY webhook_id")
        var waiting: [Int64: Int] = [:]
        for row in 0..<found.rowCount { waiting[Int64(found.integer(row, 0) ?? 0)] = found.integer(row, 1) }
        var (room, dropped) = (Limits.deliveriesWaitingMax - waiting.values.reduce(0, +), 0)
        for message in messages {
            guard room > 0, waiting[message.webhook, default: 0] < Limits.deliveriesPerWebhookMax else {
                dropped += 1
                continue
            }
            room -= 1
            waiting[message.webhook, default: 0] += 1
            // One that was removed meanwhile gets none.
            try connection.execute(
                """
                INSERT INTO webhook_deliveries (webhook_id, event, body)
                SELECT webhook_id, $2, $3 FROM webhooks WHERE webhook_id = $1
                """, [.integer(message.webhook), .text(event.rawValue), .text(message.body)])
        }
        return dropped
    }

    /// Messages whose time has come, one for each receiver. Each counts as tried, and comes again in a while unless
    /// `finishDelivery` says otherwise: so none is lost with its coordinator, and one that came through may come twice.
    ///
    /// - Parameters:
    ///   - webhook: of these messages alone; nil for all.
    ///   - busy: webhooks that have one under way: who is silent keeps others waiting for its own alone.
    package func dueDeliveries(
        to webhook: Int64? = nil, besides busy: Set<Int64> = [], epoch: Epoch
    ) throws(GridError) -> [DueDelivery] {
        let due = """
            FROM webhook_deliveries WHERE state = 'waiting' AND next_at <= clock_timestamp()
                AND ($1::bigint IS NULL OR webhook_id = $1) AND NOT webhook_id = ANY ($2::text[]::bigint[])
            """
        let values = [SQLValue.optional(webhook.map { Int($0) }), .texts(busy.sorted().map { "\($0)" })]
        // Asked twice a second: mostly nothing is due, and then nothing is written.
        let isAnyDue = try pool.read(Self.hooking) { try $0.execute("SELECT EXISTS (SELECT \(due))", values).boolean(0, 0) }
        guard isAnyDue else { return [] }
        return try pool.write(Self.hooking) { connection in
            try Self.hold(epoch, connection)
            let found = try connection.execute(
                """
                UPDATE webhook_deliveries d SET tries = tries + 1,
                    next_at = clock_timestamp() + \(Limits.deliveryPauseSeconds) * 2 ^ tries * interval '1 second'
                FROM webhooks w
                WHERE w.webhook_id = d.webhook_id AND d.delivery_id IN (
                    SELECT DISTINCT ON (webhook_id) delivery_id \(due) ORDER BY webhook_id, next_at, delivery_id)
                RETURNING d.delivery_id, d.event, d.body, w.url, w.secret, d.tries - 1, w.webhook_id
                """, values)
            return (0..<found.rowCount).compactMap { row in
                guard let event = WebhookEvent(rawValue: found.text(row, 1) ?? "") else { return nil }
                return DueDelivery(
                    deliveryID: Int64(found.integer(row, 0) ?? 0), webhookID: Int64(found.integer(row, 6) ?? 0), event: event,
                    body: found.text(row, 2) ?? "", url: found.text(row, 3) ?? "", secret: found.text(row, 4) ?? "",
                    tries: found.integer(row, 5) ?? 0)
            }
        }
    }

    /// - Parameters:
    ///   - status: of the answer; nil when there was none.
    ///   - error: why it has not come through; nil when it has.
    package func finishDelivery(
        _ delivery: DueDelivery, status: Int?, error: String?, isLast: Bool, epoch: Epoch
    ) throws(GridError) {
        try pool.write(Self.hooking) { connection in
            try Self.hold(epoch, connection)
            let state = error == nil ? "delivered" : isLast ? "given up" : "waiting"
            try connection.execute(
                "UPDATE webhook_deliveries SET state = $2, status = $3, error = $4 WHERE delivery_id = $1",
                [.integer(delivery.deliveryID), .text(state), .optional(status), .optional(error)])
            try connection.execute(
                """
                DELETE FROM webhook_deliveries WHERE delivery_id IN (
                    SELECT delivery_id FROM webhook_deliveries WHERE state <> 'waiting'
                    ORDER BY delivery_id DESC OFFSET \(Limits.deliveriesKeptMax))
                """)
        }
    }

    private static func requireWebhook(_ id: Int64, _ connection: Connection) throws -> StoredWebhook {
        guard let found = try webhooks("WHERE webhook_id = $1", [.integer(id)], connection).first else {
            throw GridError(.notFound, "there is no webhook \(id)")
        }
        return found
    }

    private static func webhooks(_ condition: String, _ values: [SQLValue], _ connection: Connection) throws -> [StoredWebhook] {
        let found = try connection.execute(
            """
            SELECT webhook_id, url, to_json(events), region, threshold, \(isoSeconds("created_at")), secret
            FROM webhooks \(condition)
            """, values)
        return try (0..<found.rowCount).map { row in
            let events = try fromJSON(found.text(row, 2), as: [String].self).compactMap { WebhookEvent(rawValue: $0) }
            let view = WebhookView(
                webhookID: Int64(found.integer(row, 0) ?? 0), url: found.text(row, 1) ?? "", events: events,
                region: found.text(row, 3), threshold: found.real(row, 4), createdAt: found.text(row, 5) ?? "")
            return StoredWebhook(view: view, secret: found.text(row, 6) ?? "")
        }
    }
}
