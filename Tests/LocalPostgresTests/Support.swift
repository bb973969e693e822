import Foundation
import LocalPostgres
import Testing

/// A folder of its own for one test, deleted with the value. 0711, so that a server's user gets through.
final class ScratchFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/alphagrid-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What `psql` prints for one statement, without the last line break.
func psql(_ url: String, _ sql: String) throws -> String {
    let installation = try #require(try PostgresInstallation.all().first)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: installation.binDirectory + "/psql")
    process.arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "psql failed for: \(sql)")
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
}

/// Whether a process is gone, or has ended and only waits to be collected: such a one still answers `kill(pid, 0)`.
func hasEnded(_ pid: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return true }
    return status.split(separator: ")").last?.hasPrefix(" Z") ?? true
}
