import ClusterModel
import LocalPostgres
import Panel
import Testing

@testable import Store

/// Lists, filters and single alphas, over a region with a few published rows.
@Suite struct ReadRegionTests {
    private let database: TestDatabase
    private var store: Store { database.store }

    init() throws {
        database = try TestDatabase()
        try database.store.ensureRegion(usa)
        try database.sql(
            """
            INSERT INTO alphas (alpha_id, region_id, alpha_type, universe, delay, is_sharpe, code)
                SELECT 'A' || a, region_id, CASE WHEN a = 3 THEN 'SUPER' ELSE 'REGULAR' END, 'TOP' || a % 2, a % 2, a / 2.0,
                    'rank(close)'
                FROM regions, generate_series(1, 4) a;
            INSERT INTO alphas_unsubmitted (alpha_id, region_id) SELECT 'U1', region_id FROM regions;
            INSERT INTO pnl_usa (alpha_id, date, pnl) VALUES ('A1', '2024-01-02', 1), ('A1', '2024-01-05', 2);
            INSERT INTO correlation_usa (alpha_id, min_correlation, max_correlation, avg_correlation, pair_count, window_start,
                job_id, last_updated)
                SELECT 'A' || a, -a / 10.0, a / 10.0, CASE WHEN a = 4 THEN 'NaN'::float END, a, '2020-01-03', 5,
                    '2024-02-29 16:30:00.5'
                FROM generate_series(1, 4) a;
            INSERT INTO correlation_nearest_usa
                VALUES ('A1', '{A2,A3}', '{0.5,0.25}', '{250,240}', '{A4}', '{-0.5}', '{9}', '{}', '{}', '{}');
            INSERT INTO alpha_clusters_usa (alpha_id, method, label, coordinates, job_id)
                VALUES ('A1', 'hdbscan', 1, NULL, 6), ('A2', 'hdbscan', 0, NULL, 6), ('A3', 'hdbscan', -1, NULL, 6),
                    ('A1', 'umap', NULL, '{0.5,2,3}', 6), ('A2', 'average', 0, NULL, 6);
            INSERT INTO alpha_cluster_methods_usa (method, parameters, figures, notes, clusters, leaves, job_id)
                VALUES ('hdbscan', '{}', '{}', '[]', 2, NULL, 6), ('umap', '{}', '{}', '[]', NULL, NULL, 6),
                    ('average', '{}', '{}', '[]', 2, '{A4,A2,A1,A3}', 6);
            """)
    }

    private func ids(_ change: (inout ResultRequest) -> Void, _ result: RegionResult = .correlation) throws -> [String] {
        var request = ResultRequest(result)
        change(&request)
        return try store.results(request, region: usa).rows.map { row in
            if case .text(let id) = row[0] { return id }
            return "?"
        }
    }

    @Test("Filters compare numbers, texts and times, ask for what is missing, and hold together")
    func filters() throws {
        let cases: [([ResultFilter], [String])] = [
            ([ResultFilter("max_correlation", .lt, "0.3")], ["A1", "A2"]),
            ([ResultFilter("max_correlation", .ge, "0.2"), ResultFilter("pair_count", .ne, "3")], ["A2", "A4"]),
            ([ResultFilter("avg_correlation", .null)], ["A1", "A2", "A3"]),
            ([ResultFilter("avg_correlation", .notnull)], ["A4"]), ([ResultFilter("alpha_id", .gt, "A2")], ["A3", "A4"]),
            ([ResultFilter("window_start", .eq, "2020-01-03")], ["A1", "A2", "A3", "A4"]),
            ([ResultFilter("last_updated", .lt, "2024-02-29T16:30:00Z")], []),
        ]
        for (filters, expected) in cases { #expect(try ids { $0.filters = filters } == expected, "\(filters)") }
    }

    @Test("Rows come in the order asked for, equal ones by alpha and missing ones last")
    func sorting() throws {
        #expect(try ids { $0.sort = [SortKey("max_correlation", isDescending: true)] } == ["A4", "A3", "A2", "A1"])
        #expect(try ids { $0.sort = [SortKey("window_start"), SortKey("alpha_id")] } == ["A1", "A2", "A3", "A4"])
        #expect(try ids { $0.sort = [SortKey("avg_correlation", isDescending: true)] } == ["A4", "A1", "A2", "A3"])
    }

    @Test("Times say that they are UTC; days and times without an end stay as they are")
    func zones() throws {
        try database.sql(
            """
            ALTER TABLE correlation_usa ADD seen timestamptz DEFAULT '2024-02-29 18:30:00+02', ADD until timestamp;
            UPDATE correlation_usa SET until = 'infinity'
            """)
        var request = ResultRequest(.correlation, limit: 1)
        request.columns = ["last_updated", "seen", "until", "window_start"]
        #expect(
            try store.results(request, region: usa).rows == [
                ["2024-02-29T16:30:00.5Z", "2024-02-29T16:30:00Z", "infinity", "2020-01-03"].map(JSONValue.text)
            ])
        #expect(try store.alpha("A1", region: usa).correlation?["last_updated"] == .text("2024-02-29T16:30:00.5Z"))
    }

