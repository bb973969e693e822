import ClusterModel
import Foundation

extension JobRequest {
    /// Fields a request for a job may have.
    package static let priorityRange = -1_000...1_000

    /// - Throws: `GridError(.usage)`: the first field that is unknown, of the wrong type or out of range.
    package init(decoding body: Data) throws(GridError) {
        var object = try StrictObject(body, what: "the job")
        let kind = try object.requiredText("kind", bytesMax: 40)
        let region = try object.requiredText("region", bytesMax: 80)
        self.init(kind: kind, region: region)
        pool = try object.text("pool", bytesMax: Limits.poolNameBytesMax)
        convention = try object.text("convention", bytesMax: 80)
        window = try object.text("window", bytesMax: 80)
        minOverlap = try object.whole("min_overlap", in: 2...Limits.daysMax)
        precision = try object.text("precision", bytesMax: 80)
        blockEdge = try object.whole("block_edge", in: 1...Limits.blockEdgeMax)
        top = try object.whole("top", in: 1...Limits.neighboursMax)
        threshold = try object.number("threshold")
        absolute = try object.truth("absolute")
        fresh = try object.truth("fresh")
        priority = try object.whole("priority", in: Self.priorityRange)
        params = try object.texts("params", countMax: Limits.jobParametersMax, bytesMax: Limits.jobParameterBytesMax)
        try object.expectNothingElse()
        try validate()
    }

    /// Checks every field that is there; what the region or the database decides is checked where that is known.
    package func validate() throws(GridError) {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard !kind.isEmpty, kind.utf8.allSatisfy({ letters.contains($0) || $0 == UInt8(ascii: "-") }) else {
            throw GridError(
                .usage, "field 'kind' is '\(kind.printable)': expected the name of a job kind, such as correlation")
        }
        _ = try Region(region)
        if let convention { _ = try Convention(parsing: convention) }
        if let window { _ = try Window(parsing: window) }
        if let precision { _ = try Precision(parsing: precision) }
        _ = try CorrelationParameters(
            minOverlap: minOverlap ?? CorrelationParameters.defaultMinOverlap,
            blockEdge: blockEdge ?? CorrelationParameters.defaultBlockEdge,
            neighbours: top ?? CorrelationParameters.defaultNeighbours,
            edges: try EdgeRule(threshold: effectiveThreshold, absolute: absolute))
        if let priority, !Self.priorityRange.contains(priority) {
            throw GridError(
                .usage,
                "priority \(priority) is not valid: expected a whole number from \(Self.priorityRange.lowerBound) to "
                    + "\(Self.priorityRange.upperBound)")
        }
        if let pool, pool.isEmpty || pool.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw GridError(.usage, "pool '\(pool.printable)' is not valid: expected the name of a pool")
        }
    }
}

/// Body of `POST /v1/jobs/{id}/cancel`; without a body no reason is recorded.
package struct CancelRequest: Codable, Hashable, Sendable {
    package var reason: String
    package init(reason: String) { self.reason = reason }
}

extension CancelRequest {
    /// - Parameter body: Empty, or an object with the optional field `reason`.
    package init(decoding body: Data) throws(GridError) {
        guard !body.isEmpty else {
            self.init(reason: "")
            return
        }
        var object = try StrictObject(body, what: "the cancellation")
        let reason = try object.text("reason", bytesMax: Limits.reasonBytesMax)
        try object.expectNothingElse()
        self.init(reason: reason ?? "")
    }
}

extension JobID {
    /// - Parameter text: Part of a path, a query or a command line.
    package init(parsing text: String) throws(GridError) {
        let digits = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits, let value = Int64(text), value > 0 else {
            throw GridError(
                .usage, "job id '\(text.printable)' is not valid: expected a whole number from 1 to \(Int64.max)")
        }
        self.init(value)
    }
}

extension WorkerID {
    /// - Parameter text: Part of a path or of a command line.
    package init(parsing text: String) throws(GridError) {
        let plain = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        guard (1...Limits.workerNameBytesMax).contains(text.utf8.count), plain else {
            throw GridError(
                .usage,
                "worker '\(text.printable)' is not valid: expected a name of 1 to \(Limits.workerNameBytesMax) bytes "
                    + "without spaces, as 'alphagrid workers' lists them")
        }
        self.init(text)
    }
}
