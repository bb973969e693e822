import ArgumentParser
import Testing

@testable import alphagrid

@Suite struct HelpTests {
    private func commands(below root: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        [root] + root.configuration.subcommands.flatMap { commands(below: $0) }
    }

    /// The parser breaks lines where the terminal ends: broken before, they would come out ragged.
    @Test("Paragraphs of the help are one line each, and what is set in columns fits a terminal of 80")
    func paragraphs() {
        var checked = 0
        for command in commands(below: AlphaGridCommand.self) {
            let lines = command.configuration.discussion.split(separator: "\n", omittingEmptySubsequences: false)
            for (line, next) in zip(lines, lines.dropFirst()) where !line.isEmpty && !line.hasPrefix(" ") {
                checked += 1
                #expect(next.isEmpty || next.hasPrefix(" "), "\(command._commandName): \(line)")
            }
            for line in lines where line.hasPrefix(" ") && !line.contains("alphagrid ") {
                #expect(line.count <= 80, "\(command._commandName): \(line)")
            }
        }
        #expect(checked > 30, "there is help to check")
    }
}
