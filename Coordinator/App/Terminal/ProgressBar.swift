#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How far something is, as one line of text.
enum ProgressBar {
    static let barWidth = 28

    /// `[=======>      ]  31%`; a total of 0 has done nothing yet.
    static func bar(done: Int, total: Int, width: Int = barWidth) -> String {
        let fraction = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
        let filled = Int(fraction * Double(width))
        var cells = String(repeating: "=", count: filled)
        if filled < width { cells += ">" + String(repeating: " ", count: width - filled - 1) }
        let percent = String(percent(done: done, total: total))
        return "[\(cells)] \(String(repeating: " ", count: 3 - percent.count))\(percent)%"
    }

    /// Whole percent, rounded down: 100 only when everything is done.
    static func percent(done: Int, total: Int) -> Int {
        guard total > 0 else { return 0 }
        return min(100, max(0, Int(Double(done) * 100 / Double(total))))
    }
}

/// One line of a terminal that is written over as things go on. Nothing is written where no terminal is.
final class ProgressLine {
    private let terminal: Terminal
    private var shown = false
    private var lastDrawn: UInt64 = 0

    private static let intervalNanoseconds: UInt64 = 50_000_000

    /// - Parameter enabled: Whether anything is drawn at all, such as without `--quiet`.
    init(enabled: Bool, terminal: Terminal = .of(STDERR_FILENO)) {
        var terminal = terminal
        terminal.isTerminal = terminal.isTerminal && enabled
        self.terminal = terminal
    }

    /// Draws at most 20 times a second, but always what is `last`.
    func show(_ text: @autoclosure () -> String, last: Bool = false) {
        guard terminal.isTerminal else { return }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        guard last || !shown || now - lastDrawn >= Self.intervalNanoseconds else { return }
        lastDrawn = now
        shown = true
        // A line as wide as the terminal would wrap, and could not be written over.
        StandardError.write("\r\u{1B}[K" + Screen.cut(text(), columns: max(1, terminal.columns - 1)))
    }

    /// Removes the line, so that what follows begins on a clean one.
    func clear() {
        guard shown else { return }
        StandardError.write("\r\u{1B}[K")
        shown = false
    }
}
