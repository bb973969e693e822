import ClusterModel
import Foundation
import LocalPostgres
import Panel
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
