import ClusterModel
import Testing

@testable import Service

struct JobAdmissionTests {
    @Test("Jobs begin by priority, then in the order they came, a few at a time")
    func beginsByPriorityThenOrder() {
        var admission = JobAdmission()
        for (id, priority) in [(1, 0), (2, 5), (3, 0), (4, 5), (5, 0)] {
            admission.enqueue(JobID(Int64(id)), priority: priority)
        }
        #expect(admission.admit() == [2, 4, 1].map { JobID($0) })
        #expect(admission.admit().isEmpty)
        admission.remove(JobID(4))
        #expect(admission.admit() == [JobID(3)])
        #expect(admission.waitingCount == 1 && admission.runningCount == 3)
    }

    @Test("A job that outranks everything running begins although the usual places are taken")
    func onDemandBeginsAtOnce() {
        var admission = JobAdmission()
        for id in 1...4 { admission.enqueue(JobID(Int64(id)), priority: 0) }
        #expect(admission.admit().count == JobAdmission.placesUsual)
        admission.enqueue(JobID(9), priority: 100)
        #expect(admission.admit() == [JobID(9)])
        // A second one of the same rank is bulk work next to the first.
        admission.enqueue(JobID(10), priority: 100)
        #expect(admission.admit().isEmpty)
    }

    @Test("A job that is cancelled while it waits never begins")
    func cancelledWhileWaiting() {
        var admission = JobAdmission()
        for id in 1...4 { admission.enqueue(JobID(Int64(id)), priority: 0) }
        _ = admission.admit()
        admission.remove(JobID(4))
        admission.remove(JobID(1))
        #expect(admission.admit().isEmpty)
        #expect(admission.waitingCount == 0 && admission.runningCount == 2)
    }

    @Test("The number of jobs that wait is bounded")
    func waitingIsBounded() throws {
        var admission = JobAdmission()
        for id in 2..<Limits.jobsActiveMax { admission.enqueue(JobID(Int64(id)), priority: 0) }
        for _ in 0..<2 { try admission.reserve() }
        #expect(throws: GridError.self) { try admission.reserve() }
        admission.enqueue(JobID(0), priority: 0)
        admission.release()
        #expect(throws: GridError.self) { try admission.reserve() }
        // Of the other one nothing came.
        admission.release()
        try admission.reserve()
    }

    @Test("A paused job does not begin, one that is paused while it runs lets another begin, and a resumed one waits its turn")
    func paused() {
        var admission = JobAdmission()
        admission.enqueue(JobID(1), priority: 0, isPaused: true)
        for id in 2...5 { admission.enqueue(JobID(Int64(id)), priority: 0) }
        #expect(admission.admit() == [2, 3, 4].map { JobID($0) })
        admission.change(JobID(3), priority: 0, isPaused: true)
        #expect(admission.admit() == [JobID(5)])
        #expect(admission.runningJobs == [2, 4, 5].map { JobID($0) })
        admission.change(JobID(1), priority: 0, isPaused: false)
        #expect(admission.admit().isEmpty)
        admission.change(JobID(3), priority: 0, isPaused: false)
        admission.remove(JobID(2))
        #expect(admission.admit().isEmpty, "four run, now that one of them is resumed")
        admission.remove(JobID(4))
        #expect(admission.admit() == [JobID(1)])
    }

    @Test("Only a few paused jobs give their place away, since each holds a panel")
    func pausedBound() {
        var admission = JobAdmission()
        for id in 1...20 { admission.enqueue(JobID(Int64(id)), priority: 0) }
        var begun = admission.admit()
        for _ in 0..<10 {
            for id in begun { admission.change(id, priority: 0, isPaused: true) }
            begun = admission.admit()
        }
        #expect(admission.runningCount == JobAdmission.placesUsual + JobAdmission.placesOnDemand + Limits.pausedPlacesMax)
    }

    @Test("A job whose priority is raised while it waits begins before those it now outranks")
    func changedPriority() {
        var admission = JobAdmission()
        for id in 1...5 { admission.enqueue(JobID(Int64(id)), priority: 0) }
        _ = admission.admit()
        admission.change(JobID(5), priority: 1, isPaused: false)
        admission.change(JobID(4), priority: 0, isPaused: false)
        #expect(admission.admit() == [JobID(5)])
        admission.change(JobID(1), priority: 7, isPaused: false)
        admission.remove(JobID(2))
        admission.remove(JobID(3))
        #expect(admission.admit() == [JobID(4)])
    }
}