    @Test("A method or an alpha that is not there is not found; one that only has no rows has none")
    func absent() throws {
        func refusal(_ result: RegionResult = .clusters, _ change: @escaping (inout ResultRequest) -> Void) -> String? {
            let error = gridError { _ = try ids(change, result) }
            return error?.kind == .notFound ? error?.message : error.map { "\($0)" }
        }
        #expect(refusal { $0.method = "foo" }?.contains("expected one of average, hdbscan, umap") == true)
        #expect(refusal(.clusterMethods) { $0.method = "tsne" }?.contains("'tsne'") == true)
        #expect(refusal { ($0.method, $0.filters) = ("umap", [ResultFilter("label", .eq, "7")]) } == nil)
        #expect(refusal(.correlation) { $0.alphaID = "NOPE" } == "region USA has no alpha 'NOPE'")
        #expect(refusal { $0.alphaID = "A4" } == nil && refusal(.correlation) { $0.alphaID = "U1" } == nil)
        try database.sql("DELETE FROM alpha_cluster_methods_usa; DELETE FROM alpha_clusters_usa")
        #expect(refusal { $0.method = "foo" } == nil)
    }

    @Test("Pages of alphas whose ids Unicode takes for equal are pages of their own")
    func equivalentIDs() throws {
        for (id, count) in [("\u{E9}", 1), ("e\u{301}", 2)] {
            try database.sql(
                """
                INSERT INTO alphas (alpha_id, region_id) SELECT '\(id)', region_id FROM regions;
                INSERT INTO correlation_usa (alpha_id, pair_count) VALUES ('\(id)', \(count))
                """)
        }
        for (id, count) in [("\u{E9}", 1), ("e\u{301}", 2)] {
            for change in [{ $0.alphaID = id }, { $0.filters = [ResultFilter("alpha_id", .eq, id)] }]
                as [(inout ResultRequest) -> Void]
            {
                var request = ResultRequest(.correlation)
                (request.columns, request.limit) = (["pair_count"], 5)
                change(&request)
                #expect(try store.results(request, region: usa).rows == [[.whole(Int64(count))]])
            }
        }
    }

    @Test("Universe, delay and type of the alphas choose rows, both ends of a pair")
    func metadata() throws {
        #expect(try ids { $0.universe = "TOP1" } == ["A1", "A3"] && ids { $0.delay = 0 } == ["A2", "A4"])
        #expect(try ids { ($0.type, $0.delay) = ("SUPER", 1) } == ["A3"] && ids { ($0.type, $0.delay) = ("SUPER", 0) } == [])
        try database.sql("INSERT INTO correlation_edges_usa VALUES ('A1', 'A3', 0.9, 5, 5), ('A1', 'A2', 0.9, 5, 5)")
        var request = ResultRequest(.edges)
        request.universe = "TOP1"
        #expect(try store.results(request, region: usa).rows.count == 1)
    }

