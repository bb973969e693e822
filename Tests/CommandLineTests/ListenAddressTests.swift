import ClusterModel
import Testing

@testable import alphagrid

@Suite struct ListenAddressTests {
    @Test(
        "An address is host and port, and only this machine's own is loopback",
        arguments: [
            ("127.0.0.1:8710", "127.0.0.1", 8_710, true), ("localhost:0", "localhost", 0, true),
            ("[::1]:80", "::1", 80, true), ("127.9.9.9:1", "127.9.9.9", 1, true), ("0.0.0.0:1", "0.0.0.0", 1, false),
            ("*:1", "*", 1, false), ("[::]:1", "::", 1, false), ("db.internal:1", "db.internal", 1, false),
            ("127.evil.com:1", "127.evil.com", 1, false), ("127.0.0.1.nip.io:1", "127.0.0.1.nip.io", 1, false),
            ("127.0.0.256:1", "127.0.0.256", 1, false), ("10.0.0.1:65535", "10.0.0.1", 65_535, false),
        ])
    func parsing(text: String, host: String, port: Int, loopback: Bool) throws {
        let address = try ListenAddress(parsing: text, flag: "--http")
        #expect(address.host == host && address.port == port && address.isLoopback == loopback)
        #expect(address.description == text)
    }

    @Test(
        "What is no address is refused with the name of the flag",
        arguments: [
            "", ":1", "host", "host:", "host:x", "host:-1", "host:65536", "host:+1", "::1:80", "[host]:1", "a b:1", "http://h:1",
        ])
    func malformed(text: String) {
        let error = #expect(throws: GridError.self) { _ = try ListenAddress(parsing: text, flag: "--http") }
        #expect(error?.kind == .usage && error?.message.contains("--http") == true)
        #expect(error?.message.contains("127.0.0.1:8710") == true, "the port of its own kind")
        let worker = #expect(throws: GridError.self) { _ = try ListenAddress(parsing: text, flag: "--bind", scheme: "tcp://") }
        #expect(worker?.message.contains("tcp://127.0.0.1:5710") == true)
    }

    @Test("The scheme belongs to the address where there is one")
    func scheme() throws {
        #expect(try ListenAddress(parsing: "tcp://*:5710", flag: "--bind", scheme: "tcp://").host == "*")
        #expect(throws: GridError.self) { _ = try ListenAddress(parsing: "127.0.0.1:1", flag: "--bind", scheme: "tcp://") }
        #expect(throws: GridError.self) {
            _ = try ListenAddress(parsing: "udp://127.0.0.1:1", flag: "--bind", scheme: "tcp://")
        }
    }

    @Test("An address others can reach needs --insecure to be typed")
    func safety() throws {
        let open = try ListenAddress(parsing: "0.0.0.0:1", flag: "--http")
        let error = #expect(throws: GridError.self) { try open.expectSafe(flag: "--http", insecure: false) }
        #expect(error?.message.contains("--insecure") == true)
        try open.expectSafe(flag: "--http", insecure: true)
        try ListenAddress(parsing: "127.0.0.1:1", flag: "--http").expectSafe(flag: "--http", insecure: false)
    }

    @Test("Clients on this machine reach a server on every address through loopback")
    func reachable() throws {
        #expect(try ListenAddress(parsing: "0.0.0.0:0", flag: "").reachableURL(port: 5) == "http://127.0.0.1:5")
        #expect(try ListenAddress(parsing: "[::]:0", flag: "").reachableURL(port: 5) == "http://[::1]:5")
        #expect(try ListenAddress(parsing: "[fe80::1]:0", flag: "").reachableURL(port: 5) == "http://[fe80::1]:5")
        #expect(try ListenAddress(parsing: "db:0", flag: "").reachableURL(port: 5) == "http://db:5")
    }

    @Test("Clients on other machines are told this machine's name where it listens on every address")
    func advertised() throws {
        func url(_ text: String) throws -> String {
            try ListenAddress(parsing: text, flag: "").advertisedURL(port: 5, scheme: "https", machine: "box")
        }
        #expect(try url("*:0") == "https://box:5" && url("0.0.0.0:0") == "https://box:5" && url("[::]:0") == "https://box:5")
        #expect(try url("10.0.0.1:0") == "https://10.0.0.1:5" && url("[fe80::1]:0") == "https://[fe80::1]:5")
    }
}
