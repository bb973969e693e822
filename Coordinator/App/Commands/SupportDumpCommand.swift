import API
import ArgumentParser
import ClusterModel
import Foundation
import Panel

struct SupportDumpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "support-dump",
        abstract: "Collect what a bug report needs in one file.",
        discussion: """
            Status, the last jobs, workers, why open jobs wait, metrics, the last lines of the log, settings and facts about the \
            machines. Tokens, passwords and keys are not in it; names of alphas, hosts and people may be, so look at it before \
            you send it. The log and the settings need an admin's token. A coordinator that does not answer is no obstacle: \
            README.txt in it says what could not be had.

            Examples:
              alphagrid support-dump
              alphagrid support-dump --out report.tar.gz
            """)

    @Option(
        help: ArgumentHelp("Where to write it (default: alphagrid-support-TIME.tar.gz in this folder).", valueName: "file"))
    var out: String?

    @OptionGroup var connection: ConnectionOptions

    /// What this side of the connection is.
    private struct ClientFacts: Codable {
        var version: String
        var protocolVersion: UInt32
        var urls: [String]
        /// Names alone: a value may be a secret.
        var environmentVariables: [String]
        var host: HostFacts
    }

    func run() async throws {
        let settings = Settings.current
        let state = connection.state.resolved()
        let place = try? settings.connection(
            urlFlag: connection.url, stateFlag: connection.state.directory, authorityFlag: connection.authority)
        var dump = SupportDump(redaction: Redaction(secrets: Self.secrets(settings.environment, place?.token)))
        let names = settings.environment.keys.filter { $0.hasPrefix("ALPHAGRID_") || $0.hasPrefix("PG") }.sorted()
        dump.add(
            "client.json",
            json: ClientFacts(
                version: AlphaGrid.version, protocolVersion: Limits.protocolVersion,
                urls: place?.urls.map(\.absoluteString) ?? [],
                environmentVariables: names, host: .present(folder: state)))
        do {
            let client = try connection.client()
            await dump.collect(from: client)
        } catch {
            dump.note("everything of the coordinator", "\(error)")
        }
        dump.collectLogs(in: "\(state)/logs")
        let now = Date()
        let path = out ?? Self.defaultName(now)
        let packed = try Gzip.compress(dump.archive(at: now))
        try PrivateFile.write(Data(packed), to: path, replacing: out != nil)
        for sentence in dump.missing { StandardError.writeLine("warning: \(sentence)") }
        StandardOutput.write("\(path)\n")
    }

    /// What must not be in it by its very text.
    static func secrets(_ environment: [String: String], _ token: AccessToken?) -> [String] {
        [token?.secret, environment["ALPHAGRID_TOKEN"], environment["PGPASSWORD"]].compactMap { $0 }
    }

    static func defaultName(_ date: Date) -> String {
        let time = date.formatted(Date.ISO8601FormatStyle(timeSeparator: .omitted)).replacingOccurrences(of: "-", with: "")
        return "alphagrid-support-\(time).tar.gz"
    }
}
