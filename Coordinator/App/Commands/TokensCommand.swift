import API
import ArgumentParser
import ClusterModel
import Foundation
import Store

struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Say who may use the HTTP interface, and as what.",
        discussion: """
            A viewer reads, checks candidates and explains pairs; an operator also submits and cancels jobs and drains \
            workers; an admin may do everything. The commands work on the database: a running coordinator follows within \
            five seconds. The token in the coordinator's state folder is always an admin's.

            Examples:
              alphagrid tokens add research --role viewer --expires 90d
              alphagrid tokens
              alphagrid tokens revoke research
            """,
        subcommands: [Add.self, List.self, Revoke.self], defaultSubcommand: List.self)

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Make a token and print it, this once: the database keeps only its SHA-256.",
            discussion: """
                Examples:
                  alphagrid tokens add nightly --role operator --out nightly.token
                  ALPHAGRID_TOKEN_FILE=nightly.token alphagrid jobs --url https://coordinator:8710
                """)

        @Argument(help: "Name by which the audit log will call whoever uses it.")
        var name: String

        @Option(help: "viewer, operator or admin.", completion: .roles)
        var role: String

        @Option(
            help: ArgumentHelp(
                "How long it is valid, from 1m to 100y, such as 12h, 30d or 1y (default: until it is revoked).", valueName: "time"
            ))
        var expires: String?

        @Option(
            help: ArgumentHelp(
                "Write the token to this file, which only you can read, instead of printing it.", valueName: "file"))
        var out: String?

        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        private struct Report: Codable {
            var name: String
            var role: AccessRole
            /// Only where it is not in a file.
            var token: String?
            var file: String?
            var expiresAt: String?
        }

        func run() throws {
            let name = try TokenName(name)
            let role = try AccessRole(parsing: role)
            let life = try expires.map { text throws(GridError) in .seconds(try Self.seconds(text)) } ?? Store.TokenLife.unlimited
            let token = AccessToken.random(prefix: AccessToken.prefix)
            let store = try Store(url: try database.resolved())
            let namesakes = try store.tokens().filter { $0.name == name.rawValue && $0.state == "revoked" }
            let file = out.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
            // First, since a token in the database that nobody has would only be in the way.
            if let file { try PrivateFile.write(Data((token.secret + "\n").utf8), to: file, replacing: false) }
            let view: TokenView
            do throws(GridError) {
                view = try store.addToken(name, role: role, digest: token.digest.bytes, life: life)
            } catch {
                if let file { try? FileManager.default.removeItem(atPath: file) }
                throw error
            }
            if let last = namesakes.last {
                StandardError.writeLine(
                    "note: there was a token '\(name)' before, revoked at \(last.revokedAt ?? "an unknown time"); the audit log "
                        + "calls both by this name")
            }
            let end = view.expiresAt.map { "until \($0)" } ?? "until it is revoked"
            let place = file.map { "it is in \($0)" } ?? "it is shown only here:"
            StandardError.writeLine("token '\(name)' with role \(role.rawValue), valid \(end); \(place)")
            if output.isJSON {
                return try StandardOutput.writeJSON(
                    Report(
                        name: name.rawValue, role: role, token: file == nil ? token.secret : nil, file: file,
                        expiresAt: view.expiresAt))
            }
            if file == nil { StandardOutput.write(token.secret + "\n") }
        }

        /// `90m`, `12h`, `30d`, `4w` or `1y` of 365 days; a minute to a hundred years.
        static func seconds(_ text: String) throws(GridError) -> Int64 {
            let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000]
            let digits = text.dropLast()
            let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isNumber, let unit = text.last.flatMap({ units[$0] }), let count = Int64(digits), count > 0,
                count <= 3_153_600_000 / unit
            else {
                throw GridError(
                    .usage,
                    "--expires '\(text.printable)' is not valid: expected a time from 1m to 100y, such as 90m, 12h, 30d, 4w or 1y"
                )
            }
            return count * unit
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the tokens, without their secrets, which nobody has.",
            discussion: """
                Examples:
                  alphagrid tokens list --json
                """)

        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() throws {
            let tokens = try Store(url: try database.resolved()).tokens()
            if output.isJSON { return try StandardOutput.writeJSON(tokens) }
            guard !tokens.isEmpty else { return StandardError.writeLine("no tokens yet: 'alphagrid tokens add' makes one") }
            StandardOutput.writeTable(
                TextTable(
                    [
                        .init("NAME"), .init("ROLE"), .init("STATE"), .init("CREATED"), .init("BY"), .init("EXPIRES"),
                        .init("REVOKED"),
                    ],
                    rows: tokens.map {
                        [
                            $0.name, $0.role.rawValue, $0.state, $0.createdAt, $0.createdBy, $0.expiresAt ?? "",
                            $0.revokedAt ?? "",
                        ]
                    }))
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Let a token open nothing any more, within five seconds.",
            discussion: """
                Examples:
                  alphagrid tokens revoke nightly
                """)

        @Argument(help: "Name of the token.")
        var name: String

        @OptionGroup var output: OutputOptions
        @OptionGroup var database: DatabaseOptions

        func run() throws {
            let view = try Store(url: try database.resolved()).revokeToken(try TokenName(name))
            if output.isJSON { return try StandardOutput.writeJSON(view) }
            StandardOutput.write("token '\(view.name)' is revoked\n")
        }
    }
}
