import ClusterModel
import Embedding
import Testing

struct TrustworthinessTests {
    @Test("A layout of the points themselves is trusted fully")
    func perfect() {
        let world = World(groups: 3, size: 15, width: 2)
        let layout = Coordinates(count: 45, dimensions: 2, values: world.points.flatMap { $0.map { Float($0) } })
        #expect(Trustworthiness.measure(layout, k: 5, row: world.fill) == 1)
    }

    @Test("Five points on a line, two of them exchanged: by hand")
    func byHand() {
        // True places 0 1 2 3 4 as 0, 1, 2.1, 3.3, 4.6; laid out with points 1 and 4 exchanged. k = 1, by point:
        // 0 sees 4, which ranks 4th: 3 too many. 1 sees 3, 3rd: 2. 2 sees 4 (1.1 away, 3 is 1.2), 4th: 3.
        // 3 sees 2, 1st: 0. 4 sees 0 (1 away), 4th: 3. Together 11; 1 - 2 / (5 * 1 * (10 - 3 - 1)) * 11.
        let truth = [0, 1, 2.1, 3.3, 4.6]
        let line: [Float] = [0, 4.6, 2.1, 3.3, 1]
        let layout = Coordinates(count: 5, dimensions: 2, values: line.flatMap { [$0, 0] })
        let trust = Trustworthiness.measure(layout, k: 1) { i, row in
            for j in row.indices { row[j] = abs(truth[i] - truth[j]) }
        }
        #expect(abs(trust! - (1 - 22.0 / 30)) < 1e-12)
    }

    @Test("Points without a place are left out, and too few points have no measure")
    func unplaced() {
        let world = World(groups: 3, size: 5, width: 2)
        let values = world.points.flatMap { $0.map { Float($0) } }
        let layout = Coordinates(count: 16, dimensions: 2, values: values + [.nan, .nan])
        let trust = Trustworthiness.measure(layout, k: 3) { i, row in
            for j in row.indices { row[j] = j < 15 ? world.distance(i, j) : .nan }
        }
        #expect(trust == 1)
        #expect(Trustworthiness.measure(layout, k: 8) { _, _ in } == nil)
    }
}
