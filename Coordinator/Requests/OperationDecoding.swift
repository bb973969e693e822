import ClusterModel
import Foundation

/// Body of `POST /v1/jobs/{id}/priority`.
package struct PriorityRequest: Codable, Hashable, Sendable {
    package var priority: Int
    package init(priority: Int) { self.priority = priority }

    package init(decoding body: Data) throws(GridError) {
        var object = try StrictObject(body, what: "the priority")
        let priority = try object.whole("priority", in: JobRequest.priorityRange)
        try object.expectNothingElse()
        guard let priority else { throw GridError(.usage, "field 'priority' is missing: expected a whole number") }
        self.init(priority: priority)
    }
}

extension DrainOrder {
    /// - Parameter body: Empty, or an object with the optional fields `reason` and `deadline_seconds`.
    package init(decoding body: Data) throws(GridError) {
        self.init()
        guard !body.isEmpty else { return }
        var object = try StrictObject(body, what: "the request to drain")
        reason = try object.text("reason", bytesMax: Limits.reasonBytesMax) ?? ""
        deadlineSeconds = try object.whole("deadline_seconds", in: 0...Limits.drainSecondsMax)
        try object.expectNothingElse()
    }
}

extension StrictObject {
    /// A body that may be empty and says nothing else.
    package static func expectEmpty(_ body: Data, what: String) throws(GridError) {
        if !body.isEmpty { try StrictObject(body, what: what).expectNothingElse() }
    }
}
