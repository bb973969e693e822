import ClusterModel
import Requests

// What operators do with jobs and workers, and how browsers get in.
extension APIOperation {
    static let nothing = Media.json(.object([:], isClosed: true))
    private static let reason = Schema.string("Why.").orNull

    static let operations: [APIOperation] = [
        APIOperation(
            route: "GET v1/jobs/:id/explain", tag: "jobs", summary: "Why a job, or one of its tasks, is where it is.",
            parameters: [job, .query("task", .integer("Number of a task.", 0...Limits.tasksPerStageMax))],
            answer: [.json(.ref("Explanation"))], problems: [404]),
        APIOperation(
            route: "POST v1/plan", tag: "jobs", summary: "What a job would be, without beginning it.",
            body: [.json(.ref("JobRequest"))], answer: [.json(.ref("Plan"))], problems: [404, 409]),
        APIOperation(
            route: "POST v1/jobs/:id/pause", tag: "jobs",
            summary: "Gives none of the job's tasks to workers until it is resumed.",
            parameters: [job], body: [.json(.object([:], optional: ["reason": reason], isClosed: true))], isBodyRequired: false,
            answer: [.json(.ref("Job"))], problems: [404, 409]),
        APIOperation(
            route: "POST v1/jobs/:id/resume", tag: "jobs", summary: "Goes on with a paused job.", parameters: [job],
            body: [nothing], isBodyRequired: false, answer: [.json(.ref("Job"))], problems: [404, 409]),
        APIOperation(
            route: "POST v1/jobs/:id/retry", tag: "jobs", summary: "Submits the request of a failed or cancelled job again.",
            parameters: [job], body: [nothing], isBodyRequired: false, status: 201, answer: [.json(.ref("Job"))],
            problems: [404, 409]),
        APIOperation(
            route: "POST v1/jobs/:id/priority", tag: "jobs", summary: "Changes what a job goes before.", parameters: [job],
            body: [
                .json(.object(["priority": .integer("Larger runs first.", JobRequest.priorityRange)], isClosed: true))
            ],
            answer: [.json(.ref("Job"))], problems: [404, 409]),
        APIOperation(
            route: "DELETE v1/jobs/:id", tag: "jobs",
            summary: "Removes a job that is over, with what it alone published; result_table is where the region shows its rows.",
            parameters: [job], answer: [.json(.ref("Job"))], problems: [404, 409]),
        APIOperation(
            route: "POST v1/workers/:id/drain", tag: "workers",
            summary: "Gives a worker nothing new; it leaves when it has finished what it has.", parameters: [worker],
            body: [
                .json(
                    .object(
                        [:],
                        optional: [
                            "reason": reason,
                            "deadline_seconds": .integer("When it leaves at the latest.", 0...Limits.drainSecondsMax).orNull,
                        ], isClosed: true))
            ], isBodyRequired: false, answer: [.json(.ref("Worker"))], problems: [404, 409]),
        APIOperation(
            route: "POST v1/workers/:id/undrain", tag: "workers", summary: "Takes a worker back that has not left yet.",
            parameters: [worker], body: [nothing], isBodyRequired: false, answer: [.json(.ref("Worker"))],
            problems: [404, 409]),
    ]

    static let audit: [APIOperation] = [
        APIOperation(
            route: "GET v1/audit", tag: "audit", summary: "Who changed what and who was refused, newest first.",
            parameters: [
                .query("limit", .integer("How many.", 1...Limits.auditPageRowsMax)),
                .query("before", .integer("Only rows with smaller numbers.", 1...Int(Int64.max))),
                .query("actor", .string("Only what this one did; \(AuditFilter.nobody) for requests of nobody known.")),
                .query("action", .string("Only this, such as 'submit job' or 'refused'.")),
            ],
            answer: [
                .json(
                    .object(
                        ["entries": .list(.ref("AuditEntry"))],
                        optional: ["next_before": .integer("Pass as before to get the next page.")]))
            ])
    ]

