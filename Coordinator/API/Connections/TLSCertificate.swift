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
        /// Seconds since 1970 at which the first certificate of the chain ends.
        var end: Double
    }

    private struct State {
        var pair: Pair
        var stamp: [Date?]
        var lookedAt: Double
        /// Of a renewal that cannot be used, and was said to be so.
        var refusedStamp: [Date?]?
        /// When it was said that the certificate ends soon.
        var warnedAt: Double?
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
        let pair = try Self.load(certificate, key, now: clock.wall())
        state = Mutex(State(pair: pair, stamp: stamp, lookedAt: clock.monotonic()))
        state.withLock { warnOfEnd(&$0) }
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
            defer { warnOfEnd(&state) }
            let stamp = Self.stamp(certificateFile, keyFile)
            guard stamp != state.stamp, stamp != state.refusedStamp else { return state.pair }
            do throws(GridError) {
                state.pair = try Self.load(certificateFile, keyFile, now: clock.wall())
                state.stamp = stamp
                state.refusedStamp = nil
                state.warnedAt = nil
                logger.info("a new certificate is used", metadata: ["file": "\(certificateFile)"])
            } catch {
                // Between the writing of the one file and of the other they do not fit: the old pair serves on.
                state.refusedStamp = stamp
                logger.warning("the certificate on disk is not used", metadata: ["error": "\(error)"])
            }
            return state.pair
        }
    }

    /// Once a day, as long as there are a few days left or none.
    private func warnOfEnd(_ state: inout State) {
        let now = clock.wall()
        let days = (state.pair.end - now) / 86_400
        guard days < Limits.certificateWarnDays, state.warnedAt.map({ now - $0 >= 86_400 }) ?? true else { return }
        state.warnedAt = now
        logger.warning(
            days < 0 ? "the certificate has ended: clients refuse it" : "the certificate ends soon: renew it in its place",
            metadata: ["file": "\(certificateFile)", "end": "\(Self.day(state.pair.end))"])
    }

    private static func day(_ seconds: Double) -> String { Date(timeIntervalSince1970: seconds).formatted(.iso8601) }

    private static func stamp(_ files: String...) -> [Date?] {
        files.map { try? FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date }
    }

    /// Reads both files and tries them together.
    ///
    /// - Parameter now: Seconds since 1970.
    private static func load(_ certificateFile: String, _ keyFile: String, now: Double) throws(GridError) -> Pair {
        let keyBytes = try SecretFile.read(keyFile, what: "key file")
        guard FileManager.default.fileExists(atPath: certificateFile) else {
            throw GridError(.notFound, "certificate file \(certificateFile) is not there")
        }
        guard let chain = try? NIOSSLCertificate.fromPEMFile(certificateFile), let own = chain.first else {
            throw GridError(.usage, "certificate file \(certificateFile) holds no certificate in PEM: expected BEGIN CERTIFICATE")
        }
        guard let key = try? NIOSSLPrivateKey(bytes: keyBytes, format: .pem) else {
            throw GridError(.usage, "key file \(keyFile) holds no private key in PEM without a password")
        }
        let (begin, end) = (Double(own.notValidBefore), Double(own.notValidAfter))
        guard now < end else {
            throw GridError(
                .usage, "the certificate in \(certificateFile) has ended, at \(day(end)): expected one that is valid now")
        }
        guard now >= begin else {
            throw GridError(
                .usage, "the certificate in \(certificateFile) begins at \(day(begin)): expected one that is valid now")
        }
        let pair = Pair(chain: chain.map { .certificate($0) }, key: .privateKey(key), end: end)
        guard (try? NIOSSLContext(configuration: configuration(pair))) != nil else {
            throw GridError(.usage, "the key in \(keyFile) is not that of the certificate in \(certificateFile)")
        }
        return pair
    }
}
