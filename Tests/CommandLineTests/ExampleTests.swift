import ArgumentParser
import ClusterModel
import Foundation
import Testing

@testable import alphagrid

@Suite struct ExampleTests {
    /// Every command that is shown, with the words that lead to it.
    private static let commands: [(path: [String], type: any ParsableCommand.Type)] = {
        func below(_ path: [String], _ type: any ParsableCommand.Type) -> [(path: [String], type: any ParsableCommand.Type)] {
            let configuration = type.configuration
            guard configuration.shouldDisplay else { return [] }
            return [(path, type)] + configuration.subcommands.flatMap { below(path + [$0._commandName], $0) }
        }
        return below(["alphagrid"], AlphaGridCommand.self)
    }()

    /// The command lines of a discussion's examples, each as its words.
    static func examples(_ discussion: String) -> [[String]] {
        guard let start = discussion.range(of: "Examples:") else { return [] }
        let lines = discussion[start.upperBound...].split(separator: "\n")
        return lines.prefix { $0.hasPrefix("  ") }.flatMap { line in
            line.components(separatedBy: " && ").map { words($0) }.filter { $0.first == "alphagrid" }
        }
    }

    /// As a shell takes them apart, until a redirection, a pipe, or the blanks before a remark.
    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var blanks = 0
        for character in line.drop(while: { $0 == " " }) {
            if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character == " " {
                if let done = word { words.append(done) }
                word = nil
                blanks += 1
                if blanks > 1 { return words }
                continue
            } else if word == nil, character == ">" || character == "|" {
                return words
            } else {
                word = (word ?? "") + String(character)
            }
            blanks = 0
        }
        return words + [word].compactMap { $0 }
    }

    @Test("Every command has an abstract and an example of itself, and every example is a command line that can be parsed")
    func examples() throws {
        #expect(Self.commands.count > 30)
        for (path, type) in Self.commands {
            let configuration = type.configuration
            let name = path.joined(separator: " ")
            #expect(!configuration.abstract.isEmpty, "\(name)")
            let examples = Self.examples(configuration.discussion)
            let isOwn = { (words: [String]) in words.starts(with: path) || words.starts(with: path.dropLast()) && path.count > 2 }
            #expect(examples.contains(where: isOwn), "'\(name)' has no example of itself")
            for example in examples {
                do {
                    _ = try AlphaGridCommand.parseAsRoot(AlphaGridCommand.shielded(Array(example.dropFirst())))
                } catch {
                    Issue.record(
                        "example of '\(name)': \(example.joined(separator: " ")): \(AlphaGridCommand.message(for: error))")
                }
            }
        }
    }

    @Test("Examples are taken apart as a shell does")
    func shell() {
        let text = """
            Words.

            Examples:
              alphagrid jobs cancel 12 --reason "wrong pool"     remark
              alphagrid keys init && alphagrid coordinator --bind 'tcp://*:5710'
              alphagrid manual | man -l -
            """
        #expect(
            Self.examples(text) == [
                ["alphagrid", "jobs", "cancel", "12", "--reason", "wrong pool"], ["alphagrid", "keys", "init"],
                ["alphagrid", "coordinator", "--bind", "tcp://*:5710"], ["alphagrid", "manual"],
            ])
    }

    /// Gives a program this text and returns what it complains of; nil when there is no such program.
    private func complaint(_ program: String, _ arguments: [String], _ text: String) throws -> String? {
        let folders = ["/usr/bin", "/bin"].map { "\($0)/\(program)" }
        guard let path = folders.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else { return nil }
        let scratch = try Scratch()
        let file = try scratch.write(text, to: "text")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments + [file]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? said : "\(program) ended with \(process.terminationStatus): \(said)"
    }

    @Test(
        "Each shell reads its completions without complaint, and they know the commands",
        arguments: [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])])
    func completions(shell: String, check: [String]) throws {
        let run = try Run(["completions", shell])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        for word in ["correlate", "support-dump", "drain", "min-overlap", "ffill-diff", "cross-correlation", "publishing"] {
            #expect(run.output.contains(word))
        }
        let said = try complaint(shell, check, run.output)
        #expect(said ?? "" == "")
        // The two others are where they were installed.
        if shell == "bash" { #expect(said != nil) }
    }

    @Test(
        "At a tab, bash goes on with what k=v may be, with addresses on the line too, and behind help with commands",
        arguments: [
            ("run clusters --param meth\t", "run clusters --param methods="),
            ("run clusters --param methods=av\t", "run clusters --param methods=average"),
            ("run clusters --param methods=average,war\t", "run clusters --param methods=average,ward"),
            ("run clusters --param distance=1\t", "run clusters --param distance=1-r"),
            ("run --url http://h:1 --param choose_by=g\t", "run --url http://h:1 --param choose_by=gap"),
            ("run --param methods=umap clu\t", "run --param methods=umap clusters"), ("help wo\t", "help workers"),
            ("help db poo\t", "help db pools"), ("wor\t", "workers"),
        ])
    func keys(typed: String, line: String) throws {
        let scratch = try Scratch()
        let script = try scratch.write(try Run(["completions", "bash"]).output, to: "script")
        let program = URL(fileURLWithPath: try Executable.own()).deletingLastPathComponent().path + "/alphagrid"
        let start = try scratch.write(
            """
            alphagrid() { if [[ $1 = ---completion ]]; then '\(program)' "$@"; else printf '[%s]' "$*"; fi; }
            source '\(script)'
            PS1=
            """, to: "start")
        let typed = try scratch.write("alphagrid \(typed)\n", to: "typed")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["--noprofile", "--rcfile", start, "-i"]
        process.environment = ["PATH": "/usr/bin:/bin", "INPUTRC": "/dev/null", "TERM": "dumb", "HISTFILE": ""]
            .merging(ProcessInfo.processInfo.environment.filter { $0.key == "LD_LIBRARY_PATH" }) { $1 }
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: typed))
        process.standardError = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(said.hasSuffix("[\(line)]"), "\(said)")
    }

    @Test("The manual page has every command and option, and what formats it has nothing to complain of")
    func manual() throws {
        let page = try ManualPage.alphagrid(date: "2025-01-02")
        for (path, _) in Self.commands where path.count > 1 {
            let name = path.joined(separator: " ").replacing("-", with: "\\-")
            #expect(page.contains(".SS \"\(name)\"\n"), "\(name)")
        }
        #expect(page.contains(".B \\-\\-min\\-overlap <min\\-overlap>") && page.contains(".SH EXIT STATUS"))
        #expect(!page.contains("guard") && !page.contains("\\-\\-help"))
        #expect(try complaint("mandoc", ["-T", "lint", "-W", "warning"], page) ?? "" == "")
        #expect(try complaint("groff", ["-man", "-ww", "-z", "-Tutf8"], page) ?? "" == "")
    }
}
