import ClusterModel
import Foundation
import LocalPostgres
import Panel
import Synchronization
import Testing

@testable import Store

@Suite struct FailureTests {
    @Test("A database that is not there cannot be reached, and the sentence names host, port and database")
    func down() throws {
        let directory = try TestFiles().directory.path
        for (url, place) in [
            ("postgresql://quant@127.0.0.1:1/grid", "127.0.0.1:1/grid"),
            ("host=\(directory) port=5432 dbname=grid user=quant", "\(directory):5432/grid"),
        ] {
            let store = try Store(url: url)
            for call in [store.ping, { _ = try store.migrate() }, { _ = try store.status() }] {
                let error = try #require(gridError(call))
                #expect(error.kind == .unreachable && error.exitCode == 4)
                #expect(error.message.hasPrefix("cannot reach the database at \(place): "))
                #expect(!error.message.contains("\n"))
            }
        }
    }

    @Test("A server that accepts but never answers is given up after the URL's connect_timeout")
    func silent() throws {
        let listener = try SocketPair.listen()
        defer { close(listener.descriptor) }
        let store = try Store(
            url: "postgresql://quant@127.0.0.1:\(listener.port)/grid?connect_timeout=1&sslmode=disable&gssencmode=disable")
        let error = try #require(gridError { try store.ping() })
        #expect(error.kind == .unreachable)
        #expect(error.message.contains("no answer within 1 second"))
    }

    @Test("A wrong database name and a role without login are named")
    func wrongDatabase() throws {
        let database = try TestDatabase()
        let missing = try Store(url: database.server.running.url(database: "not_there"))
        let error = try #require(gridError { try missing.ping() })
        #expect(error.kind == .unreachable && error.message.contains("database \"not_there\" does not exist"))
        let nobody = try Store(url: database.url(role: "nobody_at_all"))
        let role = try #require(gridError { try nobody.ping() })
        #expect(role.kind == .unreachable && role.message.contains("nobody_at_all"))
    }

    @Test("A role without rights learns which ones it needs")
    func noRights() throws {
        let database = try TestDatabase()
        let files = try TestFiles()
        let path = try files.file("small.csv", smallCSV)
        _ = try database.store.importPnL(path: path, region: usa, unsubmitted: false)
        let role = database.server.uniqueName("powerless")
        try database.sql(
            "CREATE ROLE \(role) LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO \(role)")
        let store = try Store(url: database.url(role: role))
        let calls: [(String, () throws -> Void)] = [
            ("SELECT", { _ = try store.loadPanel(region: usa, blockEdge: 4) }), ("SELECT", { _ = try store.status() }),
            ("coordinator_lease", { _ = try store.takeEpoch(holder: "x") }), ("pools", { _ = try store.pools(usa) }),
        ]
        for (part, call) in calls {
            let error = try #require(gridError(call))
            #expect(error.kind == .failed)
            #expect(error.message.contains("permission denied") && error.message.contains("the role '\(role)' needs"))
            #expect(error.message.contains(part))
        }
        // With the right to read, reading works and writing does not.
        try database.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(role)")
        #expect(try store.status().regions.count == 1)
        #expect(try store.loadPanel(region: usa, blockEdge: 4).panel.alphaCount == 3)
        let write = try #require(gridError { _ = try store.importPnL(path: path, region: usa, unsubmitted: false) })
        #expect(write.message.contains("INSERT and UPDATE on alphas and pnl_usa"))
        let create = try #require(gridError { _ = try store.importPnL(path: path, region: chn, unsubmitted: false) })
        #expect(create.message.contains("the role '\(role)' needs CREATE"))
    }

    @Test("A role with the rights to read and write rows, but not to create, can import, publish and run jobs")
    func fewestRights() throws {
        let database = try TestDatabase()
        try database.store.ensureRegion(usa)
        let role = database.server.uniqueName("worker")
        try database.sql(
            """
            CREATE ROLE \(role) LOGIN;
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(role);
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO \(role)
            """)
        let store = try Store(url: database.url(role: role))
        let files = try TestFiles()
        _ = try store.importPnL(path: files.file("small.csv", smallCSV), region: usa, unsubmitted: false)
        let epoch = try store.takeEpoch(holder: "x")
        #expect(try store.createJob(sampleJob(), epoch: epoch).rawValue > 0)
        try store.migrate()
    }

