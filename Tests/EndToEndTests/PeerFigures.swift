import Foundation
import Testing

extension Place {
    /// Whether the Python has these modules, by which others do the same as a job.
    static func hasPeers(_ modules: String...) -> Bool {
        guard let python else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        let found = modules.map { "importlib.util.find_spec('\($0)')" }.joined(separator: " and ")
        process.arguments = ["-c", "import importlib.util, sys; sys.exit(0 if \(found) else 1)"]
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    static let hasClusterPeers = hasPeers("scipy", "sklearn", "hdbscan", "psycopg")
    static let hasUMAP = hasPeers("umap")
    static let hasPortfolioPeer = hasPeers("scipy", "sklearn", "psycopg", "pypfopt")
}

/// What a program that compares published results with those of others says, by name.
struct PeerFigures {
    let values: [String: Double]

    init(_ oracle: String, _ arguments: [String], into folder: ScratchFolder) async throws {
        let python = try #require(Place.python)
        let out = folder.file("figures-\(UUID().uuidString.prefix(8)).csv")
        try await succeed(python, [Place.oracle(oracle)] + arguments + ["--out", out], within: 300)
        values = try CSVTable(file: out).rows.mapValues { try #require(Double($0[1])) }
    }

    func expect(_ name: String, atMost bound: Double, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect((values[name] ?? .nan) <= bound, "\(name): \(values[name] as Any)", sourceLocation: sourceLocation)
    }

    func expect(_ name: String, atLeast bound: Double, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect((values[name] ?? .nan) >= bound, "\(name): \(values[name] as Any)", sourceLocation: sourceLocation)
    }
}

extension TestData {
    /// Made-up PnL of alphas in six groups that are known, some of which cannot be correlated with all others.
    static func groups(_ folder: ScratchFolder, alphas: Int = 360, days: Int = 400) async throws -> (pnl: String, truth: String) {
        let python = try #require(Place.python)
        let (pnl, truth) = (folder.file("groups.csv"), folder.file("truth.csv"))
        try await succeed(
            python, [Place.oracle("grouped_pnl.py"), pnl, truth, "--alphas", "\(alphas)", "--days", "\(days)"])
        return (pnl, truth)
    }
}
