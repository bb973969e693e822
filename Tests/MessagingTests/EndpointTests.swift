import ClusterModel
import Messaging
import Testing

@Suite struct EndpointTests {
    @Test(
        "Addresses are taken apart",
        arguments: [
            ("tcp://127.0.0.1:5710", "127.0.0.1", 5710, true), ("tcp://localhost:1", "localhost", 1, true),
            ("tcp://grid-1.example_lab:65535", "grid-1.example_lab", 65_535, false), ("tcp://[::1]:80", "[::1]", 80, true),
            ("tcp://[fe80::1%eth0]:80", "[fe80::1%eth0]", 80, false), ("tcp://10.0.0.1:7", "10.0.0.1", 7, false),
            ("tcp://127.example.com:7", "127.example.com", 7, false),
        ] as [(String, String, UInt16, Bool)])
    func valid(text: String, host: String, port: UInt16, isLoopback: Bool) throws {
        let endpoint = try Endpoint(parsing: text, for: .connect, field: "--connect")
        #expect(endpoint == Endpoint(host: host, port: port))
        #expect(endpoint.description == text)
        #expect(endpoint.isLoopback == isLoopback)
    }

    @Test("Only an address to listen on may leave host or port open")
    func wildcards() throws {
        #expect(try Endpoint(parsing: "tcp://*:5710", for: .bind, field: "--bind") == Endpoint(host: "*", port: 5710))
        #expect(try Endpoint(parsing: "tcp://127.0.0.1:*", for: .bind, field: "--bind") == freePort)
        #expect(try Endpoint(parsing: "tcp://127.0.0.1:0", for: .bind, field: "--bind") == freePort)
        #expect(!Endpoint(host: "*", port: 1).isLoopback)
        for text in ["tcp://*:5710", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0"] {
            #expect(throws: GridError.self) { try Endpoint(parsing: text, for: .connect, field: "--connect") }
        }
    }

    @Test(
        "Anything else is refused with one sentence that names the flag and the form",
        arguments: [
            "", "tcp://", "tcp://:5710", "tcp://host", "tcp://host:", "tcp://host:65536", "tcp://host:-1", "tcp://host:+5",
            "tcp://host:5710/", "tcp://ho st:5710", "tcp://host;x:5710", "ipc:///tmp/x:1", "udp://host:1", "127.0.0.1:5710",
            "tcp://[::1:80", "tcp://[]:80", "tcp://a:b:80", "tcp://host:٣", "tcp://eth0;10.0.0.1:80",
        ])
    func invalid(text: String) {
        let error = #expect(throws: GridError.self) { try Endpoint(parsing: text, for: .bind, field: "--bind") }
        #expect(error?.kind == .usage)
        #expect(error?.message.hasPrefix("--bind '\(text)' is not valid: expected tcp://HOST:PORT") == true)
    }
}
