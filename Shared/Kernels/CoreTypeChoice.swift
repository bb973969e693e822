import ClusterModel

/// Decides whether the process has to start over to compute with the right kernels.
enum CoreTypeChoice {
    enum Outcome: Equatable {
        /// The process runs as it shall.
        case proceed(CoreTypeAdoption)
        /// Start over.
        case restart(CoreTypeHandover)
    }

    /// A survey, and what to log of how it came about.
    struct Known {
        var survey: CoreTypeSurvey
        var remark: String
    }

    /// Settings that change which kernels OpenBLAS picks or how it cuts matrices, hence speed and bits. It reads them
    /// when the program is loaded, so that only another start of the program can change them.
    static let settings = [coreVariable, "OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR"]
    static let coreVariable = "OPENBLAS_CORETYPE"

    /// Set for the second start only; says what the first one knows, and that there must be no third.
    static let guardVariable = "ALPHAGRID_BLAS_ADOPTED"

    /// - Parameters:
    ///   - environment: value of a variable, nil when unset.
    ///   - profile: what OpenBLAS runs with in this process.
    ///   - known: the survey of this CPU; asked for only where it matters, since it may take a second.
    static func decide(
        _ requested: String, environment: (String) -> String?, profile: NumericProfile, known: () -> Known?
    ) throws(GridError) -> Outcome {
        guard isName(requested) else {
            throw GridError(
                .usage,
                "BLAS core type '\(requested.printable)' is not valid: expected auto or a name such as Haswell or Zen")
        }
        let found = settings.compactMap { name in environment(name).map { "\(name)=\($0)" } }
        if let text = environment(guardVariable) {
            return .proceed(try afterRestart(requested, found, CoreTypeHandover(text: text), profile))
        }
        return requested == "auto" ? automatic(found, profile, known()) : try named(requested, found, profile)
    }

    private static func automatic(_ found: [String], _ profile: NumericProfile, _ known: Known?) -> Outcome {
        let (survey, remark) = (known?.survey, known?.remark ?? "")
        let wanted = survey.map { $0.best == $0.own ? nil : $0.best } ?? nil
        // The name of OpenBLAS's own choice sets what it would pick anyway; programs started by this one inherit it.
        let isRight = found == setting(wanted) || survey.map { found == setting($0.best) } ?? false
        if isRight, survey == nil || survey?.best == profile.coreType {
            return .proceed(
                CoreTypeAdoption(
                    note: remark.isEmpty ? nil : remark, coreTypes: present(profile, first: survey?.speeds ?? [])))
        }
        return .restart(
            CoreTypeHandover(
                coreType: wanted, overridden: found.joined(separator: " "), remark: remark, coreTypes: survey?.speeds ?? []))
    }

    private static func named(_ wanted: String, _ found: [String], _ profile: NumericProfile) throws(GridError) -> Outcome {
        if found != setting(wanted) {
            return .restart(
                CoreTypeHandover(coreType: wanted, overridden: found.joined(separator: " "), remark: "", coreTypes: []))
        }
        try expect(wanted, profile)
        return .proceed(CoreTypeAdoption(note: nil, coreTypes: []))
    }

    private static func afterRestart(
        _ requested: String, _ found: [String], _ handover: CoreTypeHandover?, _ profile: NumericProfile
    ) throws(GridError) -> CoreTypeAdoption {
        guard let handover, found == setting(handover.coreType) else {
            throw GridError(
                .failed, "\(guardVariable) is set but OpenBLAS settings are not as wanted: unset it and start again")
        }
        var notes: [String] = []
        if !handover.overridden.isEmpty {
            notes.append(
                "inherited \(handover.overridden.printable) was overridden: OpenBLAS runs with core type \(profile.coreType)")
        }
        if !handover.remark.isEmpty { notes.append(handover.remark) }
        var coreTypes = handover.coreTypes
        if requested != "auto" {
            try expect(requested, profile)
        } else if let wanted = handover.coreType, !isSame(wanted, profile.coreType) {
            // It worked when it was tried; without it the program works all the same, and must not promise it again.
            notes.append("core type \(wanted) is not available: OpenBLAS runs with \(profile.coreType)")
            coreTypes.removeAll { isSame($0.coreType, wanted) }
        }
        return CoreTypeAdoption(
            note: notes.isEmpty ? nil : notes.joined(separator: "; "), coreTypes: present(profile, first: coreTypes))
    }

    private static func expect(_ wanted: String, _ profile: NumericProfile) throws(GridError) {
        guard isSame(wanted, profile.coreType) else {
            let running = "OpenBLAS \(profile.blasVersion) runs with \(profile.coreType) on this CPU"
            throw GridError(.usage, "BLAS core type '\(wanted)' is not available: \(running)")
        }
    }

    /// The present core type's speed before the others'; none when it is not among them.
    private static func present(_ profile: NumericProfile, first speeds: [CoreTypeSpeed]) -> [CoreTypeSpeed] {
        guard let mine = speeds.first(where: { $0.coreType == profile.coreType }) else { return [] }
        return [mine] + speeds.filter { $0.coreType != profile.coreType }
    }

    private static func setting(_ coreType: String?) -> [String] { coreType.map { ["\(coreVariable)=\($0)"] } ?? [] }

    /// OpenBLAS takes names in any case, and some it says in another than it is told.
    static func isSame(_ a: String, _ b: String) -> Bool { a.lowercased() == b.lowercased() }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 32 && text.utf8.allSatisfy(isNameByte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
