#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The whole screen of a terminal, and its keyboard: keys arrive at once and are not echoed, and the cursor is out of the way.
/// What was on the screen before comes back in the end, also when a signal ends the process.
@MainActor
struct Screen {
    private let hasKeys: Bool

    /// The alternate screen, without its cursor.
    private static let takeOver = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J"

    init() {
        hasKeys = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &savedTerminal) == 0
        keyboardIsTaken = hasKeys
        if hasKeys {
            var raw = savedTerminal
            raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                // Only calls that are allowed inside a signal handler.
                if keyboardIsTaken { tcsetattr(STDIN_FILENO, TCSANOW, &savedTerminal) }
                _ = handBack.withUTF8Buffer { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
                _exit(128 + number)
            }
        }
        // A handler that does nothing still ends a wait, so that a new size is drawn for at once.
        signal(SIGWINCH) { _ in }
        StandardOutput.write(Self.takeOver)
    }

    /// Waits for a key, a new size of the window, or for so long.
    ///
    /// - Returns: nil when no key came; `q` too when none can come any more, since the terminal is gone.
    func key(milliseconds: Int32) -> UInt8? {
        var descriptor = pollfd(fd: hasKeys ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, milliseconds) > 0 else { return nil }
        var byte: UInt8 = 0
        let count = read(STDIN_FILENO, &byte, 1)
        return count == 1 ? byte : count == 0 ? UInt8(ascii: "q") : nil
    }

    func giveBack() {
        if hasKeys { tcsetattr(STDIN_FILENO, TCSANOW, &savedTerminal) }
        _ = handBack.withUTF8Buffer { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        for number in [SIGINT, SIGTERM, SIGHUP, SIGWINCH] { signal(number, SIG_DFL) }
    }

    /// What puts these lines on the screen over the last ones. Nothing is cleared before it is written over, so that nothing
    /// flickers; what does not fit is cut, since a line that wraps would scroll the others away.
    nonisolated static func frame(_ lines: [String], terminal: Terminal) -> String {
        var text = "\u{1B}[H"
        for (number, line) in lines.prefix(max(1, terminal.rows)).enumerated() {
            text += (number == 0 ? "" : "\r\n") + cut(line, columns: max(1, terminal.columns)) + "\u{1B}[K"
        }
        return text + "\u{1B}[J"
    }

    /// The beginning of a line that takes so many columns; escape sequences take none, and none is left open.
    nonisolated static func cut(_ line: String, columns: Int) -> String {
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
                width += character.columns
                guard width <= columns else { return hasEscape ? out + "\u{1B}[0m" : out }
            }
            out.append(character)
        }
        return out
    }
}

// A signal handler can only reach globals; these are written once, before the handler is there.
nonisolated(unsafe) private var savedTerminal = termios()
nonisolated(unsafe) private var keyboardIsTaken = false
private let handBack: StaticString = "\u{1B}[?25h\u{1B}[?1049l"
