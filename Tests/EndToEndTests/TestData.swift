import Foundation
import Testing

/// Data the tests compute on.
enum TestData {
    /// Made-up PnL of a region with late starters and gaps.
    static func synthetic(
        _ folder: ScratchFolder, region: String = "USA", alphas: Int, days: Int, seed: Int = 1, layout: String = "wide"
    ) async throws -> String {
        let file = folder.file("synthetic-\(region.lowercased()).csv")
        try await succeed(
            Place.program("alphagrid-synthetic"),
            [
                "--region", region, "--alphas", "\(alphas)", "--days", "\(days)", "--seed", "\(seed)", "--layout", layout,
                "--late", "0.3", "--gaps", "0.3", "--duplicates", "0.03", "--out", file,
            ])
        return file
    }

    /// Summaries the pandas way.
    static func pandas(
        _ file: String, convention: String, minOverlap: Int, window: String = "all", into folder: ScratchFolder
    ) async throws -> CSVTable {
        let python = try #require(Place.python)
        let out = folder.file("pandas-\(convention)-\(minOverlap).csv")
        try await succeed(
            python,
            [
                Place.oracle("correlation_pandas.py"), file, "--convention", convention, "--min-overlap", "\(minOverlap)",
                "--window", window, "--out", out,
            ])
        return try CSVTable(file: out)
    }

    /// Every single correlation the pandas way.
    static func pandasPairs(
        _ file: String, convention: String = "ffill-shift", minOverlap: Int = 60, window: String = "all",
        into folder: ScratchFolder
    ) async throws -> PairTable {
        let python = try #require(Place.python)
        let out = folder.file("pairs-\(convention)-\(minOverlap).csv")
        try await succeed(
            python,
            [
                Place.oracle("pairs_pandas.py"), file, "--convention", convention, "--min-overlap", "\(minOverlap)",
                "--window", window, "--out", out,
            ])
        return try PairTable(file: out)
    }

    /// Features of every alpha the pandas way.
    static func pandasFeatures(
        _ file: String, convention: String, window: String, into folder: ScratchFolder
    ) async throws -> CSVTable {
        let python = try #require(Place.python)
        let out = folder.file("features-\(convention)-\(window).csv")
        try await succeed(
            python, [Place.oracle("features_pandas.py"), file, "--convention", convention, "--window", window, "--out", out])
        return try CSVTable(file: out)
    }

    /// Whole rows of some alphas, pair by pair in exact arithmetic.
    static func exactRows(
        _ file: String, convention: String, minOverlap: Int, window: String, rows: Int, into folder: ScratchFolder
    ) async throws -> CSVTable {
        let python = try #require(Place.python)
        let out = folder.file("exact-\(convention)-\(window).csv")
        try await succeed(
            python,
            [
                Place.oracle("correlation_pairs.py"), file, "--convention", convention, "--min-overlap", "\(minOverlap)",
                "--window", window, "--rows", "\(rows)", "--out", out,
            ])
        return try CSVTable(file: out)
    }
}
