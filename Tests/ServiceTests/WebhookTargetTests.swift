import ClusterModel
import Testing

@testable import Service

struct WebhookTargetTests {
    private func address(_ text: String) throws -> NetworkAddress { try #require(NetworkAddress(parsing: text)) }

    @Test(
        "Addresses of this machine, of its neighbourhood, for many, or standing for others are not public",
        arguments: [
            "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
            "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
            "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "100::1",
            "::127.0.0.1", "3fff::1",
        ])
    func notPublic(text: String) throws {
        #expect(try !address(text).isPublic)
    }

    @Test(
        "Others are",
        arguments: ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1"])
    func isPublic(text: String) throws {
        #expect(try address(text).isPublic && address(text).description == text)
    }

    @Test("Of a host's addresses the first public one is taken, and none over plain http unless its range is allowed")
    func choice() throws {
        let found = try [address("127.0.0.1"), address("8.8.8.8"), address("::1")]
        let secure = try WebhookTarget(parsing: "https://h.example.com/x?y=z")
        let plain = try WebhookTarget(parsing: "http://h.example.com")
        #expect(try secure.address(among: found, allowed: []) == address("8.8.8.8"))
        #expect { try plain.address(among: found, allowed: []) } throws: { "\($0)".contains("expected https") }
        #expect { try secure.address(among: [found[0]], allowed: []) } throws: { "\($0)".contains("127.0.0.1") }
        #expect(throws: GridError.self) { try secure.address(among: [], allowed: []) }
        let local = [try AddressRange(parsing: "127.0.0.0/8")]
        #expect(try plain.address(among: found, allowed: local) == address("127.0.0.1"))
        #expect(throws: GridError.self) { try plain.address(among: [address("::ffff:127.0.0.1")], allowed: local) }
        #expect(try plain.address(among: [found[2]], allowed: [AddressRange(parsing: "::1")]) == address("::1"))
    }

    @Test("A name that nobody knows yet is taken with a warning, but not by plain http where nothing allows it")
    func unknownHost() throws {
        let secure = try WebhookTarget(parsing: "https://later.example.com/x")
        let plain = try WebhookTarget(parsing: "http://later.example.com/x")
        let local = [try AddressRange(parsing: "10.0.0.0/8")]
        #expect(try secure.warning(among: [], allowed: [])?.contains("nobody knows the host 'later.example.com'") == true)
        #expect(try plain.warning(among: [], allowed: local) != nil, "its address may be one that is allowed")
        #expect(throws: GridError.self) { try plain.warning(among: [], allowed: []) }
        #expect(try secure.warning(among: [address("8.8.8.8")], allowed: []) == nil)
        let refused = #expect(throws: GridError.self) { try secure.warning(among: [address("10.1.1.1")], allowed: []) }
        #expect(refused?.kind == .usage, "no later state of the grid will take it")
        #expect(refused?.message.contains("10.1.1.1, which is not of the public internet") == true)
        let bare = #expect(throws: GridError.self) {
            try WebhookTarget(parsing: "https://10.1.1.1").warning(among: [address("10.1.1.1")], allowed: [])
        }
        #expect(bare?.message.hasPrefix("10.1.1.1 is not of the public internet") == true)
    }

    @Test(
        "What is refused is not repeated where it may hold a password",
        arguments: [
            "https://user:hunter2@h.example.com", "https://user:hunter2@h.example.com#x", "ftp://user:hunter2@h",
            "https://user:hunter2@h .example.com", "user:hunter2@h.example.com",
        ])
    func noPassword(text: String) {
        let error = #expect(throws: GridError.self) { try WebhookTarget(parsing: text) }
        #expect(error?.message.contains("hunter2") == false && error?.kind == .usage)
    }

    @Test("Numbers that are addresses in disguise are resolved like names, and judged by what they are")
    func disguises() throws {
        for text in ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://localhost/", "http://[::1]:9/"] {
            let target = try WebhookTarget(parsing: text)
            let found = try? NetworkAddress.resolve(target.host)
            #expect(throws: GridError.self) { try target.address(among: found ?? [], allowed: []) }
        }
    }

    @Test(
        "An address with a secret in it, or one that can be read in two ways, is refused",
        arguments: [
            "ftp://h.example.com", "https://user:secret@h.example.com", "https://user@h.example.com", "https://", "//h",
            "h.example.com",
            "https://h.example.com#x", "https://h .example.com", "https://%31%32%37.0.0.1/", "https://h\\@127.0.0.1/",
            "file:///etc/passwd",
            "https://ⓔxample.com", "http+unix://%2Ftmp%2Fx", "javascript:alert(1)", "",
        ])
    func refusedURL(text: String) {
        #expect(throws: GridError.self) { try WebhookTarget(parsing: text) }
    }

    @Test(
        "Ranges have a whole number of bits that their address has",
        arguments: ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "x", "10.0.0.0/8/8", "10.0.0.0/+8"])
    func refusedRange(text: String) {
        #expect(throws: GridError.self) { try AddressRange(parsing: text) }
    }

    @Test("The signature is the HMAC-SHA256 of time and body, as openssl computes it")
    func signature() {
        // printf '1700000000.{"event":"test"}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let found = WebhookMessage.signature(
            secret: "0123456789abcdef", timestamp: 1_700_000_000, body: Array(#"{"event":"test"}"#.utf8))
        #expect(found == "b9005c057dcc1e213fabfcf201ebc5a9d7ec8f55d7e3df7434020c39c458beb3")
        #expect(WebhookMessage.newSecret() != WebhookMessage.newSecret() && WebhookMessage.newSecret().utf8.count == 68)
    }
}
