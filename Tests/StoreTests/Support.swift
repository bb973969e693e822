import ClusterModel
import Foundation
import LocalPostgres
import Panel
import Synchronization
import Testing

@testable import Store

/// One private server for all tests of this process; it ends with the process, however that ends.
final class TestServer: Sendable {
    static let shared = Result { try TestServer() }

    let running: RunningPostgres
    private let nextNumber = Atomic<Int>(0)
    /// Its end closes the pipe, and that tells the watchdog to stop the server.
    private let lifeline = Pipe()

    private init() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/alphagrid-store-tests-\(getpid())"
        running = try LocalPostgres(directory: directory, durability: .fast).start()
        let watchdog = Process()
        watchdog.executableURL = URL(fileURLWithPath: "/bin/sh")
        let clean = "rm -rf '\(directory)' '\(running.socketDirectory)'"
        let wait = "while kill -0 \(running.processID); do sleep 0.1; done"
        watchdog.arguments = ["-c", "trap '' INT TERM; cat; kill -INT \(running.processID); \(wait); \(clean)"]
        watchdog.standardInput = lifeline
        watchdog.standardOutput = FileHandle.nullDevice
        watchdog.standardError = FileHandle.nullDevice
        try watchdog.run()
        try administer("CREATE DATABASE template_migrated")
        try Store(url: running.url(database: "template_migrated")).migrate()
    }

    func administer(_ sql: String) throws {
        try Connection.open(DatabaseURL(running.url(database: "postgres"))).execute(sql)
    }

    func uniqueName(_ prefix: String) -> String { "\(prefix)_\(nextNumber.add(1, ordering: .relaxed).newValue)" }
}

/// A database of one test's own.
struct TestDatabase {
    let server: TestServer
    let name: String
    let url: String
    let store: Store

    /// - Parameter isMigrated: whether `migrate` has run, as nearly every test wants it.
    init(isMigrated: Bool = true) throws {
        server = try TestServer.shared.get()
        name = server.uniqueName("test")
        try server.administer("CREATE DATABASE \(name) TEMPLATE \(isMigrated ? "template_migrated" : "template0")")
        url = server.running.url(database: name)
        store = try Store(url: url)
    }

    func url(role: String) -> String { server.running.url(database: name, role: role) }

    /// Runs SQL as a user would, past everything under test.
    @discardableResult
    func sql(_ text: String) throws -> [[String?]] {
        let result = try Connection.open(DatabaseURL(url)).execute(text)
        let columns = result.columnCount
        return (0..<result.rowCount).map { row in (0..<columns).map { result.text(row, $0) } }
    }

    /// The first value of the first row.
    func value(_ text: String) throws -> String? { try sql(text).first?.first ?? nil }
}

/// Files of one test, deleted with it.
final class TestFiles {
    let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("alphagrid-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// Writes a file and returns its path.
    func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let url = directory.appendingPathComponent(name)
        try Data(bytes).write(to: url)
        return url.path
    }
}

let usa = try! Region("USA")
let chn = try! Region("CHN")

/// What a call throws, or nil; any other error than a `GridError` is a failure of the test.
func gridError(_ body: () throws -> Void) -> GridError? {
    do {
        try body()
        return nil
    } catch let error as GridError {
        return error
    } catch {
        Issue.record("expected a GridError, got \(error)")
        return nil
    }
}

/// A small file of three alphas and four dates with gaps.
let smallCSV = """
    date,A1,A2,A3
    2024-01-02,0,10,
    2024-01-03,1.5,,5
    2024-01-04,-2.25,12,6
    2024-01-05,3,13.125,7

    """

extension Store {
    /// Takes the lease as a coordinator without keys.
    func takeEpoch(holder: String) throws(GridError) -> Epoch { try takeEpoch(LeaseClaim(holder: holder)) }
}
