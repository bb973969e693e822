import ClusterModel
import Panel
import Testing

@Suite struct WindowTests {
    private func panel(_ dates: [String]) throws -> Panel {
        try PanelBuilder(alphaIDs: ["A"], dates: try dates.map { try Day(parsing: $0) }, blockEdge: 1).finish()
    }

    @Test(
        "Years count the dates after the last one minus so many calendar years",
        arguments: [
            (1, ["2022-02-07", "2023-02-07", "2023-02-08", "2024-02-07"], 2), (2, ["2022-02-07", "2023-02-07", "2024-02-07"], 1),
            (4, ["2020-02-29", "2020-03-01", "2024-02-29"], 1), (1, ["2023-02-28", "2023-03-01", "2024-02-29"], 1),
            (100, ["2022-02-07", "2024-02-07"], 0), (1, ["2024-02-07"], 0), (1, ["2000-01-01", "2024-02-07"], 1),
        ])
    func years(count: Int, dates: [String], first: Int) throws {
        #expect(try panel(dates).firstDay(of: .years(count)) == first)
    }

    @Test(
        "Days count the last dates of the panel, all of them when there are fewer",
        arguments: [(1, 2), (2, 1), (3, 0), (400, 0)])
    func days(count: Int, first: Int) throws {
        #expect(try panel(["2001-01-01", "2024-01-02", "2024-01-03"]).firstDay(of: .days(count)) == first)
    }

    @Test("All counts everything, and four years are the default where dates are known")
    func all() throws {
        let panel = try panel(["2001-01-01", "2024-01-02"])
        #expect(try panel.firstDay(of: .all) == 0)
        #expect(panel.defaultWindow == .years(4))
    }

    @Test("Years of a panel without dates are refused")
    func withoutDates() throws {
        let npy = NPYHeader.encoded(precision: .float64, rows: 2, columns: 1) + hex("000000000000f83f000000000000f03f")
        let panel = try Panel.build(from: try readNPY(npy), blockEdge: 1)
        #expect(
            message { _ = try panel.firstDay(of: .years(4)) }
                == "window 4y needs dates, which the input does not have: expected all or a number of days such as 400d")
        #expect(try panel.firstDay(of: .days(1)) == 1)
    }
}

@Suite struct WarningTests {
    private let steady: [Double?] = (0..<12).map { Double($0) * 0.1 }
    private let lively: [Double?] = [0, 5, 3, 9, 2, 8, 8, 1, 0, 4, 7, 7]

    private func warnings(
        _ ids: [String], _ values: [[Double?]], _ convention: Convention = .ffillShift, window: Window = .all, minOverlap: Int = 5
    ) throws -> [String] {
        let parameters = try CorrelationParameters(convention: convention, window: window, minOverlap: minOverlap)
        return try panel(ids, values).warnings(for: parameters)
    }

    @Test(
        "Alphas without any defined correlation are named by kind, in input order",
        arguments: [Convention.ffillShift, .commonDates])
    func kinds(convention: Convention) throws {
        let none = [Double?](repeating: nil, count: 12)
        let flat = [Double?](repeating: 3, count: 12)
        let late: [Double?] = Array(repeating: nil, count: 7) + [1, 4, 2, 8, 3]
        // Flat for as long as looks at its first returns go.
        let waking: [Double?] = Array(flat.dropLast()) + [9]
        #expect(
            try warnings(
                ["z", "steady", "late", "none", "flat", "waking"], [lively, steady, late, none, flat, waking], convention)
                == [
                    "1 alpha has no PnL at all, so no correlation is defined: none",
                    "1 alpha has fewer than 5 returns in the window, so no correlation is defined: late",
                    "2 alphas have constant returns in the window, so no correlation is defined: steady, flat",
                ])
    }

    @Test("Returns outside the window do not count")
    func window() throws {
        let quiet: [Double?] = [0, 5, 3, 9, 2, 2, 2, 2, 2, 2, 2, 2]
        #expect(try warnings(["A", "B"], [lively, quiet]) == [])
        #expect(
            try warnings(["A", "B"], [lively, quiet], window: .days(6))
                == ["1 alpha has constant returns in the window, so no correlation is defined: B"])
        #expect(
            try warnings(["A", "B"], [lively, quiet], window: .days(4))
                == ["2 alphas have fewer than 5 returns in the window, so no correlation is defined: A, B"])
        // A value before the window says how coarse all values are.
        #expect(
            try warnings(["A", "B"], [lively, [1e20] + lively.dropFirst()], window: .days(6))
                == ["1 alpha has constant returns in the window, so no correlation is defined: B"])
    }

    @Test("Long lists are cut after five ids")
    func manyAlphas() throws {
        let ids = ["a", "b", "c", "d", "e", "f", "g"]
        #expect(
            try warnings(ids, Array(repeating: [nil, nil], count: 7))
                == ["7 alphas have no PnL at all, so no correlation is defined: a, b, c, d, e, ..."])
    }

    @Test("Cumulative PnL is told from daily PnL, with and without drift and gaps", arguments: 1...5)
    func cumulative(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        var daily: [[Double?]] = []
        var running: [[Double?]] = []
        for alpha in 0..<20 {
            var sum = 0.0
            var days: [Double?] = []
            var levels: [Double?] = []
            for _ in 0..<120 {
                // A sum of twelve uniform numbers is nearly normal with variance 1.
                let noise = (0..<12).map { _ in Double.random(in: -0.5...0.5, using: &generator) }
                let step = noise.reduce(Double(alpha % 4) * 0.05, +)
                sum += step
                let isMissing = Int.random(in: 0..<20, using: &generator) == 0
                days.append(isMissing ? nil : step * 1e4)
                levels.append(isMissing ? nil : sum * 1e4)
            }
            daily.append(days)
            running.append(levels)
        }
        let ids = (0..<20).map { "A\($0)" }
        #expect(try panel(ids, running).looksCumulative())
        #expect(try !panel(ids, daily).looksCumulative())
        #expect(try warnings(ids, daily, .dailyPnL) == [])
        #expect(try warnings(ids, running, .ffillShift) == [])
        let told = try warnings(ids, running, .dailyPnL)
        #expect(told.count == 1 && told[0].hasPrefix("the input looks like cumulative PnL, but daily-pnl takes it as daily"))
    }
}
