import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension BLAS {
    /// Makes OpenBLAS run with the wanted core type, whatever the environment was inherited from.
    ///
    /// When the environment is not what is wanted, this process is replaced by itself with the right one (`execv`, same
    /// arguments) and the call does not return; so call it first of all, before files and threads exist.
    ///
    /// - Parameter requested: `auto` for what OpenBLAS picks for this CPU by itself, or a core type such as `Haswell`.
    /// - Returns: a sentence for the log when an inherited setting was overridden.
    /// - Throws: `GridError(.usage)` when OpenBLAS does not run with the core type asked for.
    package static func adoptCoreType(_ requested: String = "auto") throws(GridError) -> String? {
        let environment = { (name: String) in getenv(name).map { String(cString: $0) } }
        switch try CoreTypeChoice.decide(requested, environment: environment, profile: profile) {
        case .proceed(let note):
            // Programs started from this one decide for themselves.
            unsetenv(CoreTypeChoice.guardVariable)
            return note
        case .restart(let wanted, let found):
            throw restart(with: wanted, overriding: found)
        }
    }

    /// Replaces this process; only a failure comes back.
    private static func restart(with wanted: String?, overriding found: String) -> GridError {
        for name in CoreTypeChoice.settings { unsetenv(name) }
        if let wanted { setenv(CoreTypeChoice.coreVariable, wanted, 1) }
        // Else it makes a thread per core that spins for a while and is never used.
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        setenv(CoreTypeChoice.guardVariable, found, 1)
        execv("/proc/self/exe", CommandLine.unsafeArgv)
        let reason = String(cString: strerror(errno))
        unsetenv(CoreTypeChoice.guardVariable)
        return GridError(.failed, "cannot restart with another BLAS core type: execv of /proc/self/exe: \(reason)")
    }
}

/// Decides whether the process has to start over to compute with the right kernels.
enum CoreTypeChoice {
    enum Outcome: Equatable {
        /// The environment is right; `note` is worth logging.
        case proceed(note: String?)
        /// Start over with `coreType`, or none, in place of the settings `found`.
        case restart(coreType: String?, found: String)
    }

    /// Settings that change which kernels OpenBLAS picks or how it cuts matrices, hence speed and bits. It reads them
    /// when the program is loaded, so that only another start of the program can change them.
    static let settings = [coreVariable, "OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR"]
    static let coreVariable = "OPENBLAS_CORETYPE"

    /// Set for the second start only; says what the first one found, and that there must be no third.
    static let guardVariable = "ALPHAGRID_BLAS_ADOPTED"

    /// - Parameters:
    ///   - environment: value of a variable, nil when unset.
    ///   - profile: what OpenBLAS runs with in this process.
    static func decide(
        _ requested: String, environment: (String) -> String?, profile: NumericProfile
    ) throws(GridError) -> Outcome {
        guard !requested.isEmpty, requested.utf8.count <= 32, requested.utf8.allSatisfy(isNameByte) else {
            throw GridError(
                .usage,
                "BLAS core type '\(requested.printable)' is not valid: expected auto or a name such as Haswell or Zen")
        }
        let wanted = requested == "auto" ? nil : requested
        let found = settings.compactMap { name in environment(name).map { "\(name)=\($0)" } }
        let restarted = environment(guardVariable)
        if found != wanted.map({ ["\(coreVariable)=\($0)"] }) ?? [] {
            guard restarted == nil else {
                throw GridError(
                    .failed, "\(guardVariable) is set but OpenBLAS settings are not as wanted: unset it and start again")
            }
            return .restart(coreType: wanted, found: found.joined(separator: " "))
        }
        if let wanted, wanted.lowercased() != profile.coreType.lowercased() {
            let running = "OpenBLAS \(profile.blasVersion) runs with \(profile.coreType) on this CPU"
            throw GridError(.usage, "BLAS core type '\(wanted)' is not available: \(running)")
        }
        guard let restarted, !restarted.isEmpty else { return .proceed(note: nil) }
        return .proceed(
            note: "inherited \(restarted.printable) was overridden: OpenBLAS runs with core type \(profile.coreType)")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
