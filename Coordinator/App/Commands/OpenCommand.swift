import API
import ArgumentParser
import ClusterModel
import Foundation

struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Print a link that signs a browser in to the coordinator's page.",
        discussion: """
            The link works once and for five minutes; no program is started with it, since everybody on this machine sees \
            the arguments of programs. It needs an admin's token. The browser stays signed in for twelve hours, as long as \
            that token is valid.

            Examples:
              alphagrid open
              alphagrid open --role viewer        for a screen on the wall
              alphagrid open --url https://grid:8710 --ca company-ca.pem
            """)

    @Option(help: "The most the browser may do: viewer, operator or admin (default: what the token may).", completion: .roles)
    var role: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    private struct Report: Codable {
        var url: String
        var role: AccessRole
        var expiresInSeconds: Double
    }

    func run() async throws {
        let role = try role.map { text throws(GridError) in try AccessRole(parsing: text) }
        let client = try connection.client()
        let made = try await client.makeSignInCode(role: role)
        var base = client.base.absoluteString
        while base.hasSuffix("/") { base.removeLast() }
        let link = SignInCode.link(base, code: made.code)
        if output.isJSON {
            return try StandardOutput.writeJSON(
                Report(url: link, role: made.role, expiresInSeconds: made.expiresInSeconds))
        }
        let minutes = Int(made.expiresInSeconds / 60)
        StandardError.writeLine("opens the page once, within \(minutes) minutes, as \(made.role.rawValue):")
        StandardOutput.write(link + "\n")
    }

    /// For the person who has just started a cluster in a terminal.
    static func tell(_ link: String) {
        StandardError.writeLine("open the page (works once, for five minutes; 'alphagrid open' makes another):\n  \(link)")
    }
}
