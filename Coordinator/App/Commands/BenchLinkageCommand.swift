import ArgumentParser
import ClusterModel
import Clustering
import Foundation
import Messaging

extension BenchCommand {
    /// Measures what a job does within the coordinator, so that it can be laid beside another program's time for the same.
    struct Hierarchy: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "linkage",
            abstract: "Time a hierarchy of given distances.",
            discussion: """
                FILE has the distances of all pairs in SciPy's order, as numpy's tofile writes them: float64, no header.

                Examples:
                  alphagrid bench linkage distances.f64 --method average --json
                """,
            shouldDisplay: false)

        @Argument(help: "Distances of all pairs.")
        var file: String

        @Option(help: "single, complete, average or ward.")
        var method = Linkage.Method.average.rawValue

        @OptionGroup var output: OutputOptions

        private struct Report: Codable {
            var alphas: Int
            var method: String
            var seconds: Double
            var heights: [Double]
        }

        func run() throws {
            guard let method = Linkage.Method(rawValue: method) else {
                let names = Linkage.Method.allCases.map(\.rawValue).joined(separator: ", ")
                throw GridError(.usage, "--method '\(method.printable)' is not valid: expected one of \(names)")
            }
            let distances = try distances()
            let start = MonotonicTime.now()
            let linkage = try Linkage(distances, method: method)
            let seconds = MonotonicTime.now().seconds(since: start)
            let report = Report(
                alphas: distances.count, method: method.rawValue, seconds: seconds, heights: linkage.merges.map(\.height))
            if output.isJSON { return try StandardOutput.writeJSON(report) }
            StandardOutput.write("\(report.alphas) alphas, \(report.method): \(Quantity.fixed(seconds, digits: 3)) s\n")
        }

        private func distances() throws -> CondensedDistances {
            guard let bytes = FileManager.default.contents(atPath: file) else {
                throw GridError(.notFound, "cannot read \(file)")
            }
            let pairs = bytes.count / 8
            let count = Int((0.5 + (0.25 + 2 * Double(pairs)).squareRoot()).rounded())
            guard bytes.count % 8 == 0, count > 1, count * (count - 1) / 2 == pairs else {
                throw GridError(
                    .usage, "\(file) has \(bytes.count) bytes: expected 8 for each of the n (n - 1) / 2 pairs of n alphas")
            }
            return try CondensedDistances(count: count) { values in
                _ = bytes.copyBytes(to: UnsafeMutableRawBufferPointer(values))
            }
        }
    }
}
