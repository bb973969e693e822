import ClusterModel

/// What the core types this CPU can run turned out to be worth.
struct CoreTypeSurvey: Codable, Equatable {
    /// What OpenBLAS picks by itself.
    var own: String
    /// One for each core type that OpenBLAS really ran with, OpenBLAS's own choice first.
    var speeds: [CoreTypeSpeed]

    /// How much faster than OpenBLAS's own choice another core type must be. Less is within the noise of a short
    /// measurement, and equal hosts would end up with different core types by chance.
    private static let marginFactor = 1.05

    /// The core type to compute with.
    var best: String {
        let fastest = speeds.max { $0.gigaflopsPerSecond < $1.gigaflopsPerSecond }
        let mine = speeds.first { $0.coreType == own }
        guard let fastest, let mine, fastest.gigaflopsPerSecond > Self.marginFactor * mine.gigaflopsPerSecond else { return own }
        return fastest.coreType
    }

    /// Tries the candidates, each twice, so that a disturbance has to come twice to spoil a figure.
    ///
    /// - Parameter trial: runs a core type, nil for OpenBLAS's own choice; nil when that did not work.
    /// - Returns: nil when not even OpenBLAS's own choice could be tried.
    static func take(_ candidates: [String], trial: (String?) -> CoreTypeSpeed?) -> CoreTypeSurvey? {
        guard let own = trial(nil) else { return nil }
        var survey = CoreTypeSurvey(own: own.coreType, speeds: [own])
        for candidate in candidates where survey.speeds.count < Limits.coreTypesPerWorkerMax {
            let isKnown = survey.speeds.contains { CoreTypeChoice.isSame($0.coreType, candidate) }
            // OpenBLAS may run with another one than it was told to: that trial is of something else.
            guard !isKnown, let speed = trial(candidate), CoreTypeChoice.isSame(speed.coreType, candidate) else { continue }
            survey.speeds.append(speed)
        }
        survey.speeds = survey.speeds.compactMap { first in
            guard let second = trial(first.coreType == own.coreType ? nil : first.coreType), second.coreType == first.coreType
            else { return first.coreType == own.coreType ? first : nil }
            // Bits that change from one run to the next are of no use to anybody.
            guard second.answer == first.answer || first.coreType == own.coreType else { return nil }
            return first.faster(second)
        }
        return survey
    }

    /// Whether this can be meant for a CPU of these candidates: it may come from another machine's or anybody's file.
    func isPlausible(for candidates: [String]) -> Bool {
        (1...Limits.coreTypesPerWorkerMax).contains(speeds.count) && speeds.allSatisfy(\.isPlausible)
            && speeds.first?.coreType == own
            && speeds.dropFirst().allSatisfy { speed in candidates.contains { CoreTypeChoice.isSame($0, speed.coreType) } }
            && Set(speeds.map(\.coreType)).count == speeds.count
    }

    /// One line for people: GFLOP/s of a slot in float32 and float64.
    var summary: String {
        speeds.map { speed in
            let single = Int(speed.float32GigaflopsPerSecond.rounded())
            return "\(speed.coreType) \(single)/\(Int(speed.float64GigaflopsPerSecond.rounded()))"
        }.joined(separator: ", ")
    }
}

extension CoreTypeSpeed {
    fileprivate func faster(_ other: CoreTypeSpeed) -> CoreTypeSpeed {
        var best = self
        best.float32GigaflopsPerSecond = max(float32GigaflopsPerSecond, other.float32GigaflopsPerSecond)
        best.float64GigaflopsPerSecond = max(float64GigaflopsPerSecond, other.float64GigaflopsPerSecond)
        return best
    }
}
