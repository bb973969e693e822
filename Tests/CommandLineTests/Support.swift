import ClusterModel
import Foundation

@testable import alphagrid

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A folder that goes away with the test.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("alphagrid-cli-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }

    func read(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// What a run of the built program gave.
struct Run {
    var status: Int32
    var output: String
    var errors: String

    /// - Parameters:
    ///   - environment: Added to a small environment that names no cluster.
    ///   - place: Where standard output goes instead of `output`.
    ///   - source: What standard input is.
    init(
        _ arguments: [String], environment: [String: String] = [:], outputTo place: String? = nil,
        inputFrom source: String = "/dev/null"
    ) throws {
        let folder = URL(fileURLWithPath: try Executable.own()).deletingLastPathComponent()
        let process = Process()
        process.executableURL = folder.appendingPathComponent("alphagrid")
        process.arguments = arguments
        var variables = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "ALPHAGRID_STATE": "/nonexistent/state"]
        // Where the core types of this CPU are remembered, or each run would try them.
        let mine = ProcessInfo.processInfo.environment
        variables["XDG_CACHE_HOME"] = mine["XDG_CACHE_HOME"] ?? mine["HOME"].map { "\($0)/.cache" }
        for name in ["LD_LIBRARY_PATH", "LLVM_PROFILE_FILE", "ASAN_OPTIONS"] {
            variables[name] = ProcessInfo.processInfo.environment[name]
        }
        process.environment = variables.merging(environment) { $1 }
        process.standardInput = FileHandle(forReadingAtPath: source)
        let (out, error) = (Pipe(), Pipe())
        process.standardOutput = place.map { FileHandle(forWritingAtPath: $0) as Any } ?? out
        // Nobody will write to it.
        if place != nil { try out.fileHandleForWriting.close() }
        process.standardError = error
        try process.run()
        output = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        errors = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }
}

func someJob(_ id: Int64, _ state: JobState, done: Int = 0, total: Int = 0) -> JobView {
    var job = JobView(
        jobID: JobID(id), kind: "correlation", region: "USA", pool: "submitted", state: state, priority: 0,
        convention: "ffill-shift", window: "4y", minOverlap: 60, precision: "float64", blockEdge: 256,
        submittedAt: "2025-01-02T03:04:05Z")
    if total > 0 { job.stages = [StageView(name: "tiles", tasksDone: done, tasksTotal: total)] }
    return job
}

func someWorker(_ name: String, state: String = "connected") -> WorkerView {
    WorkerView(
        worker: name, host: "host", processID: 17, version: "0.1.0", profile: "openblas-0.3.21/Zen/e1", state: state,
        slots: 2, running: 1, queued: 3, tasksDone: 40, tasksFailed: 0, memoryBytes: 4 << 30, cachedBytes: 1_536,
        gigaflopsPerSecond: 91.54, heartbeatAgeSeconds: 0.25)
}

func someStatus(databaseReachable: Bool = true) -> StatusView {
    StatusView(
        version: "0.1.0", epoch: 7, uptimeSeconds: 125, databaseReachable: databaseReachable, workersConnected: 1,
        slotsTotal: 2, slotsBusy: 1, jobsQueued: 0, jobsRunning: 1, tasksDoneTotal: 40, lastError: nil)
}

let plain = Terminal(isTerminal: false, hasColor: false, columns: 80, rows: 24)
