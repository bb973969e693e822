import ClusterModel
import Foundation
import Testing

@testable import Kernels

/// The file that surveys are kept in, and the processes that make them.
struct CoreTypeMemoryTests {
    private let folder: String
    private let memory: CoreTypeMemory

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/alphagrid-core-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        memory = CoreTypeMemory(path: "\(folder)/.cache/alphagrid/core-types.json")
    }

    private func key(_ processor: String, _ candidates: [String] = ["SkylakeX", "Zen"]) -> CoreTypeMemory.Key {
        CoreTypeMemory.Key(processor: processor, candidates: candidates, blasVersion: "0.3.21", epilogueVersion: 2)
    }

    private func survey(_ factor: Double = 1, other: String = "SkylakeX") -> CoreTypeSurvey {
        let speeds = ["Zen", other].map {
            CoreTypeSpeed(
                coreType: $0, float32GigaflopsPerSecond: 100 * factor, float64GigaflopsPerSecond: 50.25 * factor,
                answer: "0123456789abcdef")
        }
        return CoreTypeSurvey(own: "Zen", speeds: speeds)
    }

    private func removeFolder() { try? FileManager.default.removeItem(atPath: folder) }

    @Test("What is remembered is found again, for each CPU its own, the newest of each")
    func roundTrip() {
        defer { removeFolder() }
        #expect(memory.survey(for: key("A")) == nil)
        #expect(memory.remember(survey(), for: key("A")))
        #expect(memory.remember(survey(2), for: key("B")))
        #expect(memory.survey(for: key("A")) == survey())
        #expect(memory.survey(for: key("B")) == survey(2))
        #expect(memory.remember(survey(3), for: key("A")))
        #expect(memory.survey(for: key("A")) == survey(3))
    }

    @Test("A survey of another OpenBLAS, other kernels or a CPU with other instructions does not count")
    func otherKey() {
        defer { removeFolder() }
        memory.remember(survey(), for: key("A"))
        var other = key("A")
        other.blasVersion = "0.3.29"
        #expect(memory.survey(for: other) == nil)
        other = key("A")
        other.epilogueVersion = 3
        #expect(memory.survey(for: other) == nil)
        #expect(memory.survey(for: key("A", ["Zen"])) == nil)
    }

    @Test(
        "A file of anything else is as good as none, and is replaced",
        arguments: ["", "{", "[]", "[{}]", "null", "{\"key\":1}", "\u{0}\u{1}"])
    func garbage(text: String) throws {
        defer { removeFolder() }
        memory.remember(survey(), for: key("A"))
        try Data(text.utf8).write(to: URL(fileURLWithPath: memory.path))
        #expect(memory.survey(for: key("A")) == nil)
        #expect(memory.remember(survey(2), for: key("A")))
        #expect(memory.survey(for: key("A")) == survey(2))
    }

    @Test("Figures that cannot be meant do not count, nor core types this CPU cannot run")
    func implausible() {
        defer { removeFolder() }
        let candidates = ["SkylakeX", "Zen"]
        #expect(survey().isPlausible(for: candidates))
        for factor in [0, -1, 1e9, .infinity] { #expect(!survey(factor).isPlausible(for: candidates), "\(factor)") }
        #expect(!survey(other: "Cooperlake").isPlausible(for: candidates))
        #expect(!survey(other: "Zen").isPlausible(for: candidates))
        #expect(!survey(other: "x y").isPlausible(for: ["x y"]))
        #expect(!CoreTypeSurvey(own: "Zen", speeds: []).isPlausible(for: candidates))
        memory.remember(survey(other: "Cooperlake"), for: key("A"))
        #expect(memory.survey(for: key("A")) == nil)
    }

    @Test("A folder that cannot be made or written does no harm")
    func unwritable() throws {
        defer { removeFolder() }
        // A file where the folder should be keeps out the superuser too.
        try Data().write(to: URL(fileURLWithPath: "\(folder)/.cache"))
        #expect(!memory.remember(survey(), for: key("A")))
        #expect(memory.survey(for: key("A")) == nil)
        #expect(memory.exclusively { 7 } == 7)
    }

    @Test("A home folder that is not there is not made")
    func homeless() {
        removeFolder()
        #expect(!memory.remember(survey(), for: key("A")))
        #expect(memory.exclusively { 7 } == 7)
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test("The folder is the cache folder of the user, and without one nothing is kept")
    func place() {
        #expect(CoreTypeMemory { ["XDG_CACHE_HOME": "/c", "HOME": "/h"][$0] }?.path == "/c/alphagrid/core-types.json")
        #expect(CoreTypeMemory { ["HOME": "/h"][$0] }?.path == "/h/.cache/alphagrid/core-types.json")
        #expect(
            CoreTypeMemory { ["XDG_CACHE_HOME": "relative", "HOME": "/h"][$0] }?.path == "/h/.cache/alphagrid/core-types.json")
        #expect(CoreTypeMemory { _ in nil } == nil)
    }

    // MARK: Child processes

    /// A program that does what the shell script says. Another process writes it: a file that is open for writing cannot be run,
    /// and a child of another test that is just being started has all that this process has open.
    private func program(_ script: String) throws -> String {
        let path = "\(folder)/program"
        let writer = Process()
        writer.executableURL = URL(fileURLWithPath: "/bin/sh")
        writer.arguments = ["-c", #"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 700 "$2""#, "sh", script, path]
        try writer.run()
        writer.waitUntilExit()
        try #require(writer.terminationStatus == 0)
        return path
    }

    /// Longer than a busy machine takes to start a shell.
    private static let patience = 60_000

    private static let answer =
        #"{"coreType":"'"$OPENBLAS_CORETYPE"'","float32GigaflopsPerSecond":2.5,"float64GigaflopsPerSecond":1.5,"answer":"ab"}"#

    @Test("A trial runs the program with the core type set and everything else of OpenBLAS as usual")
    func trial() throws {
        defer { removeFolder() }
        let path = try program("[ \"$ALPHAGRID_BLAS_TRIAL\" = 1 ] && [ -z \"$OPENBLAS_L2_SIZE\" ] && echo '\(Self.answer)'")
        #expect(
            CoreTypeTrial.run("Zen", program: path, timeLimitMilliseconds: Self.patience)
                == CoreTypeSpeed(
                    coreType: "Zen", float32GigaflopsPerSecond: 2.5, float64GigaflopsPerSecond: 1.5, answer: "ab"))
    }

    @Test(
        "A program that fails, crashes, says something else or too much is no trial",
        arguments: [
            "exit 1", "kill -ILL $$", "echo hello", "echo '\(answer)'; exit 3", "echo '\(answer)'; kill -SEGV $$",
            "echo '{\"coreType\":\"Zen\",\"float32GigaflopsPerSecond\":0,\"float64GigaflopsPerSecond\":1,\"answer\":\"\"}'",
            "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
        ])
    func noTrial(script: String) throws {
        defer { removeFolder() }
        #expect(CoreTypeTrial.run("Zen", program: try program(script), timeLimitMilliseconds: Self.patience) == nil)
    }

    @Test("A program that hangs is ended, and one that is not there is no trial")
    func hangs() throws {
        defer { removeFolder() }
        let path = try program("echo $$ > '\(folder)/pid'; exec sleep 600")
        #expect(CoreTypeTrial.run(nil, program: path, timeLimitMilliseconds: 300) == nil)
        if let text = try? String(contentsOfFile: "\(folder)/pid", encoding: .utf8), let pid = pid_t(text.dropLast()) {
            #expect(kill(pid, 0) != 0, "process \(pid) is still there")
        }
        #expect(CoreTypeTrial.run(nil, program: "/nonexistent/program") == nil)
    }
}
