import API
import ClusterModel
import Foundation
import Panel

/// `connection.json` of a state folder: how the commands find the coordinator that runs on it.
struct ConnectionFile: Codable, Equatable, Sendable {
    /// Of the HTTP interface.
    var url: String
    /// File that holds the token; absent when the token is known to the environment alone.
    var tokenFile: String?
    /// Holds no password; the environment or a file of libpq has it.
    var database: String
    /// Where workers connect to.
    var endpoint: String
    /// Of the coordinator.
    var processID: Int32

    static func path(in stateDirectory: String) -> String { "\(stateDirectory)/connection.json" }

    /// - Returns: nil when there is no such file.
    static func read(in stateDirectory: String) throws(GridError) -> ConnectionFile? {
        let path = path(in: stateDirectory)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let content = try FileSystem.contents(of: path)
        do {
            return try GridJSON.decode(ConnectionFile.self, from: content.withUnsafeBytes { Data($0) })
        } catch {
            throw GridError(.usage, "\(path) is not a connection file: delete it and start the cluster again")
        }
    }

    func write(in stateDirectory: String) throws(GridError) {
        let data: Data
        do {
            data = try GridJSON.encodeForReading(self)
        } catch {
            throw GridError(.failed, "cannot encode the connection file: \(error)")
        }
        try PrivateFile.write(data, to: Self.path(in: stateDirectory))
    }

    /// Removes the file if it still is this one: a coordinator that started meanwhile keeps its own.
    func remove(in stateDirectory: String) {
        guard (try? Self.read(in: stateDirectory)) == self else { return }
        try? FileManager.default.removeItem(atPath: Self.path(in: stateDirectory))
    }
}

/// The file a token is kept in.
enum TokenFile {
    static func path(in stateDirectory: String) -> String { "\(stateDirectory)/token" }

    /// - Throws: `GridError(.usage)` when others may read the file or it holds no token.
    static func read(_ path: String) throws(GridError) -> AccessToken {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? NSNumber else {
            throw GridError(.notFound, "token file \(path) is not there: start the coordinator first, or set ALPHAGRID_TOKEN")
        }
        guard mode.intValue & 0o077 == 0 else {
            throw GridError(.usage, "token file \(path) can be read by others: run 'chmod 600 \(path)'")
        }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw GridError(.failed, "cannot read token file \(path): this user has no right to, or it is not text")
        }
        return try AccessToken(text, source: path)
    }

    /// The token of a state folder, made when it has none yet.
    static func readOrMake(in stateDirectory: String) throws(GridError) -> AccessToken {
        let path = path(in: stateDirectory)
        if FileManager.default.fileExists(atPath: path) { return try read(path) }
        let token = AccessToken.random()
        try PrivateFile.write(Data((token.secret + "\n").utf8), to: path)
        return token
    }
}
