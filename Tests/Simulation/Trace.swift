import ClusterModel

/// What happened, as a number that two runs of one seed must share, and as text when somebody wants to read it.
struct Trace {
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var lines: [String] = []
    private let isRecording: Bool

    init(isRecording: Bool) { self.isRecording = isRecording }

    /// Numbers go into the hash; the sentence is only made when recording.
    mutating func add(_ now: MonotonicTime, _ kind: UInt64, _ a: UInt64, _ b: UInt64, _ text: @autoclosure () -> String) {
        hash = mix(hash ^ UInt64(bitPattern: now.nanoseconds))
        hash = mix(hash ^ (kind &* 0x1_0000_01B3) ^ (a << 20) ^ b)
        if isRecording {
            let milliseconds = now.nanoseconds / 1_000_000
            let text = text().replacing("ClusterModel.", with: "")
            lines.append("\(String(repeating: " ", count: max(0, 7 - String(milliseconds).count)))\(milliseconds) ms  \(text)")
        }
    }
}
