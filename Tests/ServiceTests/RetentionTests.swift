import ClusterModel
import Testing

@testable import Service

struct RetentionTests {
    private func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    /// Whether each of these moments, in seconds, is one to look at.
    private func due(_ looks: inout RetentionLooks, byAge: Bool, _ seconds: [Int64]) -> [Bool] {
        seconds.map { looks.isDue(byAge: byAge, at: at($0)) }
    }

    @Test("Old jobs are looked for at the beginning and when one has ended, and not at all while none does")
    func byNumber() {
        var looks = RetentionLooks()
        let first = due(&looks, byAge: false, [0, 20, 1_000_000])
        looks.jobEnded()
        let second = due(&looks, byAge: false, [1_000_020, 1_000_040])
        #expect(first == [true, false, false] && second == [true, false])
    }

    @Test("Where jobs go by their age, time alone is a reason to look, once an hour")
    func byAge() {
        var looks = RetentionLooks()
        let found = due(&looks, byAge: true, [0, 3_599, 3_600, 3_620])
        #expect(found == [true, false, true, false])
    }
}
