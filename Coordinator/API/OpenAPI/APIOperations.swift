import ClusterModel
import Requests

extension APIOperation {
    /// One for every route; the parts lie beside this file by what they are about.
    static let all: [APIOperation] =
        health + doors + jobs + operations + schedules + webhooks + audit + workers + events + regions + alphas

    private static let health: [APIOperation] = [
        APIOperation(
            route: "GET livez", tag: "health", summary: "Whether the process answers.", answer: [.text("text/plain")]),
        APIOperation(
            route: "GET readyz", tag: "health", summary: "Whether the coordinator leads and reaches its database.",
            answer: [.text("text/plain")], problems: [503]),
        APIOperation(
            route: "GET v1/status", tag: "health", summary: "The grid in a few numbers.", answer: [.json(.ref("Status"))]),
        APIOperation(
            route: "GET openapi.json", tag: "health", summary: "This document.",
            answer: [.json(.map(.any()))]),
    ]

    private static let jobs: [APIOperation] = [
        APIOperation(
            route: "GET v1/jobs", tag: "jobs", summary: "Jobs, newest first unless sorted otherwise.",
            parameters: [
                .query("limit", .integer("Jobs of one page.", 1...Limits.jobsListedMax)),
                .query("before", .integer("Jobs with smaller numbers; goes with newest first.", 1...Int(Int64.max))),
                .query("offset", .integer("Jobs to leave out at the beginning.", 0...Int(Int32.max))),
                .query("state", .pattern(states, "States with commas between them.")),
                .query("kind", .string("Jobs of this kind.")), .query("region", region.schema),
                .query("sort", sort(JobsRequest.columns)),
            ],
            answer: [.json(.ref("JobList"))], problems: [404]),
        APIOperation(
            route: "POST v1/jobs", tag: "jobs", summary: "Submits a job.",
            parameters: [
                .header(
                    "Idempotency-Key",
                    .pattern(
                        "^[!-~]{1,\(Limits.idempotencyKeyBytesMax)}$",
                        "Who sends the same request with the same key again gets the job of the first time."))
            ],
            body: [.json(.ref("JobRequest"))], status: 201, answer: [.json(.ref("Job"))], problems: [404, 409, 422]),
        APIOperation(
            route: "GET v1/jobs/:id", tag: "jobs", summary: "One job.", parameters: [job], answer: [.json(.ref("Job"))],
            problems: [404]),
        APIOperation(
            route: "POST v1/jobs/:id/cancel", tag: "jobs", summary: "Cancels a job that has not ended.", parameters: [job],
            body: [.json(.object([:], optional: ["reason": .string("Why.").orNull], isClosed: true))], isBodyRequired: false,
            answer: [.json(.ref("Job"))], problems: [404, 409]),
        APIOperation(
            route: "GET v1/jobs/:id/tiles", tag: "jobs", summary: "A picture of what is done of the job's present stage.",
            parameters: [job], answer: [.json(.ref("TileMap"))], problems: [404, 409]),
    ]

    private static let states: String = {
        let names = JobsRequest.stateNames.joined(separator: "|")
        return "^(\(names))(,(\(names)))*$"
    }()

    static func sort(_ columns: [String]) -> Schema {
        .pattern("^-?(\(columns.joined(separator: "|")))$", "A column, with - before it for the largest first.")
    }

    private static let workers: [APIOperation] = [
        APIOperation(
            route: "GET v1/workers", tag: "workers", summary: "Workers, by name unless sorted otherwise.",
            parameters: [
                .query("state", .pattern(workerStates, "States with commas between them.")),
                .query("host", .string("Workers of this host.")), .query("sort", sort(WorkersRequest.columns)),
                .query("limit", .integer("Workers of one page; all without.", 1...Limits.workersMax)),
                .query("offset", .integer("Workers to leave out at the beginning.", 0...Limits.workersMax)),
            ],
            answer: [.json(.ref("WorkerList"))])
    ]

    private static let workerStates: String = {
        let names = WorkersRequest.states.joined(separator: "|")
        return "^(\(names))(,(\(names)))*$"
    }()

    private static let seconds = Parameter.query(
        "seconds",
        .integer(
            "Ends the stream by itself after so many seconds, with 0 behind the first events.", 0...APIRoutes.streamSecondsMax))

    private static let events: [APIOperation] = [
        APIOperation(
            route: "GET v1/events", tag: "events",
            summary: "Server-sent events: status, job and workers on connecting, then these and tasks as they change; lagged "
                + "where the reader was too slow.",
            parameters: [seconds], answer: [.events]),
        APIOperation(
            route: "GET v1/jobs/:id/events", tag: "events",
            summary: "Server-sent events of one job: job and tasks, and end when it is over.", parameters: [job, seconds],
            answer: [.events], problems: [404]),
    ]
}
