import ClusterModel
import Foundation
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// The certificate and key that the HTTP interface shows, as they are on disk: a renewed pair is used for the connections
/// that come `Limits.certificateLookSeconds` later, without a restart.
package final class TLSCertificate: Sendable {
    private struct Pair {
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource
    }

    private struct State {
        var pair: Pair
        var stamp: [Date?]
        var lookedAt: Double
    }

    private let certificateFile: String
    private let keyFile: String
    private let clock: APIClock
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - certificate: PEM file of the server's certificate and those that lead to its authority.
    ///   - key: PEM file of its private key, which only this user may read.
    /// - Throws: `GridError` that names the file and what is wrong with it.
    package init(certificate: String, key: String, logger: Logger, clock: APIClock = .system) throws(GridError) {
        certificateFile = certificate
        keyFile = key
        self.clock = clock
        self.logger = logger
        let stamp = Self.stamp(certificate, key)
        let pair = try Self.load(certificate, key)
        state = Mutex(State(pair: pair, stamp: stamp, lookedAt: clock.monotonic()))
    }

    /// TLS 1.2 and newer, with the pair of the moment of each handshake.
    func configuration() -> TLSConfiguration {
        let pair = state.withLock { $0.pair }
        var configuration = Self.configuration(pair)
        configuration.sslContextCallback = { [self] _, promise in
            let pair = current()
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = pair.chain
            override.privateKey = pair.key
            promise.succeed(override)
        }
        return configuration
    }

    private static func configuration(_ pair: Pair) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: pair.chain, privateKey: pair.key)
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    /// What a handshake of this moment shows.
    func currentChain() -> [NIOSSLCertificateSource] { current().chain }

    private func current() -> Pair {
        state.withLock { state in
            let now = clock.monotonic()
            guard now - state.lookedAt >= Limits.certificateLookSeconds else { return state.pair }
            state.lookedAt = now
            let stamp = Self.stamp(certificateFile, keyFile)
            guard stamp != state.stamp else { return state.pair }
            do throws(GridError) {
                state.pair = try Self.load(certificateFile, keyFile)
                state.stamp = stamp
                logger.info("a new certificate is used", metadata: ["file": "\(certificateFile)"])
            } catch {
                // Between the writing of the one file and of the other they do not fit: the old pair serves on.
                logger.warning("the certificate on disk is not used", metadata: ["error": "\(error)"])
            }
            return state.pair
        }
    }

    private static func stamp(_ files: String...) -> [Date?] {
        files.map { try? FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date }
    }

    /// Reads both files and tries them together.
    private static func load(_ certificateFile: String, _ keyFile: String) throws(GridError) -> Pair {
        let keyBytes = try SecretFile.read(keyFile, what: "key file")
        guard FileManager.default.fileExists(atPath: certificateFile) else {
            throw GridError(.notFound, "certificate file \(certificateFile) is not there")
        }
        guard let chain = try? NIOSSLCertificate.fromPEMFile(certificateFile), !chain.isEmpty else {
            throw GridError(.usage, "certificate file \(certificateFile) holds no certificate in PEM: expected BEGIN CERTIFICATE")
        }
        guard let key = try? NIOSSLPrivateKey(bytes: keyBytes, format: .pem) else {
            throw GridError(.usage, "key file \(keyFile) holds no private key in PEM without a password")
        }
        let pair = Pair(chain: chain.map { .certificate($0) }, key: .privateKey(key))
        guard (try? NIOSSLContext(configuration: configuration(pair))) != nil else {
            throw GridError(.usage, "the key in \(keyFile) is not that of the certificate in \(certificateFile)")
        }
        return pair
    }
}
