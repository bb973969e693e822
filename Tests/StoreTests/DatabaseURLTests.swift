import ClusterModel
import Testing

@testable import Store

@Suite struct DatabaseURLTests {
    @Test(
        "A password in the URL is refused, names where it belongs, and is not repeated",
        arguments: [
            "postgresql://user:hunter2@localhost/grid", "postgresql://localhost/grid?user=u&password=hunter2",
            "host=localhost password=hunter2", "host=localhost sslpassword=hunter2",
        ])
    func password(url: String) throws {
        let error = try #require(gridError { _ = try Store(url: url) })
        #expect(error.kind == .usage)
        #expect(error.message.contains("PGPASSWORD") && error.message.contains("~/.pgpass"))
        #expect(!error.message.contains("hunter2"))
    }

    @Test(
        "What is neither a URL nor key=value pairs is refused without repeating it",
        arguments: ["", "hunter2", "mysql://u:hunter2@h/d", "postgresql://h:hunter2:x/%zz", "hunter2=1", "host='hunter2"])
    func invalid(url: String) throws {
        let error = try #require(gridError { _ = try Store(url: url) })
        #expect(error.kind == .usage)
        #expect(error.message.contains("postgresql://USER@HOST:PORT/NAME"))
        #expect(!error.message.contains("hunter2"))
    }

    @Test("URLs and key=value pairs without secrets are taken apart")
    func valid() throws {
        let url = try DatabaseURL("postgresql://quant@db.example:6543/grid?connect_timeout=3")
        #expect(url.value(of: "host") == "db.example")
        #expect(url.value(of: "port") == "6543")
        #expect(url.value(of: "dbname") == "grid")
        #expect(url.value(of: "user") == "quant")
        #expect(url.value(of: "connect_timeout") == "3")
        #expect(try DatabaseURL("service=grid").value(of: "service") == "grid")
    }

    @Test("The reason and SQLSTATE of a failed connection are found in libpq's text")
    func connectFailure() {
        let refused = ConnectFailure(
            """
            connection to server at "localhost" (::1), port 1 failed: Connection refused
            \tIs the server running on that host and accepting TCP/IP connections?
            connection to server at "localhost" (127.0.0.1), port 1 failed: No route to host
            \tIs the server running on that host and accepting TCP/IP connections?
            """)
        #expect(refused.message == "No route to host" && refused.sqlState.isEmpty)
        let missing = ConnectFailure(
            """
            connection to server on socket "/tmp/.s.PGSQL.5432" failed: FATAL:  3D000: database "x" does not exist
            LOCATION:  InitPostgres, postinit.c:1056
            """)
        #expect(missing.message == "database \"x\" does not exist" && missing.sqlState == "3D000")
    }
}
