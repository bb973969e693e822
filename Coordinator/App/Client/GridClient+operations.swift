import API
import ClusterModel
import Foundation
import Requests

extension GridClient {
    func explain(_ id: JobID, task: Int?) async throws -> ExplainView {
        try await get("/v1/jobs/\(id)/explain" + (task.map { "?task=\($0)" } ?? ""))
    }

    func plan(_ request: JobRequest) async throws -> PlanView {
        try await post("/v1/plan", body: try GridJSON.encode(request))
    }

    func pause(_ id: JobID, reason: String) async throws -> JobView {
        try await post("/v1/jobs/\(id)/pause", body: try GridJSON.encode(CancelRequest(reason: reason)))
    }

    func resume(_ id: JobID) async throws -> JobView { try await post("/v1/jobs/\(id)/resume", body: nil) }

    func retry(_ id: JobID) async throws -> JobView { try await post("/v1/jobs/\(id)/retry", body: nil) }

    func setPriority(_ id: JobID, _ priority: Int) async throws -> JobView {
        try await post("/v1/jobs/\(id)/priority", body: try GridJSON.encode(PriorityRequest(priority: priority)))
    }

    func remove(_ id: JobID) async throws -> JobView { try await delete("/v1/jobs/\(id)") }

    func drain(_ worker: WorkerID, order: DrainOrder) async throws -> WorkerView {
        try await post("/v1/workers/\(Self.escaped(worker.rawValue))/drain", body: try GridJSON.encode(order))
    }

    func undrain(_ worker: WorkerID) async throws -> WorkerView {
        try await post("/v1/workers/\(Self.escaped(worker.rawValue))/undrain", body: nil)
    }
}
