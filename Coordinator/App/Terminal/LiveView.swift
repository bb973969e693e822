#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Lines of a terminal that are redrawn in place.
struct LiveView {
    private var linesShown = 0

    /// The escape sequences and text that replace the last frame by this one.
    ///
    /// - Parameters:
    ///   - lines: The new frame; what does not fit is cut, since a line that wraps or scrolls could not be redrawn.
    ///   - terminal: Its size now.
    mutating func frame(_ lines: [String], terminal: Terminal) -> String {
        var fitting = lines.map { Self.cut($0, columns: max(1, terminal.columns - 1)) }
        let rows = max(1, terminal.rows - 1)
        if fitting.count > rows {
            let hidden = fitting.count - rows + 1
            fitting = Array(fitting.prefix(rows - 1)) + ["... \(hidden) more lines (enlarge the window)"]
        }
        var text = linesShown > 0 ? "\u{1B}[\(linesShown)A\r" : ""
        for line in fitting { text += "\u{1B}[2K\(line)\n" }
        text += "\u{1B}[J"
        linesShown = fitting.count
        return text
    }

    /// The beginning of a line that takes so many columns; escape sequences take none, and none is left open.
    static func cut(_ line: String, columns: Int) -> String {
        var out = ""
        var width = 0
        var inEscape = false
        var hasEscape = false
        for character in line {
            if character == "\u{1B}" {
                inEscape = true
                hasEscape = true
            } else if inEscape {
                inEscape = !character.isLetter
            } else {
                guard width < columns else { return hasEscape ? out + "\u{1B}[0m" : out }
                width += 1
            }
            out.append(character)
        }
        return out
    }
}

/// Takes the keyboard of a terminal: keys arrive at once and are not echoed, and the cursor is out of the way.
/// The terminal is given back as it was, also when a signal ends the process.
@MainActor
struct Keyboard {
    init?() {
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &savedTerminal) == 0 else { return nil }
        var raw = savedTerminal
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        guard tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0 else { return nil }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                // Only calls that are allowed inside a signal handler.
                tcsetattr(STDIN_FILENO, TCSANOW, &savedTerminal)
                _ = showCursor.withUTF8Buffer { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
                _exit(128 + number)
            }
        }
        StandardOutput.write("\u{1B}[?25l")
    }

    /// The next key, or nil when none was pressed within that time.
    func key(milliseconds: Int32) -> UInt8? {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, milliseconds) > 0 else { return nil }
        var byte: UInt8 = 0
        return read(STDIN_FILENO, &byte, 1) == 1 ? byte : nil
    }

    func giveBack() {
        tcsetattr(STDIN_FILENO, TCSANOW, &savedTerminal)
        _ = showCursor.withUTF8Buffer { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_DFL) }
    }
}

// A signal handler can only reach globals; this one is written once, before the handler is there.
nonisolated(unsafe) private var savedTerminal = termios()
private let showCursor: StaticString = "\u{1B}[?25h"
