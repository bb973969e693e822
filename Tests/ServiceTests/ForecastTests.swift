import ClusterModel
import Foundation
import Testing

@testable import Service

struct ForecastTests {
    private struct Chance {
        var state: UInt64
        mutating func unit() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Double(state >> 11) + 0.5) / Double(UInt64(1) << 53)
        }
        mutating func normal() -> Double { (-2 * log(unit())).squareRoot() * cos(2 * .pi * unit()) }
    }

    /// A job of tasks of eight tiles on some slots, whose times scatter and whose hosts get slower and faster for a while: at
    /// what time how many tiles were done.
    private func course(_ chance: inout Chance, tasks: Int, slots: Int) -> [(seconds: Double, tiles: Double)] {
        var free = Array(repeating: 0.0, count: slots)
        var ends: [Double] = []
        var mood = 0.0
        for _ in 0..<tasks {
            let slot = free.indices.min { free[$0] < free[$1] } ?? 0
            mood = 0.98 * mood + 0.02 * chance.normal()
            free[slot] += 0.4 * exp(0.4 * chance.normal() + mood)
            ends.append(free[slot])
        }
        return ends.sorted().enumerated().map { ($1, Double($0 + 1) * 8) }
    }

    @Test("Four of five jobs end within the interval, which is said whenever they are looked at")
    func coverage() {
        var chance = Chance(state: 7)
        var (looks, inside, widths) = (0, 0, 0.0)
        for job in 0..<60 {
            let course = course(&chance, tasks: 400 + 40 * job, slots: 4 + job % 13)
            let (end, total) = (course[course.count - 1].seconds, course[course.count - 1].tiles)
            var rate = TileRate()
            var position = 0
            for fifth in 1..<Int(end * 5) {
                let seconds = Double(fifth) / 5
                while position < course.count, course[position].seconds <= seconds { position += 1 }
                let done = position == 0 ? 0 : course[position - 1].tiles
                let now = MonotonicTime(nanoseconds: Int64(seconds * 1e9))
                rate.record(tiles: done, at: now)
                guard fifth % 25 == 0, done < total * 0.95, let speed = rate.tilesPerSecond(tiles: done, at: now) else {
                    continue
                }
                let forecast = Forecast(left: total - done, rate: speed, relativeError: rate.relativeError)
                looks += 1
                if (forecast.low...forecast.high).contains(end - seconds) { inside += 1 }
                widths += (forecast.high - forecast.low) / forecast.seconds
            }
        }
        let share = Double(inside) / Double(looks)
        #expect(looks > 300)
        #expect((0.7...0.97).contains(share), "\(inside) of \(looks)")
        #expect(widths / Double(looks) < 0.6, "the interval says nothing: \(widths / Double(looks))")
    }

    @Test("Before the first task comes back the workers' measured peak tells, and without one nothing does")
    func fromPeak() throws {
        let forecast = try #require(Forecast(flops: 100e9, peakGigaflopsPerSecond: 10))
        #expect(forecast.low < forecast.seconds && forecast.seconds < forecast.high && forecast.low > 10)
        #expect(Forecast(flops: 0, peakGigaflopsPerSecond: 10) == nil && Forecast(flops: 1, peakGigaflopsPerSecond: 0) == nil)
    }

    @Test("The interval is in order, and closes as the speed proves to be steady")
    func order() {
        var rate = TileRate()
        let unknown = Forecast(left: 100, rate: 10, relativeError: rate.relativeError)
        for second in 1...20 {
            rate.record(tiles: Double(second) * 10, at: MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000))
        }
        let steady = Forecast(left: 100, rate: 10, relativeError: rate.relativeError)
        for forecast in [unknown, steady] {
            #expect(forecast.seconds == 10 && forecast.low < 10 && forecast.high > 10 && forecast.high < 60)
        }
        #expect(rate.relativeError == 0 && steady.high - steady.low < (unknown.high - unknown.low) / 2)
    }
}
