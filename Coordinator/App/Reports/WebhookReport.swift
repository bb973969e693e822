import ClusterModel

/// Webhooks, their messages and alerts as tables and pages.
enum WebhookReport {
    static func table(_ webhooks: [WebhookView]) -> TextTable {
        TextTable(
            [.init("ID", .right), .init("URL"), .init("EVENTS"), .init("REGION"), .init("THRESHOLD", .right)],
            rows: webhooks.map { view in
                [
                    "\(view.webhookID)", view.url, view.events.map(\.rawValue).joined(separator: " "), view.region ?? "all",
                    threshold(view) ?? "",
                ]
            })
    }

    /// Of webhooks that are told of pairs; also the one that nobody has named.
    private static func threshold(_ view: WebhookView) -> String? {
        guard view.events.contains(.alertCorrelation) else { return nil }
        return view.threshold.map { "\($0)" } ?? "\(Limits.alertThreshold) (default)"
    }

    static func page(_ view: WebhookView) -> [String] {
        TextTable.page([
            ("webhook", "\(view.webhookID)"), ("url", view.url), ("events", view.events.map(\.rawValue).joined(separator: " ")),
            ("region", view.region ?? "all"), ("threshold", threshold(view)), ("created", view.createdAt),
        ])
    }

    static func table(_ deliveries: [WebhookView.Delivery]) -> TextTable {
        TextTable(
            [
                .init("MESSAGE", .right), .init("EVENT"), .init("STATE"), .init("TRIES", .right), .init("STATUS", .right),
                .init("CREATED"), .init("ERROR"),
            ],
            rows: deliveries.map { delivery in
                [
                    "\(delivery.deliveryID)", delivery.event.rawValue, delivery.state, "\(delivery.tries)",
                    delivery.status.map { "\($0)" } ?? "", delivery.createdAt, delivery.error ?? "",
                ]
            })
    }

    static func table(_ alerts: [AlertView]) -> TextTable {
        TextTable(
            [
                .init("ID", .right), .init("REGION"), .init("ALPHA"), .init("WITH"), .init("R", .right), .init("DAYS", .right),
                .init("JOB", .right), .init("SINCE"),
            ],
            rows: alerts.map { alert in
                [
                    "\(alert.alertID)", alert.region, alert.alphaA, alert.alphaB, Quantity.fixed(alert.correlation, digits: 4),
                    alert.days.map { "\($0)" } ?? "", "\(alert.jobID)", alert.createdAt,
                ]
            })
    }
}
