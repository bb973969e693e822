import ArgumentParser
import ClusterModel
import Foundation

/// How the commands that show something show it.
struct OutputOptions: ParsableArguments {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json
    }

    @Option(help: "table or json (default: table).")
    var format: Format?

    @Flag(help: "The same as --format json.")
    var json = false

    var isJSON: Bool { json || format == .json }

    func validate() throws {
        if json, let format, format != .json { throw ValidationError(Self.contradiction(format.rawValue)) }
    }

    static func contradiction(_ format: String) -> String {
        "--json and --format \(format) do not go together: expected one of them"
    }
}

/// What the name of an output file says of its format.
enum OutputName {
    /// - Parameter path: nil for standard output.
    /// - Returns: nil for a name without an ending, which says nothing.
    /// - Throws: for an ending of what is not written; that a CSV file is called `.xlsx` would be found out by its reader.
    static func format<Format: RawRepresentable<String> & CaseIterable>(
        _ path: String?, of type: Format.Type
    ) throws(ValidationError) -> Format? {
        guard let path else { return nil }
        let ending = URL(fileURLWithPath: path).pathExtension.lowercased()
        guard !ending.isEmpty else { return nil }
        if let format = Format(rawValue: ending == "txt" ? "table" : ending), ending != "table" { return format }
        let endings = Format.allCases.map { $0.rawValue == "table" ? ".txt" : ".\($0.rawValue)" }
        throw ValidationError(
            "--out \(path.printable) ends in .\(ending.printable), which is not written here: expected one of "
                + "\(endings.joined(separator: ", ")), or --format with what it should be")
    }
}

/// Which pairs a correlation keeps one by one.
struct PairOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many nearest neighbours of each alpha, at either end.", valueName: "k"))
    var top: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep every pair with r from here on; without it none are kept.", valueName: "r"))
    var threshold: Double?

    @Flag(help: "Go by |r| where r would decide.")
    var absolute = false
}

/// Where the state folder is.
struct StateOptions: ParsableArguments {
    @Option(
        name: .customLong("state"),
        help: ArgumentHelp("Folder of the cluster's state (default: $ALPHAGRID_STATE or ~/.alphagrid).", valueName: "dir"))
    var directory: String?

    /// Absolute path.
    func resolved() -> String { Settings.current.stateDirectory(flag: directory) }
}

/// Which coordinator to talk to. The token has no flag, so that it never shows in a list of processes.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Coordinator's address; those of its standbys follow behind commas (default: $ALPHAGRID_URL, else the connection "
                + "file of the state folder).", valueName: "url,..."))
    var url: String?

    @Option(
        name: .customLong("ca"),
        help: ArgumentHelp(
            "PEM file of the authority behind an https coordinator's certificate (default: $ALPHAGRID_CA, else the system's).",
            valueName: "file"))
    var authority: String?

    @OptionGroup var state: StateOptions

    func client() throws(GridError) -> GridClient {
        let connection = try Settings.current.connection(
            urlFlag: url, stateFlag: state.directory, authorityFlag: authority)
        return try GridClient(connection)
    }
}

extension GridError {
    /// Who has typed options is told of them, not of the fields that they become.
    ///
    /// - Parameter options: by the names of their fields.
    static func naming<R>(_ options: [String: String], _ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as GridError where error.kind == .usage {
            var message = error.message
            for (field, option) in options.sorted(by: { $0.key < $1.key }) {
                message = message.replacing("field '\(field)'", with: option).replacing("'\(field)'", with: option)
            }
            throw GridError(.usage, message)
        }
    }
}

/// Which database to use.
struct DatabaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Database, without a password (default: $ALPHAGRID_DATABASE, else the one of the running cluster).",
            discussion: "A password comes from PGPASSWORD, ~/.pgpass or a service file.", valueName: "url"))
    var database: String?

    @OptionGroup var state: StateOptions

    func resolved() throws(GridError) -> String {
        try Settings.current.database(flag: database, stateFlag: state.directory)
    }
}
