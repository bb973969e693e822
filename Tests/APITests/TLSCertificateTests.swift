import APITestServer
import ClusterModel
import Foundation
import NIOCore
import NIOSSL
import Testing

@testable import API

@Suite struct TLSCertificateTests {
    /// A folder with keys and certificates that sign themselves, as openssl makes them.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.path + "/alphagrid-tls-\(UUID().uuidString)"
        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func make(_ name: String) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-keyout", "\(path)/\(name).key", "-out", "\(path)/\(name).pem",
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "openssl is needed for this test")
            try set(mode: 0o600, "\(name).key")
        }

        func set(mode: Int, _ name: String) throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(path)/\(name)")
        }

        /// Puts one file in the place of another, with a date of its own.
        func replace(_ name: String, by other: String, at seconds: Double) throws {
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
            try FileManager.default.copyItem(atPath: "\(path)/\(other)", toPath: "\(path)/\(name)")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: "\(path)/\(name)")
        }
    }

    private func names(_ certificate: TLSCertificate) -> [String] {
        certificate.currentChain().compactMap { source in
            guard case .certificate(let certificate) = source else { return nil }
            return certificate.description.components(separatedBy: "common_name=").last.map { String($0.prefix(1)) }
        }
    }

    @Test("A key that others may read, one of another certificate, and files that are none are refused by name")
    func refused() throws {
        let folder = try Folder()
        try folder.make("a")
        try folder.make("b")
        func error(_ certificate: String, _ key: String) -> GridError? {
            #expect(throws: GridError.self) {
                _ = try TLSCertificate(certificate: "\(folder.path)/\(certificate)", key: "\(folder.path)/\(key)", logger: silent)
            }
        }
        #expect(error("a.pem", "b.key")?.message.contains("is not that of the certificate") == true)
        #expect(error("a.pem", "a.pem")?.message.contains("can be read by others") == true)
        #expect(error("a.key", "a.key")?.message.contains("holds no certificate") == true)
        #expect(error("none.pem", "a.key")?.kind == .notFound && error("a.pem", "none.key")?.kind == .notFound)
        try folder.set(mode: 0o640, "a.key")
        #expect(error("a.pem", "a.key")?.message.contains("chmod 600") == true)
    }

    @Test("Root may give a secret to the group of whoever reads it, and to nobody else")
    func ofRoot() {
        for mode in [0o440, 0o640, 0o400] { #expect(SecretFile.isPrivate(mode: mode, owner: 0, reader: 997)) }
        for mode in [0o444, 0o660, 0o450, 0o441] { #expect(!SecretFile.isPrivate(mode: mode, owner: 0, reader: 997)) }
        #expect(!SecretFile.isPrivate(mode: 0o440, owner: 997, reader: 997))
        #expect(!SecretFile.isPrivate(mode: 0o440, owner: 0, reader: 0))
    }

    @Test("A renewed pair is taken over at the next look, and half of one is not")
    func renewal() throws {
        let (folder, clock) = (try Folder(), TestClock(wall: Date().timeIntervalSince1970))
        for name in ["a", "b", "live"] { try folder.make(name) }
        try folder.replace("live.pem", by: "a.pem", at: 1_000)
        try folder.replace("live.key", by: "a.key", at: 1_000)
        let certificate = try TLSCertificate(
            certificate: "\(folder.path)/live.pem", key: "\(folder.path)/live.key", logger: silent, clock: clock.clock)
        #expect(names(certificate) == ["a"])
        try folder.replace("live.pem", by: "b.pem", at: 2_000)
        #expect(names(certificate) == ["a"], "not looked yet")
        clock.advance(Limits.certificateLookSeconds)
        #expect(names(certificate) == ["a"], "the key does not fit")
        try folder.replace("live.key", by: "b.key", at: 2_000)
        clock.advance(Limits.certificateLookSeconds)
        #expect(names(certificate) == ["b"])
        #expect(certificate.configuration().minimumTLSVersion == .tlsv12)
    }

    @Test("A certificate that has ended is refused at the start, and as a renewal; one that ends soon is said, once a day")
    func ended() throws {
        let (folder, log) = (try Folder(), Lines())
        try folder.make("a")
        let (certificate, key) = ("\(folder.path)/a.pem", "\(folder.path)/a.key")
        let now = Date().timeIntervalSince1970
        for (wall, word) in [(now + 3 * 86_400, "has ended"), (now - 86_400, "begins at")] {
            let error = #expect(throws: GridError.self) {
                _ = try TLSCertificate(certificate: certificate, key: key, logger: silent, clock: TestClock(wall: wall).clock)
            }
            #expect(
                error?.kind == .usage && error?.message.contains(word) == true && error?.message.contains(certificate) == true)
        }
        let clock = TestClock(wall: now)
        let live = try TLSCertificate(certificate: certificate, key: key, logger: log.logger, clock: clock.clock)
        #expect(log.all.count == 1 && log.all[0].contains("ends soon"))
        for _ in 0..<5 {
            clock.advance(Limits.certificateLookSeconds)
            #expect(names(live) == ["a"])
        }
        #expect(log.all.count == 1, "not at every look")
        clock.advance(86_400 * 2)
        #expect(names(live) == ["a"], "it serves on, for who does not mind")
        #expect(log.all.count == 2 && log.all[1].contains("has ended"))
        // A renewal that has ended as well is no better, and said once.
        try folder.make("b")
        try folder.replace("a.pem", by: "b.pem", at: 2_000)
        try folder.replace("a.key", by: "b.key", at: 2_000)
        clock.advance(86_400)
        for _ in 0..<3 {
            clock.advance(Limits.certificateLookSeconds)
            #expect(names(live) == ["a"])
        }
        #expect(log.all.filter { $0.contains("is not used") }.count == 1)
    }

    @Test("Over TLS too, a connection that does not begin a request is cut off", .timeLimit(.minutes(1)))
    func silence() async throws {
        let folder = try Folder()
        try folder.make("a")
        let certificate = try TLSCertificate(
            certificate: "\(folder.path)/a.pem", key: "\(folder.path)/a.key", logger: silent)
        var limits = ConnectionLimits()
        limits.first = .milliseconds(300)
        try await serving(limits, certificate: certificate) { port in
            #expect(try await RawConnection(port: port).end(within: 20) != nil)
            let plain = try RawConnection(port: port)
            plain.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await plain.end(within: 20)?.contains("HTTP/1.1 200") == false)
        }
    }
}
