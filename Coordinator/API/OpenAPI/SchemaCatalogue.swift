import ClusterModel
import Requests

/// The schemas that operations name.
enum SchemaCatalogue {
    static let all: [String: Schema] = [operations, schedules, own].reduce([:]) { $0.merging($1) { first, _ in first } }

    private static let own: [String: Schema] = [
        "Problem": problem, "Status": status, "Job": job, "JobRequest": jobRequest,
        "JobList": .object(
            ["jobs": .list(.ref("Job"))],
            optional: [
                "next_before": .integer("Pass as before to get the next page."),
                "next_offset": .integer("Pass as offset to get the next page."),
            ]),
        "Worker": worker,
        "WorkerList": .object(["workers": .list(.ref("Worker"))], optional: ["next_offset": .integer()]),
        "TileMap": tileMap, "Region": region, "RegionList": .object(["regions": .list(.ref("Region"))]),
        "ResultPage": resultPage, "Alpha": alpha, "PnL": pnl, "Matrix": matrix, "Usage": usage,
        "CheckRequest": checkRequest, "Check": check, "Candidate": candidate, "Match": match, "Pair": pair,
        "PairCorrelation": pairCorrelation,
    ]

    private static let problem = Schema.object(
        [
            "type": .string(), "title": .string("Phrase of the status."), "status": .integer("", 400...599),
            "detail": .string("One sentence that a person can act on."),
        ], optional: ["leader": .ref("Leader")])

    private static let status = Schema.object(
        [
            "version": .string(), "epoch": .integer("Generation of the coordinator."), "uptime_seconds": .number(),
            "database_reachable": .truth(), "workers_connected": .integer(), "slots_total": .integer(),
            "slots_busy": .integer(), "jobs_queued": .integer(), "jobs_running": .integer(), "tasks_done_total": .integer(),
        ],
        optional: [
            "last_error": .string(), "notes": .list(.string(), "What a person might want to do something about."),
            "leader": .ref("Leader"),
            "standbys": .list(.object(["holder": .string(), "seen_at": .time], optional: ["url": .string()])),
        ])

    private static let job = Schema.object(
        [
            "job_id": .jobID, "kind": .string(), "region": .string(), "pool": .string(),
            "state": .oneOf(JobState.allCases.map(\.rawValue)), "priority": .integer(), "convention": .string(),
            "window": .string(), "min_overlap": .integer(), "precision": .string(), "block_edge": .integer(),
            "top": .integer(), "absolute": .truth(), "fresh": .truth(), "paused": .truth(), "params": .map(.string()),
            "submitted_at": .time,
            "stages": .list(
                .object(
                    ["name": .string(), "tasks_done": .integer(), "tasks_total": .integer()],
                    optional: [
                        "round": .any(), "in_coordinator": .truth("It counts as one task, which no worker gets."),
                    ])),
            "warnings": .list(.string()),
        ],
        optional: [
            "threshold": .number(), "started_at": .time, "finished_at": .time, "alpha_count": .integer(),
            "day_count": .integer(), "tiles_per_second": .number(), "eta_seconds": .number(),
            "eta_low_seconds": .number("The rest takes longer, nine times out of ten."),
            "eta_high_seconds": .number("The rest takes less, nine times out of ten."),
            "gigaflops_per_second": .number(), "peak_share": .number("Of what its workers can do at most."),
            "reason": .string("Why it was paused or cancelled."), "waits": .string("What it waits for."),
            "resumed_at": .time, "resumed": .integer("How often it was taken up again."), "partials_kept": .integer(),
            "profile": .string(),
            "panel_hash": .string(), "digest": .string(), "result_table": .string(), "error": .string(),
        ])

    private static let jobRequest = Schema.object(
        ["kind": .pattern("^[a-z-]{1,40}$", "Such as correlation."), "region": .pattern("^[A-Z][A-Z0-9]{1,9}$")],
        optional: [
            "pool": .string(lengthMax: Limits.poolNameBytesMax).orNull,
            "convention": .oneOf(Convention.allCases.map(\.rawValue)).orNull, "window": .string("all, 4y, 400d.").orNull,
            "min_overlap": .integer("", 2...Limits.daysMax).orNull,
            "precision": .oneOf(Precision.allCases.map(\.rawValue)).orNull,
            "block_edge": .integer("", 1...Limits.blockEdgeMax).orNull,
            "top": .integer("Neighbours kept.", 1...Limits.neighboursMax).orNull,
            "threshold": .number("Pairs from here on are kept one by one.", -1...1).orNull, "absolute": .truth().orNull,
            "fresh": .truth("Whether kept results are left alone.").orNull,
            "priority": .integer("Larger runs first.", JobRequest.priorityRange).orNull,
            "params": .map(.any(), "What only this kind has: texts, numbers, true or false.").orNull,
        ], isClosed: true)

    private static let worker = Schema.object(
        [
            "worker": .string(), "host": .string(), "process_id": .integer(), "version": .string(), "profile": .string(),
            "state": .oneOf(WorkersRequest.states), "slots": .integer(), "running": .integer(), "queued": .integer(),
            "tasks_done": .integer(), "tasks_failed": .integer(), "memory_bytes": .integer(), "cached_bytes": .integer(),
            "gigaflops_per_second": .number(), "heartbeat_age_seconds": .number(),
        ],
        optional: [
            "peak_float32_gigaflops_per_second": .number(), "peak_float64_gigaflops_per_second": .number(),
            "drain_reason": .string(), "drain_deadline": .time,
        ])

    private static let tileMap = Schema.object(
        [
            "job_id": .jobID, "stage": .string(), "edge": .integer("Cells along each side.", 1...Limits.tileMapEdgeMax),
            "upper": .truth("Whether only the upper triangle has tasks."),
            "cells": .pattern(
                "^[.qlmf-]*$", "Row after row: . no task, q queued, l leased, m merged, f failed once, - mixed."),
            "task_count": .integer(),
        ],
        optional: [
            "grid": .object([
                "row_begin": .integer("First block row."), "row_end": .integer("The one behind the last."),
                "column_begin": .integer(), "column_end": .integer(),
                "group": .integer("Blocks along a task's edge; tasks are numbered row by row, in a triangle from its diagonal."),
            ])
        ])
}
