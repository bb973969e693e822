import ClusterModel
import Testing

@testable import Kernels

/// Which OpenBLAS kernels a process computes with.
struct CoreTypeTests {
    private let profile = NumericProfile(blasVersion: "0.3.21", coreType: "Haswell", epilogueVersion: 1)

    private func decide(_ requested: String, _ environment: [String: String]) throws(GridError) -> CoreTypeChoice.Outcome {
        try CoreTypeChoice.decide(requested, environment: { environment[$0] }, profile: profile)
    }

    @Test("With nothing inherited and nothing asked for the process goes on as it is")
    func plain() throws {
        #expect(try decide("auto", [:]) == .proceed(note: nil))
    }

    @Test("Inherited settings are dropped by starting over, and the second start says so")
    func inherited() throws {
        let found = "OPENBLAS_CORETYPE=Haswell OPENBLAS_L2_SIZE=512"
        #expect(
            try decide("auto", ["OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_L2_SIZE": "512", "PATH": "/bin"])
                == .restart(coreType: nil, found: found))
        let note = "inherited \(found) was overridden: OpenBLAS runs with core type Haswell"
        #expect(try decide("auto", ["ALPHAGRID_BLAS_ADOPTED": found]) == .proceed(note: note))
    }

    @Test("A core type asked for by name is set by starting over, silently when nothing was overridden")
    func named() throws {
        #expect(try decide("Haswell", [:]) == .restart(coreType: "Haswell", found: ""))
        #expect(
            try decide("Haswell", ["OPENBLAS_CORETYPE": "Haswell", "ALPHAGRID_BLAS_ADOPTED": ""]) == .proceed(note: nil))
        #expect(try decide("Haswell", ["OPENBLAS_CORETYPE": "Haswell"]) == .proceed(note: nil))
        #expect(
            try decide("Haswell", ["OPENBLAS_CORETYPE": "Zen"])
                == .restart(coreType: "Haswell", found: "OPENBLAS_CORETYPE=Zen"))
    }

    @Test("A core type that OpenBLAS did not take is refused with the one it runs with")
    func unavailable() {
        let error = #expect(throws: GridError.self) { try decide("SkylakeX", ["OPENBLAS_CORETYPE": "SkylakeX"]) }
        #expect(error?.kind == .usage)
        #expect(error?.message.contains("'SkylakeX'") == true && error?.message.contains("Haswell") == true)
    }

    @Test("There is never a third start")
    func noLoop() {
        #expect(throws: GridError.self) {
            try decide("auto", ["OPENBLAS_CORETYPE": "Haswell", "ALPHAGRID_BLAS_ADOPTED": "OPENBLAS_CORETYPE=Haswell"])
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
