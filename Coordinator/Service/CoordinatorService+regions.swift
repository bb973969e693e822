import ClusterModel
import Expressions
import Panel
import Store

// What can be read of regions: rows from the database, PnL and correlations from resident panels.
extension CoordinatorService {
    package func coding<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R { try await codings.run(body) }

    package func regions() async throws -> [RegionView] {
        try await reading { store throws(GridError) in try store.regions() }
    }

    package func results(_ request: ResultRequest, region: Region) async throws -> ResultPage {
        try await reading { store throws(GridError) in try store.results(request, region: region) }
    }

    package func alpha(_ id: String, region: Region) async throws -> AlphaView {
        try await reading { store throws(GridError) in
            var view = try store.alpha(id, region: region)
            guard let code = view.code else { return view }
            let marked = MarkedCode(code)
            view.codeMarks = marked.marks
            view.codeError = marked.error?.description
            return view
        }
    }

    package func pnl(of id: String, pool: String?, region: Region) async throws -> PnLView {
        try await questions.run { () throws(GridError) in
            let (name, resident) = try self.usingDatabase { () throws(GridError) in
                // Asked first, so that a name that is none makes nobody read a pool.
                let own = try self.store.isSubmitted(id, region: region) ? PoolName.submitted : PoolName.unsubmitted
                return (pool ?? own, try self.residents.resident(region, pool: pool ?? own))
            }
            guard let panel = resident.panel, let alpha = panel.alpha(withID: id) else {
                throw try self.usingDatabase { () throws(GridError) in try self.store.missing(id, pool: name, region: region) }
            }
            let values = panel.series(alpha)
            let first = values.firstIndex { !$0.isNaN } ?? 0
            let end = (values.lastIndex { !$0.isNaN } ?? first - 1) + 1
            return PnLView(
                alphaID: id, region: region.name, pool: name, dates: panel.dates[first..<end].map(\.description),
                pnl: values[first..<end].map { $0.isNaN ? nil : $0 })
        }
    }

    package func matrix(_ request: MatrixRequest, region: Region) async throws -> MatrixView {
        try await questions.run { () throws(GridError) in
            let name = request.pool ?? PoolName.submitted
            let (resident, clusters) = try self.usingDatabase { () throws(GridError) in
                let resident = try self.residents.resident(region, pool: name)
                let wantsClusters = request.order == .cluster || request.method != nil
                return (resident, wantsClusters ? try self.store.clusterOrder(region, method: request.method) : nil)
            }
            guard let panel = resident.panel else { throw PoolName.empty(name, of: region, hasAlphas: false) }
            let window = try request.window.map { text throws(GridError) in try Window(parsing: text) }
            var settings = resident.settings
            settings.window = window ?? settings.window
            var view = try MatrixWindow(panel: panel, settings: settings, clusters: clusters).view(request)
            view.region = region.name
            view.pool = name
            return view
        }
    }

    package func usage(pool: String?, region: Region) async throws -> RegionUsageView {
        try await questions.run { () throws(GridError) in
            let name = pool ?? PoolName.submitted
            var view = RegionUsageView(region: region.name, pool: name)
            var usage = CombinedUsage()
            try self.usingDatabase { () throws(GridError) in
                try self.store.visitCodes(region, pool: name) { code in
                    guard let text = code.code else { return view.withoutCode += 1 }
                    do throws(ExpressionError) {
                        usage.add(ExpressionUsage(try Program.parse(text)))
                        view.alphas += 1
                    } catch {
                        view.unreadable += 1
                    }
                }
            }
            view.operators = Self.words(usage.operators)
            view.fields = Self.words(usage.fields)
            return view
        }
    }

    private static func words(_ entries: [CombinedUsage.Entry]) -> [RegionUsageView.Word] {
        entries.prefix(Limits.usageWordsMax).map {
            RegionUsageView.Word(name: $0.name, category: $0.category, alphas: $0.alphaCount)
        }
    }
}
