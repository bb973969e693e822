import ClusterModel
import Dispatch
import Kernels
import Panel
import Store
import Synchronization

// Questions about single alphas, answered from resident panels.
extension CoordinatorService {
    package func check(_ request: CheckRequest, region: Region) async throws -> CheckView {
        try await questions.run { () throws(GridError) in
            let candidates = try request.series()
            let name = request.pool ?? PoolName.submitted
            let known = self.residents.known(region, pool: name)
            let present = self.presentPool(name, of: region)
            // Nearly always nothing has changed, and the database takes as long to say so as the comparison does; so what is
            // known is compared meanwhile, and once more if it was not the present state.
            var guessed: (resident: ResidentPanels.Resident, view: CheckView)?
            if let known {
                guessed = (try? self.view(request, candidates, name, region, known)).map { (known, $0) }
            }
            let resident = try present()
            if let guessed, guessed.resident == resident { return guessed.view }
            return try self.view(request, candidates, name, region, resident)
        }
    }

    /// Begins to ask the database for the pool as it is now, on another thread.
    ///
    /// - Returns: what waits for the answer and gives it.
    private func presentPool(
        _ name: String, of region: Region
    ) -> () throws(GridError) -> ResidentPanels.Resident {
        let asked = PresentPool()
        waitingCalls.async {
            let found: Result<ResidentPanels.Resident, GridError>
            do throws(GridError) {
                found = .success(
                    try self.usingDatabase { () throws(GridError) in try self.residents.resident(region, pool: name) })
            } catch { found = .failure(error) }
            asked.give(found)
        }
        return { () throws(GridError) in try asked.wait() }
    }

    private func view(
        _ request: CheckRequest, _ candidates: [PoolCheck.Candidate], _ name: String, _ region: Region,
        _ resident: ResidentPanels.Resident
    ) throws(GridError) -> CheckView {
        let options = try request.options(resident.settings)
        let check: PoolCheck
        if let panel = resident.panel {
            let pool = try residents.pool(resident, panel, options.convention, options.window)
            check = PoolCheck(pool: pool, name: name, options: options) { ids throws(GridError) in
                try self.usingDatabase { () throws(GridError) in
                    try self.store.storedSharpes(ids, unsubmitted: name == PoolName.unsubmitted)
                }
            }
        } else {
            check = try PoolCheck(emptyPool: name, options: options, candidates: candidates)
        }
        var view = try check.view(candidates)
        view.region = region.name
        view.warnings = resident.warnings + view.warnings
        return view
    }

    package func pair(_ request: PairRequest, region: Region) async throws -> PairView {
        try await questions.run { () throws(GridError) in
            let name = request.pool ?? PoolName.submitted
            let resident = try self.usingDatabase { () throws(GridError) in try self.residents.resident(region, pool: name) }
            let poolName = "pool '\(name)' of region \(region)"
            guard let panel = resident.panel else { throw PoolName.empty(name, of: region, hasAlphas: false) }
            let window = try request.window.map { text throws(GridError) in try Window(parsing: text) }
            let missing = [request.a, request.b].filter { panel.alpha(withID: $0) == nil }
            if let id = missing.first {
                throw try self.usingDatabase { () throws(GridError) in
                    try self.store.missing(id, pool: name, region: region, hasPartner: missing.count == 1)
                }
            }
            var view = try PoolCheckPair.view(
                request.a, request.b, in: panel, poolName: poolName, window: window ?? resident.settings.window,
                minOverlap: request.minOverlap ?? resident.settings.minOverlap)
            view.region = region.name
            view.pool = name
            return view
        }
    }
}

/// An answer of the database that is on its way.
private final class PresentPool: Sendable {
    private let answer = Mutex<Result<ResidentPanels.Resident, GridError>?>(nil)
    private let arrived = DispatchSemaphore(value: 0)

    func give(_ result: Result<ResidentPanels.Resident, GridError>) {
        answer.withLock { $0 = result }
        arrived.signal()
    }

    func wait() throws(GridError) -> ResidentPanels.Resident {
        arrived.wait()
        guard let result = answer.withLock({ $0 }) else { throw GridError(.failed, "the database's answer is missing") }
        return try result.get()
    }
}

extension CheckRequest {
    /// - Throws: `GridError(.usage)` naming candidate and field, or line and column of the CSV.
    fileprivate func series() throws(GridError) -> [PoolCheck.Candidate] {
        if let csv { return try PoolCheck.Candidate.all(of: try Self.table(csv)) }
        var out: [PoolCheck.Candidate] = []
        for candidate in candidates {
            let name = "candidate \(candidate.alphaID.printable)"
            guard (1...Limits.daysMax).contains(candidate.dates.count), candidate.dates.count == candidate.pnl.count else {
                throw GridError(
                    .usage,
                    "\(name) has \(candidate.dates.count) dates and \(candidate.pnl.count) values in pnl: expected as many of "
                        + "both, 1 to \(Limits.daysMax)")
            }
            var days: [Day] = []
            days.reserveCapacity(candidate.dates.count)
            for date in candidate.dates {
                do throws(GridError) { days.append(try Day(parsing: date)) } catch {
                    throw GridError(.usage, "\(name): \(error.message)")
                }
            }
            let series = try CandidateSeries(id: candidate.alphaID, dates: days, values: candidate.pnl.map { $0 ?? .nan })
            out.append(try PoolCheck.Candidate(series: series, sharpe: candidate.sharpe))
        }
        return out
    }

    private static func table(_ csv: [UInt8]) throws(GridError) -> PnLTable {
        let result = csv.withUnsafeBytes { text in
            Result { () throws(GridError) in try PnLReader.readCSV(text, name: "the body") }
        }
        return try result.get()
    }

    /// What is asked, with the region's settings where the request says nothing.
    fileprivate func options(_ settings: RegionSettings) throws(GridError) -> PoolCheck.Options {
        try PoolCheck.Options(
            convention: try convention.map { text throws(GridError) in try Convention(parsing: text) } ?? settings.convention,
            window: try window.map { text throws(GridError) in try Window(parsing: text) } ?? settings.window,
            minOverlap: minOverlap ?? settings.minOverlap, top: top, isAbsolute: absolute ?? false)
    }
}
