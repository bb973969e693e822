import ClusterModel
import Testing

@testable import Embedding

struct KMeansTests {
    @Test("A round is what the definition says, and blocks merge to it", arguments: [1, 7, 40])
    func round(_ blockRows: Int) {
        let (n, width, k) = (40, 5, 4)
        let rows = randomRows(n, width)
        let centroids = Centroids(count: k, width: width, values: Array(rows[..<(k * width)]))
        var merged: KMeansPartial?
        for first in stride(from: 0, to: n, by: blockRows) {
            let count = min(blockRows, n - first)
            let block = rows.block(first, count, width) {
                KMeansPartial(block: $0, count: count, firstRow: first, centroids: centroids)
            }
            if merged == nil { merged = block } else { merged?.merge(block) }
        }
        let twin = Twin.assign(rows, width, centroids.values)
        #expect(merged?.labels.map { Int($0) } == twin.labels)
        #expect(abs(merged!.inertia - twin.distances.reduce(0, +)) < 1e-9)
        #expect(merged?.counts == (0..<k).map { c in twin.labels.filter { $0 == c }.count })
        for c in 0..<k {
            for t in 0..<width {
                let sum = (0..<n).filter { twin.labels[$0] == c }.reduce(0.0) { $0 + rows[$1 * width + t] }
                #expect(abs(merged!.sums[c * width + t] - sum) < 1e-11)
            }
        }
        let farthest = (0..<n).sorted { (-twin.distances[$0], $0) < (-twin.distances[$1], $1) }
        #expect(merged?.farRows.map(\.row) == Array(farthest.prefix(KMeansPartial.farRowsMax)))
        #expect(merged?.farRows.first?.values == Array(rows[(farthest[0] * width)..<((farthest[0] + 1) * width)]))
    }

    @Test("From the same start it ends where the plain algorithm ends")
    func lloyd() {
        let (n, width, k) = (90, 4, 5)
        let rows = randomRows(n, width, seed: 3)
        var centres = Array(rows[..<(k * width)])
        let result = KMeans.run(
            rows, count: n, width: width, start: Centroids(count: k, width: width, values: centres), meanVariance: 0)
        var labels: [Int] = []
        while true {
            let next = Twin.assign(rows, width, centres).labels
            if next == labels { break }
            labels = next
            for c in 0..<k {
                let members = (0..<n).filter { labels[$0] == c }
                for t in 0..<width {
                    centres[c * width + t] = members.reduce(0.0) { $0 + rows[$1 * width + t] } / Double(members.count)
                }
            }
        }
        #expect(result.labels.map { Int($0) } == labels)
        #expect(result.converged)
        let inertia = Twin.assign(rows, width, centres).distances.reduce(0, +)
        #expect(abs(result.inertia - inertia) < 1e-9)
        #expect(result.counts.reduce(0, +) == n)
    }

    @Test("Known groups are found from seeded starts, with the same bits for the same seed")
    func groups() throws {
        let world = World(groups: 6, size: 20, width: 5)
        let rows = world.points.flatMap { $0 }
        let result = try KMeans.run(rows, count: 120, width: 5, clusters: 6, seed: 1)
        for i in 0..<120 {
            for j in 0..<i { #expect((result.labels[i] == result.labels[j]) == (world.groups[i] == world.groups[j])) }
        }
        #expect(try KMeans.run(rows, count: 120, width: 5, clusters: 6, seed: 1) == result)
        let first = try KMeansStart.plusPlus(rows, count: 120, width: 5, clusters: 6, seed: 1)
        #expect(try KMeansStart.plusPlus(rows, count: 120, width: 5, clusters: 6, seed: 2) != first)
    }

    @Test("Starts are rows far apart: one of each of well-separated groups")
    func plusPlus() throws {
        let world = World(groups: 5, size: 30, width: 4, gap: 60)
        let rows = world.points.flatMap { $0 }
        for seed in UInt64(0)..<10 {
            let start = try KMeansStart.plusPlus(rows, count: 150, width: 4, clusters: 5, seed: seed)
            #expect(start.rows.map { world.points[$0] } == (0..<5).map { Array(start.values[($0 * 4)..<(($0 + 1) * 4)]) })
            let chosen = (0..<5).map { c in world.points.firstIndex(of: Array(start.values[(c * 4)..<((c + 1) * 4)])) }
            #expect(Set(chosen.map { $0.map { world.groups[$0] } }).count == 5)
        }
    }

    @Test("A cluster without rows gets the row that is farthest from its centre")
    func emptyCluster() {
        let rows: [Double] = [0, 1, 2, 50, 51, 90]
        // Nobody is near -100.
        let start = Centroids(count: 3, width: 1, values: [1, 50, -100])
        let result = KMeans.run(rows, count: 6, width: 1, start: start)
        #expect(result.labels == [0, 0, 0, 1, 1, 2])
        #expect(result.centroids.values == [1, 50.5, 90])
        #expect(result.inertia == 2.5)
    }

    @Test("Equal rows leave clusters empty without end or crash, and ties go to the smaller cluster")
    func equalRows() throws {
        let rows = [Double](repeating: 3, count: 20)
        let result = try KMeans.run(rows, count: 10, width: 2, clusters: 4, seed: 0)
        #expect(result.labels == [Int32](repeating: 0, count: 10))
        #expect(result.inertia == 0)
        #expect(result.converged)
        #expect(result.centroids.values.allSatisfy { $0 == 3 })
    }

    @Test("More clusters than rows, and none, are refused", arguments: [0, 11])
    func refused(_ clusters: Int) {
        #expect(throws: GridError.self) {
            try KMeans.run([Double](repeating: 0, count: 20), count: 10, width: 2, clusters: clusters, seed: 0)
        }
    }

    /// Straight from the definition.
    private enum Twin {
        static func assign(_ rows: [Double], _ width: Int, _ centres: [Double]) -> (labels: [Int], distances: [Double]) {
            var (labels, distances): ([Int], [Double]) = ([], [])
            for i in 0..<(rows.count / width) {
                let away = (0..<(centres.count / width)).map { c in
                    (0..<width).reduce(0.0) { sum, t in
                        let difference = rows[i * width + t] - centres[c * width + t]
                        return sum + difference * difference
                    }
                }
                let nearest = away.indices.min { away[$0] < away[$1] }!
                labels.append(nearest)
                distances.append(away[nearest])
            }
            return (labels, distances)
        }
    }
}
