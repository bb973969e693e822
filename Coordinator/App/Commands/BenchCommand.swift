import ArgumentParser
import ClusterModel
import Foundation
import Logging
import Service

/// What this machine can do, measured by its user.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time AlphaGrid on this machine.",
        discussion: """
            Examples:
              alphagrid bench
              alphagrid bench --alphas 16384 --precision float32 --workers 1
              alphagrid bench dispatch --workers 2
              alphagrid bench check --alphas 100000
            """,
        subcommands: [Correlation.self, Dispatch.self, Check.self, Hierarchy.self], defaultSubcommand: Correlation.self)

    static func median(_ values: [Double]) -> Double? {
        let sorted = values.sorted()
        return sorted.isEmpty ? nil : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    static func expect(_ value: Int, in range: ClosedRange<Int>, _ flag: String) throws(GridError) {
        guard range.contains(value) else {
            throw GridError(
                .usage, "\(flag) \(value) is not valid: expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    struct Correlation: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "correlation",
            abstract: "Time whole correlation jobs in this process, beside the bare matrix product of OpenBLAS.",
            discussion: """
                Data are made up and in memory. A job is everything from the panel to exact medians and the ten nearest of each \
                alpha; the product is the triangle that any program would have to multiply, by one thread. Both take turns.

                Examples:
                  alphagrid bench
                  alphagrid bench --alphas 16384 --precision float32 --workers 1
                  alphagrid bench --shape gaps --json
                """)

        @Option(help: "Alphas.")
        var alphas = 8_192

        @Option(help: "Days.")
        var days = 1_250

        @Option(help: "complete, starts (three alphas in ten begin late or end early) or gaps (and 1 % of days missing).")
        var shape = MachineBench.Shape.complete.rawValue

        @Option(help: "float64 or float32.", completion: .precisions)
        var precision = Precision.float64.rawValue

        @Option(help: ArgumentHelp("Alphas per tile edge.", visibility: .hidden))
        var blockEdge = CorrelationParameters.defaultBlockEdge

        @Option(help: "Tasks computed at once.")
        var workers = 1

        @Option(help: "Turns; medians are shown.")
        var runs = 5

        @OptionGroup var output: OutputOptions

        func run() throws {
            guard let shape = MachineBench.Shape(rawValue: shape) else {
                let names = MachineBench.Shape.allCases.map(\.rawValue).joined(separator: ", ")
                throw GridError(.usage, "--shape '\(shape.printable)' is not valid: expected one of \(names)")
            }
            try BenchCommand.expect(alphas, in: 2...Limits.alphasMax, "--alphas")
            try BenchCommand.expect(days, in: CorrelationParameters.defaultMinOverlap...Limits.daysMax, "--days")
            try BenchCommand.expect(workers, in: 1...Limits.slotsMax, "--workers")
            try BenchCommand.expect(runs, in: 1...1_000, "--runs")
            let bench = try MachineBench(
                MachineBench.Request(
                    alphas: alphas, days: days, shape: shape, precision: try Precision(parsing: precision), blockEdge: blockEdge,
                    slots: workers, runs: runs))
            let line = ProgressLine(enabled: !output.isJSON)
            let result = try bench.run { line.show($0) }
            line.clear()
            if output.isJSON { return try StandardOutput.writeJSON(result) }
            StandardOutput.write(Self.page(result).joined(separator: "\n") + "\n")
        }

        static func page(_ result: MachineBench.Result) -> [String] {
            func gigaflops(_ seconds: Double, _ times: Int = 1) -> String {
                Quantity.fixed(Double(times) * result.productFlops / seconds / 1e9, digits: 0) + " GFLOP/s"
            }
            let (job, product) = (BenchCommand.median(result.jobSeconds), BenchCommand.median(result.productSeconds))
            let together = BenchCommand.median(result.productsTogetherSeconds)
            return TextTable.page([
                ("data", "\(result.alphas) alphas x \(result.days) days, \(result.shape)"),
                ("computed", "\(result.precision), \(result.slots == 1 ? "1 thread" : "\(result.slots) threads")"),
                ("profile", result.profile),
                ("job", job.map { "\(Quantity.fixed($0, digits: 3)) s, \(gigaflops($0)) of useful products" }),
                ("product", product.map { "\(Quantity.fixed($0, digits: 3)) s by one thread, \(gigaflops($0))" }),
                (
                    "together",
                    together.map { "\(Quantity.fixed($0, digits: 3)) s for \(result.slots), \(gigaflops($0, result.slots))" }
                ),
                (
                    "job / product",
                    job.flatMap { job in
                        product.map { product in Quantity.fixed(job / (product / Double(result.slots)), digits: 2) + " per thread"
                        }
                    }
                ),
            ])
        }
    }

    struct Dispatch: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dispatch",
            abstract: "Time tasks that do nothing, through real sockets and worker processes of one slot each.",
            discussion: """
                Examples:
                  alphagrid bench dispatch --workers 2 --tasks 100000
                  alphagrid bench dispatch --keys         encrypted, and with keys made for it
                """)

        @Option(help: "Worker processes.")
        var workers = 2

        @Option(help: "Tasks per run.")
        var tasks = 50_000

        @Option(help: "Runs; the median is shown.")
        var runs = 5

        @Flag(help: "Ask workers for keys; also times blocks fetched so.")
        var keys = false

        @OptionGroup var output: OutputOptions

        private struct Report: Codable {
            var workers: Int
            var tasks: Int
            var seconds: [Double]
            var tasksPerSecond: Double
            /// Of blocks from a block server to one fetcher, over the loopback interface.
            var blockBytesPerSecond: Double
        }

        private static let startSecondsMax = 30.0

        func run() throws {
            try BenchCommand.expect(workers, in: 1...256, "--workers")
            try BenchCommand.expect(tasks, in: 1...10_000_000, "--tasks")
            try BenchCommand.expect(runs, in: 1...1_000, "--runs")
            let log = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
            let made = keys ? try BenchKeys() : nil
            defer { made?.remove() }
            let bench = try DispatchBench(log: log, keys: made?.server)
            let program = try Executable.beside("alphagrid-worker")
            let children = try (1...workers).map { number in
                try ChildProcess(
                    ChildProcess.Specification(
                        arguments: [program, "--connect", bench.endpoint, "--slots", "1", "--name", "bench-\(number)"]
                            + (made.map { ["--key", $0.file] } ?? []),
                        environment: ProcessInfo.processInfo.environment, log: "/dev/null")
                ) { _, _ in }
            }
            defer {
                for child in children { child.identity.send(SIGKILL) }
                bench.stop()
            }
            let deadline = Date().addingTimeInterval(Self.startSecondsMax)
            while bench.workersConnected < workers {
                guard Date() < deadline else {
                    throw GridError(.failed, "only \(bench.workersConnected) of \(workers) workers came within 30 s")
                }
                usleep(10_000)
            }
            // The first run is for caches and clocks.
            let seconds = try (0...runs).map { try bench.run(job: Int64($0 + 1), tasks: tasks) }.dropFirst()
            let report = Report(
                workers: workers, tasks: tasks, seconds: Array(seconds),
                tasksPerSecond: Double(tasks) / (BenchCommand.median(Array(seconds)) ?? .nan),
                blockBytesPerSecond: try BlockBench.bytesPerSecond(server: made?.server, worker: made?.worker, log: log))
            if output.isJSON { return try StandardOutput.writeJSON(report) }
            let each = Quantity.fixed(1e6 / report.tasksPerSecond, digits: 1)
            StandardOutput.write(
                "\(Quantity.fixed(report.tasksPerSecond, digits: 0)) tasks/s over \(Quantity.counted(workers, "worker")), "
                    + "\(each) us each; \(Quantity.fixed(report.blockBytesPerSecond / 1e6, digits: 0)) MB/s of blocks\n")
        }
    }
}
