import ClusterModel
import Testing

@testable import alphagrid

@Suite struct WatchTests {
    private func page(
        jobs: Int = 2, workers: Int = 2, columns: Int = 80, rows: Int = 24, color: Bool = false, trouble: String? = nil
    ) -> WatchPage {
        var status = someStatus()
        status.lastError = "the connection to the database broke"
        var views = (1...max(1, jobs)).reversed().map { someJob(Int64($0), .running, done: 31, total: 100) }
        if jobs == 0 { views = [] }
        let workerViews = (0..<workers).map { number in
            var worker = someWorker("a-very-long-host-name-of-a-cluster-\(number)", state: number == 1 ? "suspect" : "connected")
            worker.peakFloat64GigaflopsPerSecond = 91.5
            return worker
        }
        var history = WatchHistory()
        for second in 0..<200 {
            status.tasksDoneTotal = second * second
            history.look(status, at: Double(second) / 2)
        }
        return WatchPage(
            report: StatusReport(url: "http://127.0.0.1:8710", status: status, jobs: views, workers: workerViews),
            history: history, terminal: Terminal(isTerminal: true, hasColor: color, columns: columns, rows: rows),
            isUnicode: true, trouble: trouble)
    }

    @Test(
        "The page fills the screen and never more, whatever there is to show",
        arguments: [(0, 0), (1, 1), (3, 200), (40, 3), (60, 300)], [(80, 24), (40, 8), (200, 60), (20, 5), (1, 1)])
    func size(counts: (Int, Int), size: (Int, Int)) {
        let page = page(jobs: counts.0, workers: counts.1, columns: size.0, rows: size.1, trouble: "nobody answers")
        let lines = page.lines()
        #expect(lines.count <= max(size.1, 3), "\(lines)")
        let frame = Screen.frame(lines, terminal: page.terminal)
        let shown = frame.replacing("\u{1B}[H", with: "").replacing("\u{1B}[J", with: "").replacing("\u{1B}[K", with: "")
            .split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(shown.count <= size.1)
        #expect(shown.allSatisfy { $0.count <= size.0 })
    }

    @Test("On 80 columns and 24 rows there is all that matters: jobs with bars, workers with their share, rates, the last error")
    func standard() {
        let lines = page().lines()
        let text = lines.joined(separator: "\n")
        #expect(lines.count == 24 && lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
        #expect(text.contains("[===>      ]  31%") && text.contains("31/100"))
        #expect(text.contains("last error: the connection to the database broke") && lines.last == "q quits")
        #expect(text.contains("50 %") && text.contains(" tasks/s ") && text.contains("█"))
        #expect(text.contains("a-very-long-h~"))
    }

    @Test("What does not fit is counted, and neither list crowds the other out")
    func cut() {
        let text = page(jobs: 60, workers: 300).lines().joined(separator: "\n")
        #expect(text.contains("more jobs") && text.contains("more workers"))
        #expect(text.contains("JOB") && text.contains("WORKER"))
        // Room for the word alone: the titles that have gone, too, are no workers.
        let small = page(jobs: 9, workers: 2, rows: 11).lines()
        #expect(small.contains("... 2 more workers"), "\(small)")
    }

    @Test("Without colour there is no escape sequence, with it what is wrong is red")
    func color() {
        #expect(!page().lines().joined().contains("\u{1B}"))
        let lines = page(color: true).lines()
        #expect(lines.contains { $0.hasPrefix("\u{1B}[31ma-very-long") && $0.hasSuffix("\u{1B}[0m") })
        #expect(lines.contains { $0.hasPrefix("\u{1B}[32m") })
    }

    @Test("Rates begin anew with another coordinator and are bounded")
    func history() {
        var history = WatchHistory()
        var status = someStatus()
        status.tasksDoneTotal = 100
        history.look(status, at: 1)
        #expect(history.recent == nil)
        status.tasksDoneTotal = 110
        history.look(status, at: 3)
        #expect(history.tasksPerSecond == [5])
        status.epoch += 1
        status.tasksDoneTotal = 1
        history.look(status, at: 4)
        #expect(history.tasksPerSecond == [5])
        for second in 5..<1_000 {
            status.tasksDoneTotal += 2
            history.look(status, at: Double(second))
        }
        #expect(history.tasksPerSecond.count == WatchHistory.valuesMax && history.recent == 2)
    }

    @Test("Bars are as high as their values, and plain where the terminal shows no more than ASCII")
    func sparkline() {
        #expect(Sparkline.text([0, 1, 2, 4, 8], width: 4, isUnicode: true) == "▂▃▅█")
        #expect(Sparkline.text([0, 8], width: 10, isUnicode: false) == "_#")
        #expect(Sparkline.text([0, 0], width: 10, isUnicode: true) == "▁▁")
        #expect(Sparkline.text([1], width: -3, isUnicode: true) == "")
        #expect(Sparkline.isUnicode(["LANG": "C.UTF-8"]) && Sparkline.isUnicode(["LC_ALL": "de_DE.utf8", "LANG": "C"]))
        #expect(!Sparkline.isUnicode(["LANG": "C"]) && !Sparkline.isUnicode(["LC_ALL": "POSIX", "LANG": "C.UTF-8"]))
    }

    @Test("A frame goes to the top, writes over what was there and clears the rest without wrapping")
    func frame() {
        let terminal = Terminal(isTerminal: true, hasColor: false, columns: 5, rows: 2)
        #expect(
            Screen.frame(["abcdefg", "h", "i"], terminal: terminal) == "\u{1B}[Habcde\u{1B}[K\r\nh\u{1B}[K\u{1B}[J")
    }
}