    @Test("Texts are sorted by the indexes there are where the database sorts by bytes, and by bytes where it does not")
    func bytewise() throws {
        let explained = try database.sql(
            "SET enable_sort = off; EXPLAIN SELECT * FROM correlation_usa t ORDER BY \(try column("alpha_id").ordered)")
        #expect(explained.first?.first??.contains("Index Scan using correlation_usa_alpha_id_key") == true)
        try database.sql(
            """
            ALTER TABLE correlation_usa ALTER max_abs_alpha_id TYPE varchar(50) COLLATE "en-x-icu";
            UPDATE correlation_usa SET max_abs_alpha_id = CASE alpha_id WHEN 'A1' THEN 'b' WHEN 'A2' THEN 'B' ELSE 'a' END;
            """)
        #expect(try ids { $0.sort = [SortKey("max_abs_alpha_id")] } == ["A2", "A3", "A4", "A1"])
        // A database of another order, of which its columns then are.
        let other = database.server.uniqueName("test")
        try database.server.administer("CREATE DATABASE \(other) TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
        let store = try Store(url: database.server.running.url(database: other))
        try store.migrate()
        let connection = try Connection.open(DatabaseURL(database.server.running.url(database: other)))
        #expect(try TableColumn.all(of: "alphas", connection).first { $0.kind == .text }?.ordered.hasSuffix("\"C\"") == true)
    }

    @Test("What was read before is what would be read now, whoever has written in between, and by which transaction")
    func remembered() throws {
        let other = try Connection.open(DatabaseURL(database.url))
        for number in 1...5 {
            try database.sql("UPDATE correlation_usa SET max_correlation = 0.\(number) WHERE alpha_id = 'A1'")
            let asked = ResultRequest(.correlation, limit: 1)
            let column = try #require(try store.results(asked, region: usa).columns.firstIndex(of: "max_correlation"))
            func shown() throws -> JSONValue { try store.results(asked, region: usa).rows[0][column] }
            #expect(try shown() == .number(Double(number) / 10))
            // Begun before, and ended after others that are younger.
            try other.execute("BEGIN; UPDATE correlation_usa SET max_correlation = 0.9 WHERE alpha_id = 'A1'")
            try database.sql("INSERT INTO alphas (alpha_id, region_id) SELECT 'B\(number)', region_id FROM regions")
            #expect(try shown() == .number(Double(number) / 10) && store.regions()[0].alphas.submitted == 4 + number)
            try other.execute("COMMIT")
            #expect(try shown() == .number(0.9))
        }
        try database.sql("DROP TABLE correlation_usa CASCADE")
        #expect(gridError { _ = try store.results(ResultRequest(.correlation, limit: 1), region: usa) }?.kind == .conflict)
    }

    @Test("Answers are remembered for one snapshot, small ones alone, and not more than a few")
    func memory() {
        let memory = SnapshotMemory<Int, Int>(answersMax: 2) { $0 < 100 }
        memory.keep(10, to: 1, at: "5:5:")
        memory.keep(100, to: 2, at: "5:5:")
        #expect(memory.known(1, at: "5:5:") == 10 && memory.known(2, at: "5:5:") == nil && memory.known(1, at: "5:6:") == nil)
        memory.keep(30, to: 3, at: "5:5:")
        memory.keep(40, to: 4, at: "5:5:")
        #expect([1, 3, 4].map { memory.known($0, at: "5:5:") } == [nil, nil, 40])
        memory.keep(50, to: 5, at: "5:6:")
        #expect(memory.known(4, at: "5:5:") == nil && memory.known(5, at: "5:6:") == 50)
        memory.keep(60, to: 6, at: nil)
        #expect(memory.known(6, at: nil) == nil)
    }

    private func column(_ name: String) throws -> TableColumn {
        let connection = try Connection.open(DatabaseURL(database.url))
        return try #require(try TableColumn.all(of: "correlation_usa", connection).first { $0.name == name })
    }

    @Test("A page says how many rows there are in all, and shows only the columns asked for, numbers that are none as text")
    func pages() throws {
        var request = ResultRequest(.correlation, limit: 2, offset: 1)
        request.columns = ["alpha_id", "avg_correlation", "last_updated"]
        request.filters = [ResultFilter("max_correlation", .gt, "0.1")]
        let page = try store.results(request, region: usa)
        #expect(page.columns == ["alpha_id", "avg_correlation", "last_updated"])
        #expect(
            page.rows == [
                [.text("A3"), .null, .text("2024-02-29T16:30:00.5Z")],
                [.text("A4"), .text("NaN"), .text("2024-02-29T16:30:00.5Z")],
            ])
        #expect(page.total == 3 && page.nextOffset == nil)
        request.limit = 1
        #expect(try store.results(request, region: usa).total == 3)
        request.offset = 9
        #expect(try store.results(request, region: usa).total == 3)
    }

