import ClusterModel
import Simulation
import Testing

@Suite("A line that connections share")
struct ModelLinkTests {
    /// 8 Gb/s are one byte a nanosecond.
    private func line() -> FairLink<Int> { FairLink(gigabitsPerSecond: 8) }

    /// Everything that gets through, with its time.
    private func drain(_ line: inout FairLink<Int>) -> [(item: Int, at: Int64)] {
        var ends: [(item: Int, at: Int64)] = []
        while let end = line.nextEnd {
            for item in line.takeThrough(at: end) { ends.append((item, end.nanoseconds)) }
        }
        return ends
    }

    private func time(_ nanoseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: nanoseconds) }

    @Test("A connection that comes later slows the first one down, and has the line for itself once that is done")
    func sharing() {
        var line = line()
        line.send(1, bytes: 1_000, connection: 1, at: time(0))
        line.send(2, bytes: 1_000, connection: 2, at: time(500))
        let ends = drain(&line)
        #expect(ends.map(\.item) == [1, 2])
        #expect(ends.map(\.at) == [1_500, 2_000])
    }

    @Test("What one connection sends goes in order, and gives it no larger part of the line")
    func order() {
        var line = line()
        line.send(1, bytes: 1_000, connection: 1, at: time(0))
        line.send(2, bytes: 1_000, connection: 1, at: time(0))
        line.send(3, bytes: 1_000, connection: 2, at: time(0))
        let ends = drain(&line)
        #expect(ends.map(\.item) == [1, 3, 2])
        #expect(ends.map(\.at) == [2_000, 2_000, 3_000])
    }

    /// Byte by byte: in every thousandth of a nanosecond each busy connection sends its part.
    private func slowTwin(_ sends: [(bytes: Int, connection: Int, at: Int64)]) -> [Double] {
        var ends = Array(repeating: 0.0, count: sends.count)
        var queues: [[(item: Int, left: Double)]] = Array(repeating: [], count: 4)
        var next = 0
        var nanosecond: Int64 = 0
        while next < sends.count || queues.contains(where: { !$0.isEmpty }) {
            while next < sends.count, sends[next].at == nanosecond {
                queues[sends[next].connection].append((next, Double(sends[next].bytes)))
                next += 1
            }
            for step in 0..<20 {
                let busy = queues.indices.filter { !queues[$0].isEmpty }
                for connection in busy {
                    queues[connection][0].left -= 0.05 / Double(busy.count)
                    guard queues[connection][0].left < 1e-9 else { continue }
                    ends[queues[connection].removeFirst().item] = Double(nanosecond) + Double(step + 1) / 20
                }
            }
            nanosecond += 1
        }
        return ends
    }

    @Test("Whatever is sent when, all of it gets through once, when a simulation in small steps says", arguments: 0..<5)
    func random(seed: Int) throws {
        var state = UInt64(seed + 1)
        func draw(_ range: Range<Int>) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return range.lowerBound + Int(state >> 33) % range.count
        }
        var at: Int64 = 0
        let sends = (0..<40).map { _ in
            at += Int64(draw(0..<60))
            return (bytes: draw(1..<200), connection: draw(0..<4), at: at)
        }
        var line = line()
        var ends: [(item: Int, at: Int64)] = []
        for (item, send) in sends.enumerated() {
            while let end = line.nextEnd, end.nanoseconds <= send.at {
                for item in line.takeThrough(at: end) { ends.append((item, end.nanoseconds)) }
            }
            line.send(item, bytes: send.bytes, connection: send.connection, at: time(send.at))
        }
        ends += drain(&line)
        #expect(ends.map(\.item).sorted() == Array(sends.indices))
        let twin = slowTwin(sends)
        for end in ends { #expect(abs(Double(end.at) - twin[end.item]) <= 3, "item \(end.item)") }
        let bytes = sends.reduce(0) { $0 + $1.bytes }
        #expect(line.bytesTaken == Double(bytes) && abs(line.bytesThrough - Double(bytes)) < 1e-6)
        #expect(abs(line.busySeconds * 1e9 - Double(bytes)) < 1e-3)
    }
}
