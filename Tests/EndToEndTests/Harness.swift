import ClusterModel
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// All tests with real processes, one after another: they want the machine's cores for themselves.
@Suite(.serialized) enum EndToEnd {}

/// Where things are.
enum Place {
    /// The repository's root, also when the tests are built through symbolic links.
    static let root: String = {
        var url = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url.path
    }()

    /// Folder of the programs: beside the test program, unless `ALPHAGRID_TEST_BIN` names another, such as a release build's.
    static let binaries: String = {
        if let chosen = ProcessInfo.processInfo.environment["ALPHAGRID_TEST_BIN"] { return chosen }
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return executable.deletingLastPathComponent().path
    }()

    static func program(_ name: String) -> String { "\(binaries)/\(name)" }
    static func oracle(_ name: String) -> String { "\(root)/Tests/Oracles/\(name)" }

    /// A Python with pandas and numpy, as Scripts/test makes it; nil when there is none.
    static let python: String? = {
        let chosen = ProcessInfo.processInfo.environment["ALPHAGRID_TEST_PYTHON"] ?? "\(root)/.venv/bin/python"
        return FileManager.default.isExecutableFile(atPath: chosen) ? chosen : nil
    }()

    /// Real data beside the repository; nil on a machine that has only the repository.
    static let realPnL: String? = {
        let path = URL(fileURLWithPath: "\(root)/../shared/data/us-equities-pnl.csv.gz").standardizedFileURL.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()
}

/// A folder of its own for one test, deleted with the value. 0711, so that a database server's user gets through.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/alphagrid-e2e-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Asks every 50 ms until the answer is there; fails with `what` when it takes longer than it may.
func waitFor<T>(
    _ what: String, seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation,
    _ answer: () async throws -> T?
) async throws -> T {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let value = try await answer() { return value }
        guard ContinuousClock.now < deadline else {
            Issue.record("waited \(seconds) s in vain for \(what)", sourceLocation: sourceLocation)
            throw Overdue(what: what)
        }
        try await Task.sleep(for: .milliseconds(50))
    }
}

func waitUntil(
    _ what: String, seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    _ = try await waitFor(what, seconds: seconds, sourceLocation: sourceLocation) { try await condition() ? true : nil }
}

struct Overdue: Error { let what: String }

/// A TCP port of the loopback that nobody listens on.
func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = loopback(port: 0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutableBytes(of: &address) { raw in
        let pointer = raw.assumingMemoryBound(to: sockaddr.self).baseAddress
        return bind(descriptor, pointer, size) == 0 && getsockname(descriptor, pointer, &size) == 0
    }
    try #require(result, "no free port")
    return Int(UInt16(bigEndian: address.sin_port))
}

func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
