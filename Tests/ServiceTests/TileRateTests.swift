import ClusterModel
import Foundation
import Testing

@testable import Service

struct TileRateTests {
    private func time(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }

    @Test("The rate counts from the first task that came back, whatever went before it")
    func slowStart() {
        var rate = TileRate()
        for second in 0..<40 { rate.record(tiles: 0, at: time(Double(second))) }
        #expect(rate.tilesPerSecond(tiles: 0, at: time(40)) == nil)
        rate.record(tiles: 8, at: time(40))
        #expect(rate.tilesPerSecond(tiles: 16, at: time(41)) == nil)
        #expect(rate.tilesPerSecond(tiles: 28, at: time(42)) == 10)
    }

    @Test("Only the last half minute counts, so that workers which join or leave show")
    func window() throws {
        var rate = TileRate()
        for fifth in 1...500 { rate.record(tiles: Double(fifth), at: time(Double(fifth) / 5)) }
        #expect(abs(try #require(rate.tilesPerSecond(tiles: 500, at: time(100))) - 5) < 1e-9)
        for fifth in 1...200 { rate.record(tiles: 500 + 10 * Double(fifth), at: time(100 + Double(fifth) / 5)) }
        #expect(abs(try #require(rate.tilesPerSecond(tiles: 2_500, at: time(140))) - 50) < 1e-9)
    }

    @Test("A job that stands still has no rate, and finds it again")
    func standstill() throws {
        var rate = TileRate()
        for second in 1...10 { rate.record(tiles: Double(second), at: time(Double(second))) }
        for second in 11...60 { rate.record(tiles: 10, at: time(Double(second))) }
        #expect(rate.tilesPerSecond(tiles: 10, at: time(60)) == nil)
        #expect(try #require(rate.tilesPerSecond(tiles: 40, at: time(60))) == 1)
    }

    @Test("Times are ISO 8601 in UTC, always with three digits behind the second")
    func timestamps() {
        for (seconds, expected) in [(13.5, "13.500"), (7, "07.000"), (59.0625, "59.062")] {
            #expect(ActiveJob.timestamp(Date(timeIntervalSince1970: seconds)) == "1970-01-01T00:00:\(expected)Z")
        }
    }
}
