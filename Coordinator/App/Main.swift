import ArgumentParser
import ClusterModel
import Foundation
import Kernels
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@main
enum Main {
    /// What was decided about the kernels before any command ran.
    static let kernelNote = Mutex<String?>(nil)

    @MainActor static func main() async {
        BLAS.endIdleThreads()
        ProcessMemory.keepFreed()
        BLAS.measureIfAsked()
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            // OpenBLAS decides on its kernels when it is loaded, so the process may have to start over with another
            // setting; nothing may have happened by then.
            if AlphaGridCommand.computes(arguments) {
                let adoption = try BLAS.adoptCoreType("auto")
                kernelNote.withLock { $0 = adoption.note }
            }
        } catch {
            let outcome = Outcome(of: error)
            StandardError.write(outcome.message)
            exit(outcome.exitCode)
        }
        exit(await run(arguments))
    }

    /// Runs one command line and says how it went, on standard error and as exit code.
    @MainActor static func run(_ arguments: [String]) async -> Int32 {
        do {
            try AlphaGridCommand.expectCommands(arguments)
            var command = try AlphaGridCommand.parseAsRoot(AlphaGridCommand.shielded(arguments))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                // On the main thread: BLAS and libpq block, which threads of the cooperative pool must not.
                try command.run()
            }
            return 0
        } catch {
            let outcome = Outcome(of: error)
            if outcome.exitCode == 0 {
                StandardOutput.write(outcome.message)
            } else {
                StandardError.write(outcome.message)
            }
            return outcome.exitCode
        }
    }
}

/// What an error means for the person at the terminal.
struct Outcome: Equatable {
    var exitCode: Int32
    /// Ends with a newline unless it is empty.
    var message: String

    init(of error: any Error) {
        if let error = error as? GridError {
            self.init(exitCode: error.exitCode, message: "error: \(AlphaGridCommand.unshielded(error.message))\n")
            return
        }
        // The parser says 64 for a command line it does not understand; here that is 2, as for every other tool.
        let code = AlphaGridCommand.exitCode(for: error)
        let text = AlphaGridCommand.fullMessage(for: error)
        if code == .validationFailure {
            let sentence = AlphaGridCommand.unshielded(AlphaGridCommand.message(for: error))
            self.init(exitCode: 2, message: Self.mistake(sentence, full: text))
        } else {
            self.init(exitCode: code.rawValue, message: text.isEmpty || text.hasSuffix("\n") ? text : text + "\n")
        }
    }

    /// One sentence and where to look: the parser would repeat every flag of the command.
    private static func mistake(_ sentence: String, full: String) -> String {
        var sentence = sentence
        // What begins with a dash is taken for the next option.
        if let flag = sentence.firstMatch(of: /^Missing value for '(--[a-z0-9-]+)/) {
            sentence += "; one that begins with '-' is written \(flag.1)=-..."
        }
        let hint = full.split(separator: "\n").last { $0.contains("See '") }?.trimmingCharacters(in: .whitespaces)
        return "error: \(sentence)\n" + (hint.map { "\($0)\n" } ?? "")
    }

    private init(exitCode: Int32, message: String) {
        self.exitCode = exitCode
        self.message = message
    }
}
