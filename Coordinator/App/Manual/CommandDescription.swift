import ArgumentParser
import ClusterModel
import Foundation

/// A command as the argument parser describes it, as far as the manual page needs it.
struct CommandDescription: Decodable {
    struct Name: Decodable {
        var kind: String
        var name: String

        var text: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }

    struct Argument: Decodable {
        var kind: String
        var shouldDisplay: Bool
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var abstract: String?
        var discussion: String?
    }

    var commandName: String
    var abstract: String?
    var discussion: String?
    var shouldDisplay: Bool?
    var arguments: [Argument]?
    var subcommands: [CommandDescription]?

    /// The tree of all commands, without those that are for nobody to type.
    static func alphagrid() throws(GridError) -> CommandDescription {
        struct Document: Decodable {
            var command: CommandDescription
        }
        do {
            return try JSONDecoder().decode(Document.self, from: Data(AlphaGridCommand._dumpHelp().utf8)).command.visible
        } catch {
            throw GridError(.failed, "the commands cannot be described: \(error)")
        }
    }

    private var visible: CommandDescription {
        var copy = self
        copy.arguments = arguments?.filter { $0.shouldDisplay && $0.names?.contains { $0.name == "help" } != true }
        copy.subcommands = subcommands?.filter { $0.shouldDisplay != false && $0.commandName != "help" }.map(\.visible)
        return copy
    }
}
