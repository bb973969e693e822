import API
import ArgumentParser
import ClusterModel
import Foundation
import Logging

/// What the HTTP interface shows and accepts besides tokens. All of them name files: secrets are never on a command line.
struct DoorOptions: ParsableArguments {
    @Option(
        name: .customLong("tls-cert"),
        help: ArgumentHelp(
            "Serve HTTPS with this certificate (PEM, with its chain); a renewed one is taken over.", valueName: "file"))
    var certificateFile: String?

    @Option(
        name: .customLong("tls-key"), help: ArgumentHelp("Private key of --tls-cert (PEM, mode 0600).", valueName: "file"))
    var keyFile: String?

    @Option(
        name: .customLong("jwt-hs256"),
        help: ArgumentHelp("Also accept JWTs signed with the secret in this file (mode 0600).", valueName: "file"))
    var jwtSecretFile: String?

    @Option(
        name: .customLong("jwt-es256"),
        help: ArgumentHelp("Also accept JWTs signed with the key of this P-256 public key (PEM).", valueName: "file"))
    var jwtKeyFile: String?

    @Option(
        name: .customLong("jwt-audience"), help: ArgumentHelp("Accept only JWTs whose 'aud' holds this.", valueName: "name"))
    var jwtAudience: String?

    @Option(
        name: .customLong("strangers-per-second"),
        help: ArgumentHelp(
            "Requests without a valid token that one address may send (default 1, and 30 at once; also "
                + "ALPHAGRID_STRANGERS_PER_SECOND): more behind a proxy, where all callers have one address.",
            valueName: "n"))
    var strangersPerSecond: Int?

    /// - Throws: `GridError(.usage)` for a number that is none or too large.
    func strangers(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(GridError) -> Double? {
        let name = "ALPHAGRID_STRANGERS_PER_SECOND"
        guard let text = strangersPerSecond.map(String.init) ?? environment[name] else { return nil }
        let range = 1...Int(Limits.requestsPerSecondMax)
        guard let number = Int(text), range.contains(number) else {
            let source = strangersPerSecond == nil ? name : "--strangers-per-second"
            throw GridError(
                .usage, "\(source) '\(text.printable)' is not valid: expected \(range.lowerBound) to \(range.upperBound)")
        }
        return Double(number)
    }

    func validate() throws {
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together: expected both or none")
        }
        guard jwtAudience == nil || jwtSecretFile != nil || jwtKeyFile != nil else {
            throw ValidationError("--jwt-audience needs --jwt-hs256 or --jwt-es256: expected one of them")
        }
    }

    func certificate(logger: Logger) throws(GridError) -> TLSCertificate? {
        guard let certificateFile, let keyFile else { return nil }
        return try TLSCertificate(certificate: certificateFile, key: keyFile, logger: logger)
    }

    /// - Returns: nil when no key for JWTs is named.
    func jwt() async throws -> JWTVerifier? {
        guard jwtSecretFile != nil || jwtKeyFile != nil else { return nil }
        var secret: [UInt8]?
        if let jwtSecretFile {
            // The newline that an editor leaves at the end is not part of it.
            let bytes = try SecretFile.read(jwtSecretFile, what: "secret file")
            secret = Array(bytes.reversed().drop { $0 == 0x0A || $0 == 0x0D }.reversed())
        }
        var pem: String?
        if let jwtKeyFile {
            guard let text = try? String(contentsOfFile: jwtKeyFile, encoding: .utf8) else {
                throw GridError(.notFound, "key file \(jwtKeyFile) is not there or not readable: expected a public key in PEM")
            }
            pem = text
        }
        return try await JWTVerifier(hs256: secret, es256: pem, audience: jwtAudience)
    }
}
