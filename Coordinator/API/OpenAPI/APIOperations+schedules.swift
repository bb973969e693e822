import ClusterModel
import Requests

// Jobs that begin by themselves, and whom to tell of what happens.
extension APIOperation {
    private static let schedule = Parameter.path("id", .integer("Number of the schedule.", 1...Int(Int64.max)))
    private static let webhook = Parameter.path("id", .integer("Number of the webhook.", 1...Int(Int64.max)))

    static let schedules: [APIOperation] = [
        APIOperation(
            route: "GET v1/schedules", tag: "schedules", summary: "Schedules, by their numbers.",
            answer: [.json(.object(["schedules": .list(.ref("Schedule"))]))]),
        APIOperation(
            route: "POST v1/schedules", tag: "schedules",
            summary: "Has a job begin again and again: at times (cron), or when the PnL of its region has changed (on_change).",
            body: [.json(.ref("ScheduleRequest"))], status: 201, answer: [.json(.ref("Schedule"))], problems: [404, 409]),
        APIOperation(
            route: "GET v1/schedules/:id", tag: "schedules", summary: "One schedule.", parameters: [schedule],
            answer: [.json(.ref("Schedule"))], problems: [404]),
        APIOperation(
            route: "DELETE v1/schedules/:id", tag: "schedules", summary: "Removes a schedule; its jobs stay.",
            parameters: [schedule], answer: [.json(.ref("Schedule"))], problems: [404, 409]),
        APIOperation(
            route: "POST v1/schedules/:id/pause", tag: "schedules", summary: "Begins none of its jobs until it is resumed.",
            parameters: [schedule], body: [nothing], isBodyRequired: false, answer: [.json(.ref("Schedule"))],
            problems: [404, 409]),
        APIOperation(
            route: "POST v1/schedules/:id/resume", tag: "schedules",
            summary: "Goes on with a paused schedule; what was due meanwhile is left out.", parameters: [schedule],
            body: [nothing], isBodyRequired: false, answer: [.json(.ref("Schedule"))], problems: [404, 409]),
    ]

    static let webhooks: [APIOperation] = [
        APIOperation(
            route: "GET v1/webhooks", tag: "webhooks", summary: "Webhooks, by their numbers.",
            answer: [.json(.object(["webhooks": .list(.ref("Webhook"))]))]),
        APIOperation(
            route: "POST v1/webhooks", tag: "webhooks",
            summary: "Has messages sent to an address; a secret that the coordinator makes is in this answer only.",
            body: [.json(.ref("WebhookRequest"))], status: 201, answer: [.json(.ref("Webhook"))], problems: [404, 409]),
        APIOperation(
            route: "GET v1/webhooks/:id", tag: "webhooks", summary: "One webhook with its last messages.",
            parameters: [webhook], answer: [.json(.ref("Webhook"))], problems: [404]),
        APIOperation(
            route: "DELETE v1/webhooks/:id", tag: "webhooks", summary: "Removes a webhook with what waits for it.",
            parameters: [webhook], answer: [.json(.ref("Webhook"))], problems: [404, 409]),
        APIOperation(
            route: "POST v1/webhooks/:id/test", tag: "webhooks", summary: "Sends a message that says nothing.",
            parameters: [webhook], body: [nothing], isBodyRequired: false, answer: [.json(.ref("Webhook"))],
            problems: [404, 409]),
        APIOperation(
            route: "GET v1/alerts", tag: "webhooks",
            summary: "Pairs that publications have brought beyond the threshold: newest job first, then by |r|.",
            parameters: [
                .query("limit", .integer("How many.", 1...Limits.alertsMax)), .query("region", region.schema),
            ],
            answer: [.json(.object(["alerts": .list(.ref("Alert"))]))], problems: [404]),
    ]
}

extension SchemaCatalogue {
    static let schedules: [String: Schema] = [
        "Schedule": .object(
            [
                "schedule_id": .integer("Number of the schedule.", 1...Int(Int64.max)), "name": .string(),
                "on_change": .truth("Whether it runs when the PnL of its region has changed."), "time_zone": .string(),
                "min_pause_seconds": .integer("Between two jobs that changes have begun."), "job": .ref("JobRequest"),
                "paused": .truth(), "created_at": .time,
            ],
            optional: [
                "cron": .string("Five fields: minute, hour, day of the month, month, day of the week."), "next_at": .time,
                "last_at": .time, "last_job_id": .jobID, "last_error": .string("Why the last time brought no job."),
            ]),
        "ScheduleRequest": .object(
            [
                "name": .pattern("^[!-~]{1,\(Limits.scheduleNameBytesMax)}$", "No other schedule has it."),
                "job": .ref("JobRequest"),
            ],
            optional: [
                "cron": .string("Five fields, or @daily and its like; either this or on_change.", lengthMax: Limits.cronBytesMax)
                    .orNull,
                "on_change": .truth().orNull,
                "time_zone": .string("IANA name of the zone of cron; UTC unless said.").orNull,
                "min_pause_seconds": .integer("Goes with on_change.", 0...Limits.schedulePauseSecondsMax).orNull,
            ], isClosed: true),
        "Webhook": .object(
            [
                "webhook_id": .integer("Number of the webhook.", 1...Int(Int64.max)), "url": .string(), "events": .list(event),
                "created_at": .time,
            ],
            optional: [
                "region": .string("Only what happens to it is told of."),
                "threshold": .number("|r| from which on pairs count; \(Limits.alertThreshold) without."),
                "secret": .string("Of the signatures; shown once."),
                "warning": .string("Why messages may not arrive as things are; in the answer to adding it."),
                "deliveries": .list(
                    .object(
                        [
                            "delivery_id": .integer(), "event": event, "state": .oneOf(["waiting", "delivered", "given up"]),
                            "tries": .integer(), "created_at": .time,
                        ], optional: ["status": .integer("Of its last answer."), "error": .string()])),
            ]),
        "WebhookRequest": .object(
            [
                "url": .pattern("^https?://[a-zA-Z0-9.-]+(:[0-9]+)?(/[!-~]*)?$", "Of the public internet, by https."),
                "events": .list(
                    .oneOf(WebhookEvent.allCases.filter { $0 != .test }.map(\.rawValue)), countMax: WebhookEvent.allCases.count),
            ],
            optional: [
                "region": .pattern("^[A-Z][A-Z0-9]{1,9}$", "Only what happens to it.").orNull,
                "threshold": .number(
                    "|r| from which on pairs count, \(Limits.alertThreshold) without; goes with alert.correlation.",
                    Limits.alertThresholds
                ).orNull,
                "secret": .pattern("^[!-~]{16,\(Limits.webhookSecretBytesMax)}$", "One is made unless given.").orNull,
            ], isClosed: true),
        "Alert": .object(
            [
                "alert_id": .integer(), "region": .string(), "alpha_a": .string(), "alpha_b": .string(),
                "correlation": .correlation, "job_id": .jobID, "created_at": .time,
            ], optional: ["days": .integer("Common days.")]),
    ]

    private static let event = Schema.oneOf(WebhookEvent.allCases.map(\.rawValue))
}