    @Test(
        "A name that is no column and a value that is not of its type are refused, whatever SQL they look like",
        arguments: [
            ResultFilter("max\" OR 1=1 --", .lt, "1"), ResultFilter("correlation_id", .lt, "1"),
            ResultFilter("max_correlation", .lt, "1 OR 1=1"), ResultFilter("max_correlation", .lt, "inf"),
            ResultFilter("last_updated", .lt, "2024-02-30"), ResultFilter("last_updated", .lt, "2024-02-28T25:00"),
            ResultFilter("last_updated", .lt, "now"), ResultFilter("pair_count", .eq, ""),
        ])
    func refused(filter: ResultFilter) throws {
        #expect(gridError { _ = try ids { $0.filters = [filter] } }?.kind == .usage)
        #expect(gridError { _ = try ids { $0.sort = [SortKey(filter.column + "x")] } }?.kind == .usage)
        #expect(gridError { _ = try ids { $0.columns = [filter.column + "x"] } }?.kind == .usage)
    }

    @Test("Texts that look like SQL are compared as they are, and lists cannot be compared")
    func texts() throws {
        for text in ["'; DROP TABLE alphas; --", "\\'", "q'\u{301}", "$1", "NULL"] {
            #expect(try ids { $0.filters = [ResultFilter("alpha_id", .eq, text)] } == [])
            #expect(try ids { ($0.universe, $0.type) = (text, text) } == [])
        }
        let list = [ResultFilter("coordinates", .eq, "1")]
        #expect(gridError { _ = try ids({ $0.filters = list }, .clusters) }?.kind == .usage)
        #expect(gridError { _ = try ids({ $0.sort = [SortKey("coordinates")] }, .clusters) }?.kind == .usage)
        #expect(try ids({ $0.filters = [ResultFilter("coordinates", .notnull)] }, .clusters) == ["A1"])
        #expect(gridError { _ = try ids({ $0.universe = "TOP1" }, .clusterMethods) }?.kind == .usage)
    }

    @Test("Regions are listed with their days, what their alphas are, and what is published")
    func regions() throws {
        let region = try #require(try store.regions().first)
        #expect(region.alphas == RegionView.Alphas(submitted: 4, unsubmitted: 1) && region.minOverlap == 60)
        #expect(region.firstDay == "2024-01-02" && region.lastDay == "2024-01-05")
        #expect(region.universes == ["TOP0", "TOP1"] && region.delays == [0, 1] && region.types == ["REGULAR", "SUPER"])
        #expect(region.results.map(\.result) == [.correlation, .neighbours, .clusters, .clusterMethods])
        #expect(region.results.map(\.rows) == [4, 3, 5, 3])
        #expect(region.results[0].jobID == JobID(5) && region.results[0].lastUpdated == "2024-02-29T16:30:00.500Z")
        #expect(region.results[1].lastUpdated == "2024-02-29T16:30:00.500Z")
    }

    @Test("An alpha is shown with its rows of every result, its neighbours nearest first, and coordinates by name")
    func alpha() throws {
        let view = try store.alpha("A1", region: usa)
        #expect(view.submitted && view.code == "rank(close)" && view.metadata["is_sharpe"] == .number(0.5))
        #expect(view.metadata["code"] == nil && view.metadata["is_fitness"] == nil && view.metadata["region_id"] == nil)
        #expect(view.correlation?["max_correlation"] == .number(0.1) && view.features == nil && view.selection == nil)
        #expect(view.clusters.map { $0["method"] } == [.text("hdbscan"), .text("umap")])
        #expect(view.clusters[1]["x"] == .number(0.5) && view.clusters[1]["z"] == .whole(3))
        #expect(view.mostCorrelated.map(\.alphaID) == ["A2", "A3"] && view.mostCorrelated[0].n == 250)
        #expect(view.leastCorrelated == [AlphaView.Neighbour(alphaID: "A4", r: -0.5, n: 9)])
        #expect(try !store.alpha("U1", region: usa).submitted && store.isSubmitted("A1", region: usa))
        for id in ["A9", "'; DROP TABLE alphas; --", ""] {
            #expect(gridError { _ = try store.alpha(id, region: usa) }?.kind == .notFound)
            #expect(gridError { _ = try store.isSubmitted(id, region: usa) }?.kind == .notFound)
        }
    }