    static let doors: [APIOperation] = [
        APIOperation(
            route: "GET metrics", tag: "health", summary: "Figures for Prometheus.", answer: [.text("text/plain")],
            takesAnything: true),
        APIOperation(
            route: "GET v1/support", tag: "health", summary: "What a report of a fault should say, without secrets.",
            answer: [.json(.ref("Support"))]),
        APIOperation(route: "GET /", tag: "page", summary: "The page.", answer: [.text("text/html")]),
        APIOperation(
            route: "GET assets/:file", tag: "page", summary: "A file of the page.",
            parameters: [.path("file", .string("Its name."))], answer: [.text("text/javascript"), .text("text/css")],
            problems: [404]),
        APIOperation(
            route: "POST v1/session", tag: "page",
            summary: "Signs a browser in by a one-time code or a token: gives it a cookie.",
            body: [.json(.object([:], optional: ["code": .string().orNull, "token": .string().orNull], isClosed: true))],
            status: 204, answer: [], problems: [401, 403, 429, 503]),
        APIOperation(
            route: "GET v1/session", tag: "page", summary: "Who asks.", answer: [.json(.ref("Session"))]),
        APIOperation(
            route: "DELETE v1/session", tag: "page", summary: "Signs the browser out.", status: 204, answer: [],
            takesAnything: true),
        APIOperation(
            route: "POST v1/session/codes", tag: "page", summary: "Makes a one-time code by which a browser signs in.",
            body: [
                .json(
                    .object([:], optional: ["role": .oneOf(AccessRole.allCases.map(\.rawValue)).orNull], isClosed: true))
            ], isBodyRequired: false, status: 201, answer: [.json(.ref("SignInCode"))]),
    ]
}

extension SchemaCatalogue {
    static let operations: [String: Schema] = [
        "Explanation": .object(
            ["job_id": .jobID, "sentence": .string()],
            optional: [
                "task": .object([
                    "task": .integer(), "stage": .string(), "state": .string(), "story": .list(.string()),
                ])
            ]),
        "Plan": .object(
            [
                "alphas": .integer(), "days": .integer(), "window_days": .integer(), "tiles": .integer(), "tasks": .integer(),
                "stages": .list(
                    .object(
                        ["name": .string(), "tasks": .integer()],
                        optional: [
                            "repeats": .truth("Only the values tell how often it comes, which may be never."),
                            "in_coordinator": .truth("It has no tasks: the coordinator computes it."),
                        ])), "flops": .number(),
                "panel_bytes": .integer(), "bytes_to_workers": .integer(), "coordinator_memory_bytes": .integer(),
                "worker_memory_bytes": .integer(), "basis": .string("What the figures are based on."),
            ],
            optional: [
                "predicted_seconds": .number(), "predicted_low_seconds": .number(), "predicted_high_seconds": .number(),
            ]),
        "AuditEntry": .object(
            [
                "audit_id": .integer("Number of the row.", 1...Int(Int64.max)), "happened_at": .time,
                "actor": .string("Name of a token, 'jwt:' and a subject, or a role of the database; empty for nobody known."),
                "action": .string("Such as 'submit job', 'refused' or 'import'."),
            ],
            optional: [
                "role": .string("Of the token."), "method": .string(), "path": .string("Without its query."),
                "region": .string(), "subject": .string("What it is about, such as the number of a job."),
                "status": .integer("Of the answer; absent while there is none."), "peer": .string("Address of the other end."),
                "detail": .any("What else is recorded."),
            ]),
        "Session": .object(
            ["name": .string(), "role": .oneOf(AccessRole.allCases.map(\.rawValue))], optional: ["expires_at": .time]),
        "Support": .object(
            [
                "version": .string(), "settings": .map(.string()), "schema_version_needed": .integer(),
                "log_lines": .list(.string(), "JSON objects, oldest first."),
                "host": .object(
                    [
                        "name": .string(), "system": .string(), "kernel": .string(), "cpu": .string(),
                        "cpu_count": .integer(), "memory_bytes": .integer(), "memory_available_bytes": .integer(),
                    ], optional: ["disk_free_bytes": .integer()]),
            ], optional: ["schema_version": .integer()]),
        "SignInCode": .object([
            "code": .string(), "role": .oneOf(AccessRole.allCases.map(\.rawValue)), "expires_in_seconds": .number(),
        ]),
        "Leader": .object(
            ["holder": .string("Host and process."), "epoch": .integer()], optional: ["since": .time, "url": .string()]),
    ]
}
