import ClusterModel
import Logging
import Synchronization

/// Writes down who changed what, and who was refused.
///
/// A change has its row before it is made, so that what the database cannot record is not done. Refusals are written
/// behind the answer, few a minute: whoever is refused shall neither wait for the database nor fill it.
final class AuditTrail: Sendable {
    private struct Refusals {
        var waiting: [AuditEntry] = []
        var unrecorded = 0
        var isWriting = false
    }

    private let records: any AccessRecords
    private let clock: APIClock
    private let logger: Logger
    private let counted: @Sendable (Int) -> Void
    private let refusals = Mutex(Refusals())
    private let rate = RateLimiter(
        perSecond: Limits.refusalsRecordedPerSecondMax, burst: Limits.refusalsRecordedBurstMax, namesMax: 1)
    private let changes: RateLimiter
    private let changesOfAll = RateLimiter(
        perSecond: Limits.changesOfAllPerSecondMax, burst: Limits.changesOfAllBurstMax, namesMax: 1)

    /// - Parameters:
    ///   - changesBurst: changes that one caller may make at once.
    ///   - counted: told the status of every refusal, also of those that get no row.
    init(
        records: any AccessRecords, clock: APIClock, logger: Logger, changesBurst: Double = Limits.changesBurstMax,
        counted: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        changes = RateLimiter(perSecond: Limits.changesPerSecondMax, burst: changesBurst)
        self.counted = counted
        self.records = records
        self.clock = clock
        self.logger = logger
    }

    /// Rows of changes are kept for weeks, so there must not be more of them than there is room for.
    ///
    /// - Throws: 429 for a caller who has made too many changes, or when all have; that leaves no row.
    func expectRoom(for actor: String) throws(Problem) {
        let now = clock.monotonic()
        if let seconds = changes.take(actor, now: now) {
            throw Problem.tooMany("this token makes too many changes", seconds: seconds)
        }
        if let seconds = changesOfAll.take("changes", now: now) {
            throw Problem.tooMany("all callers together make too many changes", seconds: seconds)
        }
    }

    /// - Throws: What the database says; then nothing may be done.
    func begin(_ entry: AuditEntry) async throws -> Int64 { try await records.beginAudit(entry) }

    /// The change is made or has failed by now; a row without its end says that as well as an error would.
    func finish(_ row: Int64, status: Int, subject: String?) async {
        do {
            try await records.finishAudit(row, status: status, subject: subject)
        } catch {
            logger.error("cannot finish a row of the audit log", metadata: ["row": "\(row)", "error": "\(error)"])
        }
    }

    /// What has been written, the newest first.
    func rows(limit: Int, _ filter: AuditFilter) async throws -> [AuditView] { try await records.auditRows(limit: limit, filter) }

    func refused(_ entry: AuditEntry) {
        counted(entry.status ?? 0)
        let isRare = rate.take("refusals", now: clock.monotonic()) == nil
        let begins = refusals.withLock { refusals in
            guard isRare, refusals.waiting.count < Limits.refusalsWaitingMax else {
                refusals.unrecorded += 1
                return false
            }
            var entry = entry
            entry.unrecorded = refusals.unrecorded
            refusals.unrecorded = 0
            refusals.waiting.append(entry)
            defer { refusals.isWriting = true }
            return !refusals.isWriting
        }
        if begins { Task { await write() } }
    }

    /// One writer at a time, until nothing waits any more.
    private func write() async {
        while true {
            let entries = refusals.withLock { refusals in
                defer { refusals.waiting = [] }
                refusals.isWriting = !refusals.waiting.isEmpty
                return refusals.waiting
            }
            guard !entries.isEmpty else { return }
            do {
                try await records.recordRefusals(entries)
            } catch {
                refusals.withLock { $0.unrecorded += entries.count }
                logger.warning("cannot record refused requests", metadata: ["count": "\(entries.count)", "error": "\(error)"])
            }
        }
    }
}
