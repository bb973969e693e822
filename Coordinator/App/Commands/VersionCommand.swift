import API
import ArgumentParser
import ClusterModel

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version.",
        discussion: """
            Examples:
              alphagrid version
              alphagrid version --json
            """)

    @OptionGroup var output: OutputOptions

    private struct Version: Codable {
        var version: String
        var protocolVersion: UInt32
    }

    func run() throws {
        let version = Version(version: AlphaGrid.version, protocolVersion: Limits.protocolVersion)
        if output.isJSON {
            try StandardOutput.writeJSON(version)
        } else {
            StandardOutput.write("alphagrid \(version.version), wire protocol \(version.protocolVersion)\n")
        }
    }
}
