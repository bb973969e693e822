import ClusterModel

/// A job kind whose result is easy to know: a task's partial is a hash of what the task is, a stage's value is the sum
/// of its partials, and goes into the tasks of the next stage. One partial lost, doubled or of another stage shows.
enum ToyJob {
    /// What is leased: the bytes of a task.
    struct Task: Hashable, Sendable {
        var jobSeed: UInt64
        var stage: Int
        var index: UInt32
        /// Value of the stage before; 0 for the first.
        var carry: UInt64
    }

    /// What comes back. A garbled one is no partial.
    struct Partial: Hashable, Sendable {
        var value: UInt64
        /// What the worker that made it computed with.
        var coreType = ""
        var isGarbled = false
        /// Well-formed, but not what the task gives; only the simulation knows.
        var isWrong = false
        var checksum: UInt32 { UInt32(truncatingIfNeeded: isGarbled ? ~value : value) }
    }

    static func compute(_ task: Task) -> Partial {
        Partial(value: mix(task.jobSeed ^ mix(UInt64(task.stage) << 32 | UInt64(task.index)) &+ mix(task.carry)))
    }

    /// Decides what the stage's tasks are, like the hash of a real plan.
    static func plan(jobSeed: UInt64, stage: Int, carry: UInt64) -> PlanHash {
        PlanHash(mix(jobSeed &+ UInt64(stage)) ^ mix(carry))
    }

    /// The job's value as one process would compute it.
    static func value(of job: Scenario.Job) -> UInt64 {
        var carry: UInt64 = 0
        for (stage, shape) in job.stages.enumerated() {
            var sum: UInt64 = 0
            for index in 0..<UInt32(shape.taskCount) {
                sum &+= compute(Task(jobSeed: job.seed, stage: stage, index: index, carry: carry)).value
            }
            carry = sum
        }
        return carry
    }
}
