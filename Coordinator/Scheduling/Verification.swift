import ClusterModel

/// A task computed once more by another worker, until it is settled whether both are right.
///
/// Undisputed, it ends with an equal answer, or is given up when nobody can give one in time. With a differing answer it is
/// disputed, and ends when others have decided it, or with the job.
struct Verification: Sendable {
    struct Answer: Sendable {
        let worker: WorkerID
        /// `WorkerRecord.party`.
        let party: String
        let checksum: UInt32
    }

    /// Of distinct workers, the merged one first.
    var answers: [Answer]
    /// Whose answer is awaited; nil while it waits for a worker.
    var attempt: AttemptID?
    /// Workers that were asked and failed.
    var failedOn: [WorkerID] = []

    var isDisputed: Bool { answers.count > 1 }

    func isFor(_ worker: WorkerID) -> Bool {
        !failedOn.contains(worker) && !answers.contains { $0.worker == worker }
    }

    func hasHeard(_ party: String) -> Bool { answers.contains { $0.party == party } }

    /// What two parties agree on: the processes of a broken machine, or of somebody with a stolen key, are as many as they like.
    /// While only one party has answered, two of its workers.
    ///
    /// - Parameter ofParties: what a planted mistake is without.
    func majority(ofParties: Bool = true) -> UInt32? {
        let isOneParty = !ofParties || answers.allSatisfy { $0.party == answers[0].party }
        return answers.first { answer in
            answers.contains {
                $0.checksum == answer.checksum && (isOneParty ? $0.worker != answer.worker : $0.party != answer.party)
            }
        }?.checksum
    }
}

extension Stage {
    /// Whether a task is of the sample that is computed twice: by a hash, so that the same tasks are for one salt, and one at
    /// least of every stage of more than a few tasks.
    func isSampled(_ task: UInt32, share: Double, salt: UInt64) -> Bool {
        guard share > 0 else { return false }
        let seed = plan.rawValue ^ salt
        if taskCount >= Limits.verifiedStageTasksMin, Self.hash(seed) % UInt64(taskCount) == UInt64(task) { return true }
        return Double(Self.hash(seed ^ UInt64(task) << 32) >> 11) * 0x1p-53 < share
    }

    /// SplitMix64's.
    private static func hash(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
