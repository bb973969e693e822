import API
import ClusterModel
import Foundation
import Panel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

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
    /// Of its reign; nil while it stands by.
    var epoch: Int64?

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

    /// What to say when the coordinator does not answer because its process has ended without removing the file, as one does
    /// that was killed; nil while the process is there.
    func hintIfStale(in stateDirectory: String) -> String? {
        guard kill(processID, 0) != 0, errno == ESRCH else { return nil }
        return
            "\(Self.path(in: stateDirectory)) names a coordinator that has ended (process \(processID)); start it again, or name "
            + "the one that leads now with --url or ALPHAGRID_URL"
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
        guard FileManager.default.fileExists(atPath: path) else {
            throw GridError(.notFound, "token file \(path) is not there: start the coordinator first, or set ALPHAGRID_TOKEN")
        }
        return try AccessToken(String(decoding: try SecretFile.read(path, what: "token file"), as: UTF8.self), source: path)
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
