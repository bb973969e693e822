import ClusterModel
import Foundation
import Testing

@testable import Kernels

private func speed(_ core: String, _ single: Double, _ double: Double, answer: String = "a") -> CoreTypeSpeed {
    CoreTypeSpeed(coreType: core, float32GigaflopsPerSecond: single, float64GigaflopsPerSecond: double, answer: answer)
}

/// Trying core types, with made-up measurements.
struct CoreTypeSurveyTests {
    /// Answers the trials of each core type in turn; OpenBLAS's own choice has the name "".
    private func survey(_ candidates: [String], _ answers: [String: [CoreTypeSpeed?]]) -> CoreTypeSurvey? {
        var left = answers
        return CoreTypeSurvey.take(candidates) { core in
            guard left[core ?? ""]?.isEmpty == false else { return nil }
            return left[core ?? ""]?.removeFirst()
        }
    }

    @Test("Each core type is tried twice, and the better figure of each precision counts")
    func twice() {
        let found = survey(
            ["B"], ["": [speed("A", 100, 60), speed("A", 120, 50)], "B": [speed("B", 10, 10), speed("B", 20, 5)]])
        #expect(found == CoreTypeSurvey(own: "A", speeds: [speed("A", 120, 60), speed("B", 20, 10)]))
    }

    @Test("OpenBLAS's own choice is not tried again under its name, in whatever case")
    func ownNameAgain() {
        let found = survey(["armv8"], ["": [speed("ARMV8", 9, 9), speed("ARMV8", 9, 9)], "armv8": [speed("ARMV8", 99, 99)]])
        #expect(found?.speeds == [speed("ARMV8", 9, 9)])
    }

    @Test("Left out: what crashes, what falls back to another core type, and what gives other bits the second time")
    func leftOut() {
        let own: [CoreTypeSpeed?] = [speed("A", 10, 10), speed("A", 10, 10)]
        let found = survey(
            ["Crash", "Late", "Fallback", "Odd", "Good"],
            [
                "": own, "Crash": [nil], "Late": [speed("Late", 9, 9), nil],
                "Fallback": [speed("A", 50, 50), speed("A", 50, 50)],
                "Odd": [speed("Odd", 50, 50), speed("Odd", 50, 50, answer: "b")],
                "Good": [speed("Good", 20, 20, answer: "c"), speed("Good", 20, 20, answer: "c")],
            ])
        #expect(found?.speeds.map(\.coreType) == ["A", "Good"])
        #expect(found?.best == "Good")
    }

    @Test("Without OpenBLAS's own choice there is nothing to compare with, and no survey")
    func noOwn() {
        #expect(survey(["B"], ["B": [speed("B", 1, 1), speed("B", 1, 1)]]) == nil)
    }

    @Test("No more core types are tried than a worker may tell of")
    func bounded() {
        let many = (0..<20).map { "C\($0)" }
        let found = CoreTypeSurvey.take(many) { speed($0 ?? "Own", 1, 1) }
        #expect(found?.speeds.count == Limits.coreTypesPerWorkerMax)
    }

    /// float32 and float64 of core types C0, C1, ...; the first is OpenBLAS's own choice.
    private static let figures: [([[Double]], String)] = [
        ([[100, 50], [104, 52]], "C0"), ([[100, 50], [106, 53]], "C1"), ([[100, 50], [400, 20]], "C0"),
        ([[100, 50], [90, 70]], "C1"), ([[100, 50], [120, 60], [130, 65]], "C2"), ([[100, 50]], "C0"),
    ]

    @Test(
        "The fastest is taken by the sum of both precisions' times, and OpenBLAS's own choice unless another is 5 % faster",
        arguments: figures)
    func best(figures: [[Double]], expected: String) {
        let speeds = figures.enumerated().map { speed("C\($0.offset)", $0.element[0], $0.element[1]) }
        #expect(CoreTypeSurvey(own: "C0", speeds: speeds).best == expected)
    }

    @Test("This process can measure what it computes with, and its answer is the same every time")
    func measure() {
        let (first, second) = (CoreTypeTrial.measure(), CoreTypeTrial.measure())
        #expect(first.coreType == BLAS.profile.coreType)
        #expect(first.answer == second.answer && first.answer.count == 16)
        #expect(first.isPlausible)
    }
}

/// What may run on which CPU.
struct ProcessorModelTests {
    private static let avx512 = "fma avx avx2 avx512f avx512dq avx512cd avx512bw avx512vl"

    private static let flags: [(String, String)] = [
        ("fpu sse4_2", "Nehalem"), ("sse4_2 avx", "Sandybridge"), ("sse4_2 avx avx2 fma", "Haswell Zen"),
        // Without FMA, Haswell's kernels would end in an illegal instruction.
        ("sse4_2 avx avx2", "Sandybridge"), ("avx2 fma avx avx512f avx512cd", "Haswell Zen"),
        (avx512, "SkylakeX Haswell Zen"), ("\(avx512) avx512_bf16", "Cooperlake SkylakeX Haswell Zen"),
        ("\(avx512) avx512_bf16 amx_bf16 amx_tile", "SapphireRapids Cooperlake SkylakeX Haswell Zen"),
    ]

    @Test("The core types that are tried are those whose instructions the CPU has", arguments: flags)
    func intel(flags: String, expected: String) {
        let first = "processor\t: 0\nvendor_id\t: Any\nmodel name\t: CPU X\nstepping\t: 1\nflags\t\t: \(flags)\n"
        let processor = ProcessorModel(cpuinfo: first + "\nprocessor\t: 1\nflags\t\t: amx_tile\n")
        #expect(processor.candidates.joined(separator: " ") == expected)
        #expect(processor.name == "vendor_id Any, model name CPU X, stepping 1")
    }

    @Test("ARM's processors tell features and part numbers")
    func arm() {
        let text = "processor\t: 0\nFeatures\t: fp asimd atomics asimddp sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"
        #expect(ProcessorModel(cpuinfo: text).candidates == ["NEOVERSEV1", "NEOVERSEN1", "ARMV8"])
        #expect(ProcessorModel(cpuinfo: text).name == "CPU implementer 0x41, CPU part 0xd40")
    }

    @Test("Where the system tells nothing, nothing but OpenBLAS's own choice is tried", arguments: ["", "\n", ":::", "flags"])
    func unknown(text: String) {
        #expect(ProcessorModel(cpuinfo: text).candidates == [])
    }

    @Test("This machine's CPU has a name")
    func present() {
        #expect(!ProcessorModel.current().name.isEmpty)
    }
}
