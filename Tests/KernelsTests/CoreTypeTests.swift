import ClusterModel
import Testing

@testable import Kernels

/// Which OpenBLAS kernels a process computes with.
struct CoreTypeTests {
    private let haswell = CoreTypeSpeed(coreType: "Haswell", float32GigaflopsPerSecond: 100, float64GigaflopsPerSecond: 50)
    private let skylake = CoreTypeSpeed(coreType: "SkylakeX", float32GigaflopsPerSecond: 200, float64GigaflopsPerSecond: 90)
    private let guardVariable = "ALPHAGRID_BLAS_ADOPTED"

    /// - Parameters:
    ///   - running: what OpenBLAS runs with.
    ///   - own: what it picks by itself on this CPU, which has been surveyed; nil when it could not be.
    private func decide(
        _ requested: String, _ environment: [String: String], running: String = "Haswell", own: String? = nil,
        remark: String = ""
    ) throws(GridError) -> CoreTypeChoice.Outcome {
        let profile = NumericProfile(blasVersion: "0.3.21", coreType: running, epilogueVersion: 1)
        let survey = own.map { CoreTypeSurvey(own: $0, speeds: $0 == "Haswell" ? [haswell, skylake] : [skylake, haswell]) }
        return try CoreTypeChoice.decide(requested, environment: { environment[$0] }, profile: profile) {
            survey.map { CoreTypeChoice.Known(survey: $0, remark: remark) }
        }
    }

    private func proceed(_ note: String? = nil, _ coreTypes: [CoreTypeSpeed] = []) -> CoreTypeChoice.Outcome {
        .proceed(CoreTypeAdoption(note: note, coreTypes: coreTypes))
    }

    private func restart(
        _ coreType: String?, _ overridden: String = "", remark: String = "", _ coreTypes: [CoreTypeSpeed] = []
    ) -> CoreTypeChoice.Outcome {
        .restart(CoreTypeHandover(coreType: coreType, overridden: overridden, remark: remark, coreTypes: coreTypes))
    }

    private func handover(_ coreType: String?, _ overridden: String = "", _ coreTypes: [CoreTypeSpeed] = []) -> String {
        CoreTypeHandover(coreType: coreType, overridden: overridden, remark: "", coreTypes: coreTypes).text
    }

    @Test("With nothing inherited and nothing asked for the process goes on as it is, on a CPU that cannot be surveyed")
    func plain() throws {
        #expect(try decide("auto", [:]) == proceed())
    }

    @Test("It goes on as it is when OpenBLAS's own choice is the fastest, and knows what else it could run")
    func ownIsFastest() throws {
        #expect(try decide("auto", [:], running: "SkylakeX", own: "SkylakeX") == proceed(nil, [skylake, haswell]))
        #expect(
            try decide("auto", [:], running: "SkylakeX", own: "SkylakeX", remark: "tried them")
                == proceed("tried them", [skylake, haswell]))
    }

    @Test("It starts over when another core type is faster than OpenBLAS's own choice, and the second start is content")
    func anotherIsFastest() throws {
        #expect(try decide("auto", [:], running: "Haswell", own: "Haswell") == restart("SkylakeX", "", [haswell, skylake]))
        let second = ["OPENBLAS_CORETYPE": "SkylakeX", guardVariable: handover("SkylakeX", "", [haswell, skylake])]
        #expect(try decide("auto", second, running: "SkylakeX") == proceed(nil, [skylake, haswell]))
        // A program started by it inherits the setting, which is what it would have chosen.
        let inherited = ["OPENBLAS_CORETYPE": "SkylakeX"]
        #expect(try decide("auto", inherited, running: "SkylakeX", own: "Haswell") == proceed(nil, [skylake, haswell]))
        #expect(try decide("auto", inherited, running: "SkylakeX", own: "SkylakeX") == proceed(nil, [skylake, haswell]))
    }

    @Test("An inherited slower core type is dropped by starting over, and the second start says so")
    func inheritedSlower() throws {
        let inherited = ["OPENBLAS_CORETYPE": "Haswell"]
        #expect(
            try decide("auto", inherited, running: "Haswell", own: "SkylakeX")
                == restart(nil, "OPENBLAS_CORETYPE=Haswell", [skylake, haswell]))
        let second = [guardVariable: handover(nil, "OPENBLAS_CORETYPE=Haswell", [skylake, haswell])]
        let note = "inherited OPENBLAS_CORETYPE=Haswell was overridden: OpenBLAS runs with core type SkylakeX"
        #expect(try decide("auto", second, running: "SkylakeX") == proceed(note, [skylake, haswell]))
    }

    @Test("Inherited settings are dropped also where no core type could be tried")
    func inherited() throws {
        let found = "OPENBLAS_CORETYPE=Haswell OPENBLAS_L2_SIZE=512"
        #expect(
            try decide("auto", ["OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_L2_SIZE": "512", "PATH": "/bin"])
                == restart(nil, found))
        let note = "inherited \(found) was overridden: OpenBLAS runs with core type Haswell"
        #expect(try decide("auto", [guardVariable: handover(nil, found)]) == proceed(note))
    }

    @Test("A core type asked for by name is set by starting over, whatever is faster, silently when nothing was overridden")
    func named() throws {
        #expect(try decide("Haswell", [:], own: "SkylakeX") == restart("Haswell"))
        #expect(try decide("Haswell", ["OPENBLAS_CORETYPE": "Haswell", guardVariable: handover("Haswell")]) == proceed())
        #expect(try decide("Haswell", ["OPENBLAS_CORETYPE": "Haswell"], own: "SkylakeX") == proceed())
        #expect(try decide("Haswell", ["OPENBLAS_CORETYPE": "Zen"]) == restart("Haswell", "OPENBLAS_CORETYPE=Zen"))
    }

    @Test("A core type that OpenBLAS did not take is refused with the one it runs with")
    func unavailable() {
        let error = #expect(throws: GridError.self) { try decide("SkylakeX", ["OPENBLAS_CORETYPE": "SkylakeX"]) }
        #expect(error?.kind == .usage)
        #expect(error?.message.contains("'SkylakeX'") == true && error?.message.contains("Haswell") == true)
    }

    @Test("A core type nobody insisted on that OpenBLAS did not take is done without, and not offered again")
    func unavailableUnasked() throws {
        let second = ["OPENBLAS_CORETYPE": "SkylakeX", guardVariable: handover("SkylakeX", "", [haswell, skylake])]
        #expect(
            try decide("auto", second, running: "Haswell")
                == proceed("core type SkylakeX is not available: OpenBLAS runs with Haswell", [haswell]))
    }

    @Test("There is never a third start", arguments: ["", "yes", "{}"])
    func noLoop(text: String) {
        #expect(throws: GridError.self) { try decide("auto", [guardVariable: text]) }
        #expect(throws: GridError.self) {
            try decide("auto", ["OPENBLAS_CORETYPE": "Haswell", guardVariable: handover(nil)])
        }
    }

    @Test("A name that cannot be a core type is refused before anything else", arguments: ["", "Has well", "x=y", "é"])
    func malformed(_ name: String) {
        #expect(throws: GridError.self) { try decide(name, [:]) }
    }

    @Test("The profile names a version and the core type OpenBLAS really runs with")
    func profileOfThisProcess() {
        let profile = BLAS.profile
        #expect(profile.blasVersion.split(separator: ".").count >= 2)
        #expect(!profile.coreType.isEmpty && profile.coreType != "unknown")
    }
}
