import ClusterModel
import Foundation
import Panel
import Testing

/// A folder that is gone when the test ends.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "panel-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func bytes(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

/// What follows "is not a number".
let expectedNumber = ": expected one such as -12.5, or nothing"

func readCSV(_ text: String) throws -> PnLTable { try readCSV(Array(text.utf8)) }

func readCSV(_ bytes: [UInt8]) throws -> PnLTable {
    try bytes.withUnsafeBytes { try PnLReader.readCSV($0, name: "f.csv") }
}

func readNPY(_ bytes: [UInt8]) throws -> PnLTable {
    try bytes.withUnsafeBytes { try PnLReader.readNPY($0, name: "f.npy") }
}

/// The bytes of a payload, which a mere look at `payload.bytes` would not keep alive.
func copy(_ payload: Payload) -> [UInt8] { withExtendedLifetime(payload) { Array(payload.bytes) } }

/// The message of the error that `work` throws; an empty one, and a failure, when it throws none.
func message(sourceLocation: SourceLocation = #_sourceLocation, _ work: () throws -> Void) -> String {
    do {
        try work()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as GridError {
        return error.message
    } catch {
        Issue.record("an error of another type: \(error)", sourceLocation: sourceLocation)
    }
    return ""
}

/// Values with nil for missing, so that they can be compared.
func optional(_ values: some Sequence<Double>) -> [Double?] { values.map { $0.isNaN ? nil : $0 } }

extension PnLTable {
    /// Values by alpha id.
    var content: [String: [Double?]] {
        withExtendedLifetime(values) {
            Dictionary(uniqueKeysWithValues: alphaIDs.indices.map { (alphaIDs[$0], optional(series($0))) })
        }
    }
}

extension Panel {
    var content: [String: [Double?]] {
        withExtendedLifetime(self) {
            Dictionary(uniqueKeysWithValues: alphaIDs.indices.map { (alphaIDs[$0], optional(series($0))) })
        }
    }
}

/// SplitMix64, so that a failing case comes back.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Dates from 2024-01-01 on, one a day.
func dates(_ count: Int) -> [Day] { (0..<count).map { Day(rawValue: 19_723 + Int32($0)) } }

/// A panel of some alphas, their values by day in the order of the ids; nil = missing.
func panel(_ ids: [String], _ values: [[Double?]], blockEdge: Int = 4) throws -> Panel {
    let builder = try PanelBuilder(alphaIDs: ids, dates: dates(values[0].count), blockEdge: blockEdge)
    for (alpha, series) in values.enumerated() {
        for (day, value) in series.enumerated() { if let value { builder.set(alpha: alpha, day: day, value: value) } }
    }
    return try builder.finish()
}

/// A gzip member that holds the bytes uncompressed, made by hand (RFC 1951 stored blocks, RFC 1952 framing).
func gzipStored(_ bytes: [UInt8]) -> [UInt8] {
    func little(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) } }
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var rest = bytes[...]
    repeat {
        let part = rest.prefix(65_535)
        rest = rest.dropFirst(part.count)
        let size = UInt16(part.count)
        out += [rest.isEmpty ? 1 : 0, UInt8(size & 255), UInt8(size >> 8), UInt8(~size & 255), UInt8(~size >> 8)] + part
    } while !rest.isEmpty
    return out + little(~crc) + little(UInt32(bytes.count))
}

func hex(_ text: String) -> [UInt8] {
    var digits = text.filter { $0 != " " && $0 != "\n" }[...]
    var out: [UInt8] = []
    while let byte = UInt8(digits.prefix(2), radix: 16) {
        out.append(byte)
        digits = digits.dropFirst(2)
    }
    return out
}

/// Real data that lies beside a working copy; a machine that has only the repository does without.
enum RealData {
    static let pnlPath = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "shared/data/us-equities-pnl.csv.gz").path
    static let isThere = FileManager.default.fileExists(atPath: pnlPath)
}