    @Test("Clusters bring alphas into an order: that of the leaves, or cluster by cluster with noise last")
    func clusterOrder() throws {
        let order = try store.clusterOrder(usa, method: nil)
        #expect(order.method == "hdbscan" && order.alphaIDs == ["A2", "A1", "A3"])
        #expect(order.labels == ["A2": 0, "A1": 1, "A3": -1])
        #expect(try store.clusterOrder(usa, method: "average").alphaIDs == ["A4", "A2", "A1", "A3"])
        #expect(gridError { _ = try store.clusterOrder(usa, method: "umap") }?.kind == .notFound)
    }

    @Test("Jobs are filtered by state as it is now, by kind and region, and sorted with those without a value last")
    func jobs() throws {
        try database.sql(
            """
            INSERT INTO jobs (kind, region, pool, state, priority, convention, window_spec, min_overlap, precision, block_edge,
                submitted_at, finished_at, epoch)
            SELECT CASE WHEN j = 1 THEN 'features' ELSE 'correlation' END, CASE WHEN j = 2 THEN 'CHN' ELSE 'USA' END, 'p',
                CASE WHEN j < 3 THEN 'done' ELSE 'running' END, j % 3, '', '4y', 60, '', 256, now(),
                CASE WHEN j < 3 THEN now() - j * interval '1 hour' END, 1
            FROM generate_series(1, 4) j
            """)
        func found(_ live: [JobID: JobState] = [:], _ change: (inout JobsRequest) -> Void) throws -> [Int64] {
            var request = JobsRequest(limit: 10)
            change(&request)
            return try store.jobs(request, live: live).map(\.jobID.rawValue)
        }
        #expect(try found { $0.states = [.running] } == [4, 3] && found { $0.states = [.done, .failed] } == [2, 1])
        let live = [JobID(4): JobState.publishing, JobID(3): .running]
        #expect(try found(live) { $0.states = [.publishing] } == [4] && found(live) { $0.states = [.running] } == [3])
        try database.sql("UPDATE jobs SET paused = true WHERE job_id IN (1, 3, 4)")
        #expect(try found { $0.paused = true } == [4, 3], "one that has ended is not paused")
        #expect(try found([JobID(4): .cancelled]) { ($0.states, $0.paused) = ([.done], true) } == [3, 2, 1])
        #expect(try found { $0.kind = "features" } == [1] && found { ($0.kind, $0.region) = ("correlation", "CHN") } == [2])
        #expect(try found { $0.sort = SortKey("priority", isDescending: true) } == [2, 4, 1, 3])
        #expect(try found { $0.sort = SortKey("finished_at") } == [2, 1, 4, 3])
        #expect(try found { ($0.sort, $0.offset, $0.limit) = (SortKey("job_id"), 1, 2) } == [2, 3])
        #expect(gridError { _ = try found { $0.sort = SortKey("job_id; DROP TABLE jobs") } }?.kind == .usage)
    }

    @Test("A page that the database takes too long over is given up after its own time, in a sentence that says what to do")
    func slowPage() throws {
        let blocker = try Connection.open(DatabaseURL(database.url))
        try blocker.execute("BEGIN; LOCK TABLE regions IN ACCESS EXCLUSIVE MODE")
        let reader = try Store(url: database.url, connectionsMax: 1, statementMilliseconds: 200)
        let error = try #require(gridError { _ = try reader.results(ResultRequest(.neighbours), region: usa) })
        #expect(error.kind == .failed)
        #expect(error.message.hasPrefix("cannot read neighbours of USA: the database at "))
        #expect(
            error.message.contains(" took too long: ")
                && error.message.hasSuffix("; ask for fewer rows, by filters or in another order"))
        try blocker.execute("COMMIT")
        #expect(try reader.results(ResultRequest(.correlation), region: usa).rows.count == 4)
    }

    @Test("Who waits for one of a store's connections waits no longer than a statement may take, and does not keep another store")
    func oneConnection() throws {
        let reader = try Store(url: database.url, connectionsMax: 1, statementMilliseconds: 200)
        try reader.pool.withConnection { (_: Connection) throws in
            let error = gridError { _ = try reader.regions() }
            #expect(error?.kind == .unreachable && error?.message.contains("all 1 connections to the database were busy") == true)
            #expect(try store.regions().count == 1)
        }
        #expect(try reader.regions().count == 1)
    }
}
