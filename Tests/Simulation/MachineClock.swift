import ClusterModel

/// The monotonic clock of one machine, as far as it is off the time of the simulated world. It never goes back.
struct MachineClock {
    private var aheadNanoseconds: Int64 = 0
    private var stalledAt: MonotonicTime?

    /// What the machine reads at a moment of the world.
    func read(_ now: MonotonicTime) -> MonotonicTime {
        stalledAt ?? MonotonicTime(nanoseconds: now.nanoseconds + aheadNanoseconds)
    }

    /// The moment of the world at which the machine reads `deadline`; while it stands still, when to look again.
    func moment(of deadline: MonotonicTime, _ now: MonotonicTime) -> MonotonicTime {
        if stalledAt != nil { return now.advanced(milliseconds: 50) }
        return MonotonicTime(nanoseconds: deadline.nanoseconds - aheadNanoseconds)
    }

    mutating func jump(milliseconds: Int) {
        if stalledAt == nil { aheadNanoseconds += Int64(milliseconds) * 1_000_000 }
    }

    mutating func stall(_ now: MonotonicTime) {
        if stalledAt == nil { stalledAt = read(now) }
    }

    /// - Parameter catchesUp: whether it jumps to where it would be, or goes on from where it stood.
    mutating func goOn(_ now: MonotonicTime, catchesUp: Bool) {
        guard let stalledAt else { return }
        self.stalledAt = nil
        if !catchesUp { aheadNanoseconds = stalledAt.nanoseconds - now.nanoseconds }
    }
}
