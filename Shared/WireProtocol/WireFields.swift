import ClusterModel
import SwiftProtobuf

extension AttemptRef {
    init(_ wire: WireAttemptRef) {
        self.init(
            task: TaskID(job: JobID(wire.job), plan: PlanHash(wire.plan), index: wire.taskIndex),
            attempt: AttemptID(wire.attempt))
    }

    var wire: WireAttemptRef {
        .with {
            $0.job = task.job.rawValue
            $0.plan = task.plan.rawValue
            $0.taskIndex = task.index
            $0.attempt = attempt.rawValue
        }
    }
}

extension WireCodec {
    /// Seconds and operation counts are added up and shown: one NaN from one worker would spoil every total, and what no
    /// machine can do or count is as wrong.
    static func quantity(_ value: Double, _ field: String, most: Double = Limits.wireQuantityMax) throws(GridError) -> Double {
        guard (0...most).contains(value) else { throw malformed("\(field) is \(value), expected 0.0 to \(most)") }
        return value
    }

    /// GFLOP/s of a slot; 0 where it did not measure.
    static func speed(_ value: Double, _ field: String) throws(GridError) -> Double {
        let speed = try quantity(value, field, most: Limits.slotGigaflopsMax)
        // Times are divided by it.
        return speed < Limits.slotGigaflopsMin ? 0 : speed
    }
}

extension String {
    /// Safe as a name in logs, tables and JSON: no control characters, at most `Limits.wireNameBytesMax` bytes.
    var wireName: String { oneLine(bytesMax: Limits.wireNameBytesMax) }

    /// One line of at most `Limits.wireSentenceBytesMax` bytes.
    var wireSentence: String { oneLine(bytesMax: Limits.wireSentenceBytesMax) }

    private func oneLine(bytesMax: Int) -> String {
        func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) }
        if utf8.count <= bytesMax && !unicodeScalars.contains(where: isControl) { return self }
        var out = ""
        var bytes = 0
        for scalar in unicodeScalars {
            let kept: Unicode.Scalar = isControl(scalar) ? "?" : scalar
            bytes += UTF8.width(kept)
            if bytes > bytesMax { break }
            out.unicodeScalars.append(kept)
        }
        return out
    }
}
