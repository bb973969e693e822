import ArgumentParser
import ClusterModel

/// The root of the command line.
struct AlphaGridCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alphagrid",
        abstract: "Correlations of trading strategies' daily PnL, on one machine or many.",
        discussion: """
            Examples:
              alphagrid correlate pnl.csv                     one file, no server
              alphagrid features pnl.csv                      Sharpe, drawdown and more
              alphagrid up --workers 2                        a whole cluster here
              alphagrid db import pnl.csv --region USA        into its database
              alphagrid run correlation --region USA --wait   and its correlations
              alphagrid check new.csv --region USA            may it be submitted?
              alphagrid explain A1 A2 --region USA            why this correlation?
              alphagrid expressions usage --region USA        which operators and fields?
              alphagrid status --watch                        what is going on
              alphagrid open                                  the same and all results in a browser

            Results go to standard output, everything else to standard error.

            Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 not found, 4 cannot reach, 5 partly done.
            """,
        version: "alphagrid \(AlphaGrid.version)",
        subcommands: [
            CorrelateCommand.self, FeaturesCommand.self, CheckCommand.self, ExplainCommand.self, UpCommand.self,
            CoordinatorCommand.self, DatabaseCommand.self, RunCommand.self, ResultsCommand.self, ExpressionsCommand.self,
            JobsCommand.self, WorkersCommand.self, ScheduleCommand.self, WebhooksCommand.self, AlertsCommand.self,
            KeysCommand.self, StatusCommand.self, OpenCommand.self, TokensCommand.self, AuditCommand.self, BenchCommand.self,
            SupportDumpCommand.self, CompletionsCommand.self, ManualCommand.self, VersionCommand.self, GuardCommand.self,
        ])

    /// Command lines as the parser takes them for what they are: it would look for options in what begins with a dash.
    static func shielded(_ arguments: [String]) -> [String] {
        Self.shieldingNumbers(ExpressionsCommand.shieldingFormulas(arguments))
    }

    /// The commands below whose arguments may be numbers, such as a priority, or are mistaken for one, such as an id.
    private static let numberCommands = [JobsCommand._commandName, ScheduleCommand._commandName, WebhooksCommand._commandName]

    /// No option is called `-5`: with another sign instead of the dash the parser gives it to whoever can say what is wrong, or
    /// right, with it. What these commands add takes numbers as options, and a reason may be any text.
    private static func shieldingNumbers(_ arguments: [String]) -> [String] {
        guard let command = arguments.first, numberCommands.contains(command), arguments.dropFirst().first != "add" else {
            return arguments
        }
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments.indices.map { index in
            let text = arguments[index]
            let isNumber = index < end && arguments[index - (index > 0 ? 1 : 0)] != "--reason"
            return isNumber && text.contains(/^-[0-9]/) ? standIn + text.dropFirst() : text
        }
    }

    /// For private use, so that no text has it by itself: a real minus sign in a file is not a dash where it is complained of.
    private static let standIn = "\u{E02D}"

    /// As it was typed.
    static func unshielded(_ text: String) -> String { text.replacing(standIn, with: "-") }

    /// The parser shows the general help for a name behind 'help' that is none, and elsewhere does not say what may be meant.
    ///
    /// - Throws: `GridError(.usage)` for a word that stands where only the name of a command can, and is none.
    static func expectCommands(_ arguments: [String]) throws(GridError) {
        var command: any ParsableCommand.Type = self
        var path = [_commandName]
        var isHelp = false
        for word in arguments {
            let commands = command.configuration.subcommands
            if let next = commands.first(where: { $0._commandName == word }) {
                command = next
                path.append(word)
            } else if word == "help", !commands.isEmpty {
                isHelp = true
            } else if isHelp || (!commands.isEmpty && command.configuration.defaultSubcommand == nil), !word.hasPrefix("-") {
                let names = commands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
                let near = names.filter { !word.isEmpty && $0.hasPrefix(word) || edits(word, $0) <= max(1, word.count / 3) }
                let list = near.map { "'\($0)'" }.joined(separator: " or ")
                throw GridError(
                    .usage,
                    "unknown command '\((path.dropFirst() + [word.printable]).joined(separator: " "))': "
                        + (near.isEmpty ? "" : "expected perhaps \(list); ")
                        + "'\(path.joined(separator: " ")) --help' says what there is")
            } else {
                return
            }
        }
    }

    /// How many characters must be added, removed or replaced to make one word the other (Levenshtein's distance).
    private static func edits(_ a: String, _ b: String) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                (diagonal, row[j + 1]) = (row[j + 1], min(diagonal + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1))
            }
        }
        return row[b.count]
    }

    /// Whether this command line computes in this process.
    static func computes(_ arguments: [String]) -> Bool {
        [CorrelateCommand._commandName, BenchCommand._commandName].contains(arguments.first)
    }
}