    @Test("A read-only database can be read, and says so when written to")
    func readOnly() throws {
        let database = try TestDatabase()
        let files = try TestFiles()
        let path = try files.file("small.csv", smallCSV)
        _ = try database.store.importPnL(path: path, region: usa, unsubmitted: false)
        try database.sql("ALTER DATABASE \(database.name) SET default_transaction_read_only = on")
        let store = try Store(url: database.url)
        #expect(try store.loadPanel(region: usa, blockEdge: 4).panel.alphaCount == 3)
        for call in [
            { _ = try store.importPnL(path: path, region: usa, unsubmitted: false) }, { _ = try store.takeEpoch(holder: "x") },
        ] {
            let error = try #require(gridError(call))
            #expect(error.kind == .failed && error.message.contains("is read-only"))
        }
    }

    @Test("Connections that the server ended are replaced without anybody noticing")
    func endedConnections() throws {
        let database = try TestDatabase()
        try database.store.ping()
        try database.sql(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        )
        try database.store.ping()
    }

    @Test("A commit whose answer is lost happens once, whether the server got it or not", arguments: [true, false])
    func lostCommit(reachesServer: Bool) throws {
        let database = try TestDatabase()
        let epoch = try database.store.takeEpoch(holder: "test")
        let files = try TestFiles()
        let proxy = try CommitBreaker(
            upstream: database.server.running.socketDirectory + "/.s.PGSQL.5432", directory: files.directory.path,
            passesCommit: reachesServer)
        defer { proxy.stop() }
        let store = try Store(url: "host=\(files.directory.path) port=5432 dbname=\(database.name) user=alphagrid")
        let id = try store.createJob(sampleJob(), epoch: epoch)
        #expect(proxy.commitsBroken == 1)
        #expect(try database.sql("SELECT job_id FROM jobs") == [["\(id)"]])
    }

