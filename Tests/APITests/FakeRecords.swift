import ClusterModel
import Synchronization

@testable import API

/// What the database would keep, and how it answers.
actor FakeRecords: AccessRecords {
    struct Row: Equatable {
        var entry: AuditEntry
        var status: Int?
        var subject: String?
    }

    private(set) var rows: [Row] = []
    private(set) var refusals: [AuditEntry] = []
    private(set) var looks = 0
    private var tokens: [StoredToken]
    private var failure: GridError?
    /// Whoever looks for tokens while there is such a list waits until it is over.
    private var frozen: [CheckedContinuation<Void, Never>]?

    init(_ tokens: [StoredToken] = FakeRecords.everyRole, failure: GridError? = nil) {
        self.tokens = tokens
        self.failure = failure
    }

    /// Tokens that `secret(_:)` opens.
    static let everyRole: [StoredToken] =
        AccessRole.allCases.map { token($0.rawValue, $0) }
        + [token("over", .admin, expiresAt: 1_000), token("soon", .viewer, expiresAt: 2_000_000_000)]

    static func token(_ name: String, _ role: AccessRole, expiresAt: Double? = nil) -> StoredToken {
        StoredToken(name: name, role: role, digest: TokenDigest(of: secret(name).utf8).bytes, expiresAt: expiresAt)
    }

    static func secret(_ name: String) -> String {
        AccessToken.prefix + name + String(repeating: "0", count: 64 - name.utf8.count)
    }

    func set(_ tokens: [StoredToken]) { self.tokens = tokens }
    func set(failure: GridError?) { self.failure = failure }

    func freeze() { frozen = [] }

    func thaw() {
        for look in frozen ?? [] { look.resume() }
        frozen = nil
    }

    func validTokens() async throws -> [StoredToken] {
        looks += 1
        if frozen != nil { await withCheckedContinuation { frozen?.append($0) } }
        if let failure { throw failure }
        return tokens
    }

    func beginAudit(_ entry: AuditEntry) async throws -> Int64 {
        if let failure { throw failure }
        rows.append(Row(entry: entry))
        return Int64(rows.count)
    }

    func finishAudit(_ row: Int64, status: Int, subject: String?) async throws {
        guard rows.indices.contains(Int(row) - 1) else { throw GridError(.notFound, "there is no row \(row)") }
        rows[Int(row) - 1].status = status
        rows[Int(row) - 1].subject = subject
    }

    func recordRefusals(_ entries: [AuditEntry]) async throws {
        if let failure { throw failure }
        refusals += entries
    }

    private(set) var questions: [AuditFilter] = []

    /// Three rows, as if nobody had done anything else.
    func auditRows(limit: Int, _ filter: AuditFilter) async throws -> [AuditView] {
        if let failure { throw failure }
        questions.append(filter)
        let rows = (1...3).reversed().map { number in
            AuditView(
                auditID: Int64(number), happenedAt: "2025-01-02T03:04:05Z", actor: number == 1 ? "" : "otto", role: "operator",
                action: "pause job", method: "POST", path: "/v1/jobs/7/pause", region: nil, subject: "7", status: 200,
                peer: "192.0.2.7", detail: .object(["unrecorded": .whole(2)]))
        }
        return Array(rows.filter { $0.auditID < filter.before ?? .max }.prefix(limit))
    }

    /// They are written behind the answers.
    func refusals(_ count: Int) async throws -> [AuditEntry] {
        for _ in 0..<500 where refusals.count < count { try await Task.sleep(for: .milliseconds(10)) }
        return refusals
    }
}

/// A clock that a test turns.
final class TestClock: Sendable {
    private let seconds: Mutex<(monotonic: Double, wall: Double)>

    init(wall: Double = 1_700_000_000) { seconds = Mutex((0, wall)) }

    var clock: APIClock {
        APIClock(monotonic: { self.seconds.withLock { $0.monotonic } }, wall: { self.seconds.withLock { $0.wall } })
    }

    func advance(_ by: Double) {
        seconds.withLock {
            $0.monotonic += by
            $0.wall += by
        }
    }
}
