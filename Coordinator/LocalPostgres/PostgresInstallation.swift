import ClusterModel
import Foundation

/// The programs of one installed PostgreSQL server.
package struct PostgresInstallation: Equatable, Sendable {
    /// Folder of `initdb`, `pg_ctl`, `postgres`, `psql` and `pg_isready`.
    package let binDirectory: String
    /// Such as 15. A data directory belongs to one major version.
    package let majorVersion: Int

    /// Installations at hand, newest first. `ALPHAGRID_POSTGRES_BIN` names the only one to be looked at; otherwise the
    /// places where Debian, Red Hat and Homebrew put it, and PATH.
    package static func all(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(GridError) -> [PostgresInstallation] {
        if let chosen = environment["ALPHAGRID_POSTGRES_BIN"], !chosen.isEmpty {
            guard let installation = try PostgresInstallation(probing: chosen) else {
                throw GridError(
                    .failed, "ALPHAGRID_POSTGRES_BIN is '\(chosen.printable)': expected a folder with initdb, pg_ctl, psql")
            }
            return [installation]
        }
        var folders: [String] = []
        for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt/homebrew/opt", "postgresql")] {
            let names = ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted()
            folders += names.filter { $0.hasPrefix(prefix) }.map { "\(parent)/\($0)/bin" }
        }
        folders += (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        var found: [PostgresInstallation] = []
        for folder in folders {
            if let installation = try PostgresInstallation(probing: folder), !found.contains(installation) {
                found.append(installation)
            }
        }
        return found.sorted { $0.majorVersion > $1.majorVersion }
    }

    /// The newest installation, or the one of the major version a data directory belongs to.
    ///
    /// - Throws: `GridError(.failed)` when there is none, saying what to install.
    static func find(major: Int?) throws(GridError) -> PostgresInstallation {
        let found = try all()
        if let match = found.first(where: { major == nil || $0.majorVersion == major }) { return match }
        guard let major, !found.isEmpty else {
            throw GridError(
                .failed, "no PostgreSQL server is installed here: install it, for example with 'apt-get install postgresql'")
        }
        let versions = found.map { String($0.majorVersion) }.joined(separator: ", ")
        throw GridError(
            .failed,
            "the data was made by PostgreSQL \(major), but only \(versions) is installed here: install postgresql-\(major)")
    }

    private init?(probing folder: String) throws(GridError) {
        let programs = ["initdb", "pg_ctl", "postgres", "psql", "pg_isready"]
        guard programs.allSatisfy({ FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)") }) else { return nil }
        // Prints "pg_ctl (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", or "17beta1" for what is not released yet.
        let words = try Command(arguments: ["\(folder)/pg_ctl", "--version"]).run().output.split(separator: " ")
        guard words.count >= 3, let major = Int(words[2].prefix { $0.isASCII && $0.isNumber }) else { return nil }
        binDirectory = folder
        majorVersion = major
    }
}