    @Test("A transaction that a crash of the server lost is repeated, though another now has its number and was committed")
    func reusedNumber() throws {
        let files = try TestFiles()
        let server = LocalPostgres(directory: files.directory.path + "/server", durability: .fast)
        defer { try? server.remove() }
        let running = try server.start()
        // Without a flush in between, what is not committed leaves no trace in the log.
        let administrator = try Connection.open(DatabaseURL(running.url))
        try administrator.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        try administrator.execute("SELECT pg_reload_conf()")
        let direct = try Store(url: running.url)
        try direct.migrate()
        let epoch = try direct.takeEpoch(holder: "test")
        let numbers = Mutex<[Int]>([])
        let proxy = try CommitBreaker(
            upstream: running.socketDirectory + "/.s.PGSQL.5432", directory: files.directory.path, passesCommit: false
        ) {
            #expect(throws: Never.self) {
                let before = try Connection.open(DatabaseURL(running.url))
                // The first number that is not yet through is that of the only transaction that is open.
                let lost = try before.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").integer(0, 0)
                kill(running.processID, SIGQUIT)
                while try server.running() != nil { usleep(20_000) }
                let again = try Connection.open(DatabaseURL(server.start(insteadOf: running).url))
                var taken: Int?
                repeat {
                    let added = try again.execute(
                        "INSERT INTO audit_log (action) VALUES ('test') RETURNING pg_current_xact_id()::text")
                    taken = added.integer(0, 0)
                    numbers.withLock { $0.append(taken ?? .max) }
                } while taken ?? .max < lost ?? 0
                numbers.withLock { $0.insert(lost ?? 0, at: 0) }
            }
        }
        defer { proxy.stop() }
        let store = try Store(url: "host=\(files.directory.path) port=5432 dbname=alphagrid user=alphagrid")
        let id = try store.createJob(sampleJob(), epoch: epoch)
        #expect(proxy.commitsBroken == 1)
        let (lost, others) = numbers.withLock { ($0.first ?? 0, $0.dropFirst()) }
        #expect(others.contains(lost), "otherwise no number was given twice: lost \(lost), others \(others)")
        #expect(try direct.jobs(JobsRequest(limit: 10)).map(\.jobID) == [id])
    }

    @Test("Whoever asks after a commit decides it: one that comes later is not committed, and asking again says the same")
    func decided() throws {
        let database = try TestDatabase()
        let writer = try Connection.open(DatabaseURL(database.url))
        let asker = try Connection.open(DatabaseURL(database.url))
        try writer.execute("BEGIN")
        #expect(try CommitMarks.leave(writer) == nil, "nothing was written")
        try writer.execute("INSERT INTO audit_log (action) VALUES ('first')")
        let first = try #require(try CommitMarks.leave(writer))
        try writer.execute("COMMIT")
        for _ in 0..<2 { #expect(try CommitMarks.decide(first, asker)) }
        for _ in 0..<2 { #expect(try !CommitMarks.decide(7, asker)) }
        try writer.execute("BEGIN")
        try writer.execute("INSERT INTO audit_log (action) VALUES ('second')")
        #expect(throws: DatabaseError.self) { try writer.execute("INSERT INTO commit_marks (mark, is_commit) VALUES (7, true)") }
        writer.rollBack()
    }

    @Test("A commit that is under way is waited for")
    func underWay() throws {
        let database = try TestDatabase()
        for outcome in ["COMMIT", "ROLLBACK"] {
            let left = Mutex<Int64?>(nil)
            let answer = Mutex<Bool?>(nil)
            try onThreads(2) { thread in
                let connection = try Connection.open(DatabaseURL(database.url))
                if thread == 0 {
                    while left.withLock({ $0 }) == nil { usleep(5_000) }
                    let isThere = try CommitMarks.decide(#require(left.withLock { $0 }), connection)
                    answer.withLock { $0 = isThere }
                    return
                }
                try connection.execute("BEGIN")
                try connection.execute("INSERT INTO audit_log (action) VALUES ('test')")
                let mark = try #require(try CommitMarks.leave(connection))
                left.withLock { $0 = mark }
                while try database.value(Self.isSomebodyWaiting) != "t" { usleep(5_000) }
                #expect(answer.withLock { $0 } == nil)
                try connection.execute(outcome)
            }
            #expect(answer.withLock { $0 } == (outcome == "COMMIT"))
        }
    }

    private static let isSomebodyWaiting = """
        SELECT bool_or(wait_event_type = 'Lock') FROM pg_stat_activity WHERE datname = current_database()
        """

    @Test("Marks that nobody can be in doubt about any more go")
    func oldMarks() throws {
        let database = try TestDatabase()
        try database.sql(
            """
            INSERT INTO commit_marks SELECT n, true, now() - interval '2 h' FROM generate_series(1, 5) n;
            INSERT INTO commit_marks SELECT n, true, now() - interval '10 min' FROM generate_series(11, 15) n
            """)
        _ = try database.store.takeEpoch(holder: "test")
        #expect(try database.value("SELECT count(*) FROM commit_marks WHERE mark BETWEEN 1 AND 15") == "5")
    }

    @Test("What libpq says by itself ends the connection: the server has said nothing, so the outcome has to be asked after")
    func ownWords() throws {
        let connection = try Connection.open(DatabaseURL(TestDatabase().url))
        #expect(connection.isHealthy)
        let error = connection.lastError()
        #expect(error.isDisconnected && !connection.isHealthy)
        #expect(error.gridError(Action("publish", needs: "")).kind == .unreachable, "so that jobs try again")
    }

    @Test("More callers than connections take turns")
    func bounded() throws {
        let database = try TestDatabase()
        let store = database.store
        try onThreads(Limits.databaseConnectionsMax * 3) { _ in
            for _ in 0..<5 {
                let count = try store.pool.read(Action("", needs: "")) {
                    try $0.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").integer(0, 0)
                }
                try #require((1...Limits.databaseConnectionsMax).contains(count ?? 0))
            }
        }
    }
}
