import ClusterModel
import Jobs
import WorkerRuntime

/// Jobs of every kind whose workers lie: what a coordinator plans, merges and publishes of whatever they return.
///
/// Input: a byte for the job, then for each task in turn a byte that says whether its worker is honest, changes some bytes of
/// the right answer, or says something of its own. A partial that is refused is followed by the right one.
package enum PartialsTarget: FuzzTarget {
    package static let name = "partials"

    /// More than any job of so few alphas needs: one that goes on has lost its way.
    private static let stagesMax = 1_000

    package static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for kind in ToyJob.allCases {
            // The first task is lied about by a change of one byte here or there, and by an answer of another task.
            for at in [0, 8, 16, 40, 100, 200] { seeds.append([kind.rawValue, 1, 1, UInt8(at), 0, 0x80]) }
            guard case .stage(let stage) = try kind.job().next() else { continue }
            let answer = try honest(stage, task: stage.taskCount - 1).array
            seeds.append([kind.rawValue, 2, UInt8(answer.count & 0xFF), UInt8(answer.count >> 8)] + answer)
        }
        return seeds
    }

    package static func check(_ input: [UInt8]) throws -> Bool {
        var input = FuzzInput(input)
        let kind = ToyJob(rawValue: input.byte() % UInt8(ToyJob.allCases.count)) ?? .correlation
        let job = try kind.job()
        var wasFooled = false
        for _ in 0..<stagesMax {
            guard let step = try accepted(as: [.usage, .failed], { try job.next() }) else { return false }
            switch step {
            case .publish(let outcome):
                let digest = try ToyJob.check(outcome, afterLies: wasFooled)
                if !wasFooled { try promise(digest == kind.digest, "refused lies have changed the outcome") }
                return wasFooled
            case .stage(let stage):
                for task in 0..<stage.taskCount {
                    // A worker that cannot do what it is asked for says so, and the job fails with its sentence.
                    guard let right = try accepted(as: [.usage, .failed], { try honest(stage, task: task) }) else { return false }
                    if let lie = lie(about: right, &input) {
                        let isMerged: Void? = try accepted { try job.merge(task: task, partial: lie) }
                        if isMerged != nil {
                            wasFooled = wasFooled || lie.array != right.array
                            continue
                        }
                    }
                    // After a lie that was believed the truth may contradict it, and the job ends with that.
                    guard try accepted({ try job.merge(task: task, partial: right) }) == nil else { continue }
                    try promise(wasFooled, "the right partial is refused")
                    return false
                }
            }
        }
        throw Violation(description: "the job does not end")
    }

    private static func lie(about right: Payload, _ input: inout FuzzInput) -> Payload? {
        switch input.byte() & 3 {
        case 1:
            var bytes = right.array
            for _ in 0..<input.byte() {
                let at = input.number()
                let value = input.byte()
                if !bytes.isEmpty { bytes[at % bytes.count] = value }
            }
            return .tight(bytes)
        case 2: return .tight(input.bytes(input.number()))
        default: return nil
        }
    }

    private static func honest(_ stage: JobStage, task: Int) throws -> Payload {
        try HonestWorker.answer(stage.kind, stage.payload(task))
    }
}

/// Remembers its answers: most tasks are those of the last input.
enum HonestWorker {
    private static let answersMax = 2_000

    // One thread at a time: neither the fuzzer nor the tests run two inputs at once.
    nonisolated(unsafe) private static var answers: [[UInt8]: Payload] = [:]
    nonisolated(unsafe) private static let slot = ToyPanel.executor.makeSlot()

    static func answer(_ kind: String, _ payload: Payload) throws -> Payload {
        let key = Array(kind.utf8) + payload.array
        if let known = answers[key] { return known }
        let answer = try slot.run(kind: kind, payload: payload).payload
        if answers.count >= answersMax { answers = [:] }
        answers[key] = answer
        return answer
    }
}
