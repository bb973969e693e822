import ClusterModel
import Synchronization

/// The last lines of a program's log, for whoever asks what happened.
package final class LogRing: Sendable {
    private let lines = Mutex<(kept: [String], next: Int)>(([], 0))
    private let capacity: Int

    package init(capacity: Int = Limits.logLinesKeptMax) {
        self.capacity = max(1, capacity)
    }

    func append(_ line: String) {
        lines.withLock { lines in
            if lines.kept.count < capacity {
                lines.kept.append(line)
            } else {
                lines.kept[lines.next] = line
            }
            lines.next = (lines.next + 1) % capacity
        }
    }

    /// Oldest first, each without its line break.
    package var recent: [String] {
        lines.withLock { lines in
            lines.kept.count < capacity ? lines.kept : Array(lines.kept[lines.next...] + lines.kept[..<lines.next])
        }
    }
}
