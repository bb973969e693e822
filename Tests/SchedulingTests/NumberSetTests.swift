import Testing

@testable import Scheduling

@Suite("A set of numbers")
struct NumberSetTests {
    @Test("Agrees with a plain set through thousands of changes", arguments: [1, 64, 65, 4_096, 5_000, 300_000])
    func agreesWithSet(capacity: Int) {
        var numbers = NumberSet(capacity: capacity)
        var oracle: Set<Int> = []
        var state: UInt64 = 12_345
        for step in 0..<3_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Int(state >> 33) % capacity
            if state >> 32 & 1 == 0 {
                numbers.insert(number)
                oracle.insert(number)
            } else {
                numbers.remove(number)
                oracle.remove(number)
            }
            #expect(numbers.count == oracle.count)
            if step % 50 == 0 {
                #expect(numbers.contains(number) == oracle.contains(number))
                #expect(numbers.next(from: number) == oracle.filter { $0 >= number }.min())
            }
        }
        #expect(members(numbers) == oracle.sorted())
    }

    @Test("Full, it holds every number below its capacity and no other", arguments: [0, 1, 63, 64, 100, 4_097])
    func full(capacity: Int) {
        let numbers = NumberSet(capacity: capacity, full: true)
        #expect(members(numbers) == Array(0..<capacity))
        #expect(numbers.count == capacity)
        #expect(!numbers.contains(capacity))
    }

    @Test("Growing keeps the members")
    func grows() {
        var numbers = NumberSet(capacity: 10)
        numbers.insert(3)
        numbers.insert(9)
        numbers.grow(to: 100_000)
        numbers.insert(99_999)
        #expect(members(numbers) == [3, 9, 99_999])
    }

    private func members(_ numbers: NumberSet) -> [Int] {
        var found: [Int] = []
        var next = numbers.next(from: 0)
        while let number = next {
            found.append(number)
            next = numbers.next(from: number + 1)
        }
        return found
    }
}
