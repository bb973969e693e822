import ArgumentParser
import ClusterModel
import Foundation

struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print what makes a shell complete alphagrid's command lines.",
        discussion: """
            Examples:
              alphagrid completions bash > /etc/bash_completion.d/alphagrid
              alphagrid completions zsh > /usr/local/share/zsh/site-functions/_alphagrid
              alphagrid completions fish > ~/.config/fish/completions/alphagrid.fish
            """)

    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish

        var known: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() throws {
        StandardOutput.write(AlphaGridCommand.completionScript(for: shell.known) + "\n")
    }
}

struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Print the manual page, for man.",
        discussion: """
            Examples:
              alphagrid manual > /usr/local/share/man/man1/alphagrid.1
              alphagrid manual | man -l -
            """)

    func run() throws {
        // Whoever builds packages wants the same page from the same source, whatever day it is.
        let epoch = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap { Double($0) }
        let date = epoch.map { Date(timeIntervalSince1970: $0) } ?? Date()
        StandardOutput.write(try ManualPage.alphagrid(date: date.formatted(Date.ISO8601FormatStyle().year().month().day())))
    }
}
