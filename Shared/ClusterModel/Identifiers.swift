/// Number of a job: the `job_id` of its row in `jobs`, 1 in a run without a database.
package struct JobID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (a: JobID, b: JobID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { String(rawValue) }
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// First 8 bytes of the SHA-256 of everything that decides what a stage's tasks are.
///
/// A result that names another plan belongs to a stage that is over or never was, and is dropped.
package struct PlanHash: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: PlanHash, b: PlanHash) -> Bool { a.rawValue < b.rawValue }
    package var description: String {
        let hex = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - hex.count) + hex
    }
}

/// What a partial is keyed by: it is merged exactly once, whatever the attempts.
package struct TaskID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let job: JobID
    package let plan: PlanHash
    /// Position within the stage, 0 ..< the stage's task count.
    package let index: UInt32
    package init(job: JobID, plan: PlanHash, index: UInt32) {
        self.job = job
        self.plan = plan
        self.index = index
    }
    package static func < (a: TaskID, b: TaskID) -> Bool {
        (a.job, a.plan, a.index) < (b.job, b.plan, b.index)
    }
    package var description: String { "\(job)/\(plan)/\(index)" }
}

/// One lease of one task to one worker, unique over all epochs of the coordinator.
package struct AttemptID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    /// The low 24 bits of the epoch over 40 bits of a serial number, so that an attempt of an earlier coordinator
    /// that a worker still has in hand is never taken for one of the present coordinator's.
    package init(epoch: Epoch, serial: UInt64) {
        rawValue = (UInt64(truncatingIfNeeded: epoch.rawValue) & 0xFF_FFFF) << 40 | (serial & 0xFF_FFFF_FFFF)
    }
    package static func < (a: AttemptID, b: AttemptID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "#\(rawValue >> 40).\(rawValue & 0xFF_FFFF_FFFF)" }
}

/// Name a worker gives itself, stable over restarts; `host-pid` unless configured.
package struct WorkerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
    package static func < (a: WorkerID, b: WorkerID) -> Bool { a.rawValue < b.rawValue }
    package var description: String { rawValue }
}

/// Where a message came from: the transport's own handle, worthless after a reconnect.
package struct Peer: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: Peer, b: Peer) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "peer \(rawValue)" }
}

/// Generation of the coordinator; the database refuses writes of an older one.
package struct Epoch: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (a: Epoch, b: Epoch) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "epoch \(rawValue)" }
}

/// SHA-256 of a block's bytes: what a worker asks for and what its cache is keyed by.
package struct BlockHash: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The digest as four big-endian words, so that comparing words compares bytes.
    package let words: (UInt64, UInt64, UInt64, UInt64)
    package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }
    /// - Precondition: `bytes` holds exactly 32 bytes.
    package init(bytes: some Collection<UInt8>) {
        self = Array(bytes).withUnsafeBytes { BlockHash($0) }
    }
    /// - Precondition: they are exactly 32 bytes.
    package init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 32, "a block hash has 32 bytes")
        func word(_ index: Int) -> UInt64 { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)) }
        words = (word(0), word(1), word(2), word(3))
    }
    package var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }
    package static func == (a: BlockHash, b: BlockHash) -> Bool { a.words == b.words }
    package static func < (a: BlockHash, b: BlockHash) -> Bool { a.words < b.words }
    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
    package var description: String {
        bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}

/// Nanoseconds of a clock that never goes back; its zero means nothing. Machines are told the time, they never ask.
package struct MonotonicTime: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package static func < (a: MonotonicTime, b: MonotonicTime) -> Bool { a.nanoseconds < b.nanoseconds }
    package func advanced(milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: nanoseconds + milliseconds * 1_000_000)
    }
    package func seconds(since earlier: MonotonicTime) -> Double {
        Double(nanoseconds - earlier.nanoseconds) / 1e9
    }
}
