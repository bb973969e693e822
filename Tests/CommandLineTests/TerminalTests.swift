import Testing

@testable import alphagrid

@Suite struct TerminalTests {
    @Test("Columns line up on the side their numbers need, without blanks at the ends of lines")
    func table() {
        let columns: [TextTable.Column] = [.init("NAME"), .init("COUNT", .right), .init("NOTE")]
        let table = TextTable(columns, rows: [["ab", "7", ""], ["c", "12345", "x"]])
        #expect(table.lines() == ["NAME  COUNT  NOTE", "ab        7", "c     12345  x"])
    }

    @Test("What takes two columns of a terminal, or none, moves nothing behind it")
    func wide() {
        let table = TextTable([.init("NAME"), .init("R", .right)], rows: [["日本語", "1"], ["e\u{301}", "2"], ["🙂a", "3"]])
        #expect(table.lines() == ["NAME    R", "日本語  1", "e\u{301}       2", "🙂a     3"])
        #expect(Screen.cut("日本語", columns: 5) == "日本" && Screen.cut("日本語", columns: 6) == "日本語")
        #expect("a\u{200B}b".columns == 2 && "한글".columns == 4 && "ﾊ".columns == 1)
    }

    @Test("What a cell holds cannot move the cursor or begin a line")
    func controls() {
        let table = TextTable([.init("A")], rows: [["x\u{1B}[2Jy\n\u{9B}z"]])
        #expect(table.lines() == ["A", "x?[2Jy??z"])
    }

    @Test(
        "A bar is full only when everything is done",
        arguments: [
            (0, 0, "[>         ]   0%"), (0, 10, "[>         ]   0%"), (5, 10, "[=====>    ]  50%"),
            (999, 1_000, "[=========>]  99%"), (10, 10, "[==========] 100%"), (11, 10, "[==========] 100%"),
        ])
    func bar(done: Int, total: Int, expected: String) {
        #expect(ProgressBar.bar(done: done, total: total, width: 10) == expected)
    }

    @Test("Escape sequences take no columns, and what is cut does not stay bold")
    func cutting() {
        #expect(Screen.cut("\u{1B}[1mabc\u{1B}[0m d", columns: 5) == "\u{1B}[1mabc\u{1B}[0m d")
        #expect(Screen.cut("\u{1B}[1mabc\u{1B}[0m", columns: 2) == "\u{1B}[1mab\u{1B}[0m")
        #expect(Screen.cut("abc", columns: 2) == "ab")
    }

    @Test("NO_COLOR and a dumb terminal mean no escape sequences")
    func color() {
        #expect(Terminal.colorAllowed(["TERM": "xterm"]))
        #expect(Terminal.colorAllowed(["TERM": "xterm", "NO_COLOR": ""]))
        #expect(!Terminal.colorAllowed(["TERM": "xterm", "NO_COLOR": "1"]))
        #expect(!Terminal.colorAllowed(["TERM": "dumb"]))
        #expect(plain.bold("x") == "x")
        #expect(Terminal(isTerminal: true, hasColor: true, columns: 1, rows: 1).bold("x") == "\u{1B}[1mx\u{1B}[0m")
    }

    @Test(
        "Times read as people say them",
        arguments: [
            (0.0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1m00s"), (192, "3m12s"),
            (7_500, "2h05m"), (356_400, "4d03h"), (.infinity, "?"), (.nan, "?"), (-1, "?"),
        ])
    func durations(seconds: Double, expected: String) {
        #expect(Quantity.duration(seconds: seconds) == expected)
    }

    @Test("Bytes and decimals are rounded, not cut")
    func quantities() {
        #expect(Quantity.bytes(1_023) == "1023 B")
        #expect(Quantity.bytes(1_536) == "1.5 KiB")
        #expect(Quantity.bytes(4 << 30) == "4.0 GiB")
        #expect(Quantity.fixed(-0.0000004, digits: 6) == "0.000000")
        #expect(Quantity.fixed(-0.9999996, digits: 6) == "-1.000000")
        #expect(Quantity.fixed(0.05, digits: 1) == "0.1")
        #expect(Quantity.fixed(2.5, digits: 0) == "3")
        #expect(Quantity.fixed(1.05e20, digits: 2) == "1.05e+20")
    }
}
