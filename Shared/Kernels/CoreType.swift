import ClusterModel
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a program computes with, once that is decided.
package struct CoreTypeAdoption: Equatable, Sendable {
    /// One line for the log, when an inherited setting was overridden or core types were tried.
    package var note: String?
    /// What was measured of the present core type, which is the first, and of those this program may be started again
    /// with: none when somebody asked for the present one by name.
    package var coreTypes: [CoreTypeSpeed]
}

extension BLAS {
    /// Makes OpenBLAS run with the wanted core type, whatever the environment was inherited from.
    ///
    /// When the process does not run with it, it is replaced by itself (`execv`, same arguments) and the call does not
    /// return; so call it first of all, after `measureIfAsked`, before files and threads exist. The first start on a CPU
    /// takes about a second to try core types; later ones find the result in `CoreTypeMemory`.
    ///
    /// - Parameter requested: `auto` for the fastest one of this CPU, or a core type such as `Haswell`.
    /// - Throws: `GridError(.usage)` when OpenBLAS does not run with the core type asked for.
    package static func adoptCoreType(_ requested: String = "auto") throws(GridError) -> CoreTypeAdoption {
        let environment = { (name: String) in getenv(name).map { String(cString: $0) } }
        let outcome = try CoreTypeChoice.decide(requested, environment: environment, profile: profile) { survey(environment) }
        switch outcome {
        case .restart(let handover):
            throw restart(handover)
        case .proceed(var adoption):
            // Programs started from this one decide for themselves.
            unsetenv(CoreTypeChoice.guardVariable)
            if adoption.coreTypes.isEmpty {
                adoption.coreTypes = [remembered(environment) ?? CoreTypeTrial.measure()]
            }
            return adoption
        }
    }

    /// Replaces this process by itself, computing with another core type.
    ///
    /// - Parameter known: what `adoptCoreType` returned, for the next process to know too.
    package static func changeCoreType(to wanted: String, of known: [CoreTypeSpeed]) throws(GridError) -> Never {
        throw restart(
            CoreTypeHandover(
                coreType: wanted, overridden: "", remark: "as the coordinator asked, with core type \(wanted)", coreTypes: known))
    }

    /// Replaces this process; only a failure comes back.
    private static func restart(_ handover: CoreTypeHandover) -> GridError {
        for name in CoreTypeChoice.settings { unsetenv(name) }
        if let wanted = handover.coreType { setenv(CoreTypeChoice.coreVariable, wanted, 1) }
        // Else it makes a thread per core that spins for a while and is never used.
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        setenv(CoreTypeChoice.guardVariable, handover.text, 1)
        execv("/proc/self/exe", CommandLine.unsafeArgv)
        let reason = String(cString: strerror(errno))
        unsetenv(CoreTypeChoice.guardVariable)
        return GridError(.failed, "cannot restart with another BLAS core type: execv of /proc/self/exe: \(reason)")
    }

    // MARK: What is known of this CPU

    private static func memoryKey(_ processor: ProcessorModel) -> CoreTypeMemory.Key {
        CoreTypeMemory.Key(
            processor: processor.name, candidates: processor.candidates, blasVersion: profile.blasVersion,
            epilogueVersion: profile.epilogueVersion)
    }

    /// From memory, or by trials now; nil when this program or system cannot try.
    private static func survey(_ environment: (String) -> String?) -> CoreTypeChoice.Known? {
        guard CoreTypeTrial.isAnswered.load(ordering: .relaxed) else { return nil }
        let processor = ProcessorModel.current()
        let key = memoryKey(processor)
        let memory = CoreTypeMemory(environment: environment)
        if let survey = memory?.survey(for: key) { return CoreTypeChoice.Known(survey: survey, remark: "") }
        let tryAll = { () -> CoreTypeChoice.Known? in
            // Another process may have done it while this one waited for its turn.
            if let survey = memory?.survey(for: key) { return CoreTypeChoice.Known(survey: survey, remark: "") }
            guard let survey = CoreTypeSurvey.take(processor.candidates, trial: { CoreTypeTrial.run($0) }) else { return nil }
            let isKept = memory?.remember(survey, for: key) ?? false
            let place = isKept ? "kept in \(memory?.path ?? "")" : "not kept: there is no cache folder to write to"
            return CoreTypeChoice.Known(
                survey: survey,
                remark: "tried the core types of this CPU (\(survey.summary) GFLOP/s in float32/float64; \(place))")
        }
        return memory?.exclusively(tryAll) ?? tryAll()
    }

    /// The speed of the present core type, if this CPU's core types were tried before.
    private static func remembered(_ environment: (String) -> String?) -> CoreTypeSpeed? {
        let survey = CoreTypeMemory(environment: environment)?.survey(for: memoryKey(.current()))
        return survey?.speeds.first { $0.coreType == profile.coreType }
    }
}

/// What a process tells the one it replaces itself by.
struct CoreTypeHandover: Codable, Equatable {
    /// The core type to run with; nil for OpenBLAS's own choice.
    var coreType: String?
    /// Inherited settings that were overridden.
    var overridden: String
    /// What else is worth logging.
    var remark: String
    var coreTypes: [CoreTypeSpeed]

    var text: String { (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// Nil when the text is somebody else's.
    init?(text: String) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)),
            value.coreTypes.count <= Limits.coreTypesPerWorkerMax, value.coreTypes.allSatisfy(\.isPlausible)
        else { return nil }
        self = value
    }

    init(coreType: String?, overridden: String, remark: String, coreTypes: [CoreTypeSpeed]) {
        self.coreType = coreType
        self.overridden = overridden
        self.remark = remark
        self.coreTypes = coreTypes
    }
}
