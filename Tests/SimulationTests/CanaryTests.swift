import Foundation
import Scheduling
import Simulation
import Testing

@Suite("Planted mistakes")
struct CanaryTests {
    @Test("Each one in the scheduler is seen from outside within two thousand seeds", arguments: PlantedBug.allCases)
    func caught(bug: PlantedBug) {
        var options = SimulationOptions()
        options.plantedBug = bug
        #expect(isCaught(&options), "\(bug.rawValue) was not caught")
    }

    @Test("Each one in the shells and the database around it is seen, too", arguments: ShellBug.allCases)
    func caught(bug: ShellBug) {
        var options = SimulationOptions()
        options.shellBug = bug
        #expect(isCaught(&options), "\(bug.rawValue) was not caught")
    }

    /// Where the few that take many seeds are first seen: looking there first saves a minute.
    private let seenAt: [ShellBug: UInt64] = [.endOverwritten: 1_622, .headersUnchecked: 469, .jobsTakenEarly: 1_026]

    private func isCaught(_ options: inout SimulationOptions) -> Bool {
        // Without the scheduler's own books: what it does must give it away.
        options.checksBooks = false
        if let seed = options.shellBug.flatMap({ seenAt[$0] }), simulate(seed: seed, options: options).violation != nil {
            return true
        }
        for seed in 0..<2_000 as Range<UInt64> where simulate(seed: seed, options: options).violation != nil { return true }
        return false
    }

    @Test("A caught mistake comes with the story of its task")
    func story() throws {
        var options = SimulationOptions()
        options.plantedBug = .doubleMerge
        let seed = try #require((0..<400 as Range<UInt64>).first { simulate(seed: $0, options: options).violation != nil })
        options.isRecording = true
        let outcome = simulate(seed: seed, options: options)
        let violation = try #require(outcome.violation)
        #expect(violation.contains("is merged a second time"))
        let task = try #require(violation.split(separator: " ").first { $0.count { $0 == "/" } == 2 })
        #expect(outcome.story.allSatisfy { $0.contains(task) })
        #expect(outcome.story.contains { $0.contains("-> lease(") })
        #expect(outcome.story.count { $0.contains("-> merge(") } == 2)
    }

    @Test("Nothing outside of Tests can plant one")
    func unreachable() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        var sources = 0
        for folder in ["Coordinator", "Worker", "Shared"] {
            let files = FileManager.default.enumerator(
                at: root.appending(path: folder).resolvingSymlinksInPath(), includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "swift" else { continue }
                sources += 1
                let text = try String(contentsOf: file, encoding: .utf8)
                if file.lastPathComponent == "Scheduler.swift" {
                    // The initialiser itself, its argument, and the product's own call of it with nil.
                    #expect(text.components(separatedBy: "plantedBug:").count - 1 == 3)
                    #expect(text.contains("plantedBug: nil"))
                } else {
                    #expect(!text.contains("plantedBug:"), "\(file.lastPathComponent) plants a mistake")
                }
            }
        }
        #expect(sources > 20)
    }
}
