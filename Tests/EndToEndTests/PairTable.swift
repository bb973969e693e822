import Foundation
import Testing

/// Every correlation of a data set, by both alphas.
struct PairTable {
    struct Pair {
        var r: Double?
        var days: Int
    }

    /// In bytewise order.
    let ids: [String]
    private let pairs: [String: [String: Pair]]

    init(file: String) throws {
        var pairs: [String: [String: Pair]] = [:]
        for record in CSVTable.records(try String(contentsOfFile: file, encoding: .utf8)).dropFirst() {
            pairs[record[0], default: [:]][record[1]] = Pair(r: Double(record[2]), days: try #require(Int(record[3])))
        }
        self.pairs = pairs
        ids = pairs.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    subscript(a: String, b: String) -> Pair? { pairs[a]?[b] }

    /// Values of the defined pairs of an alpha with some others, in the order of a key, smallest first.
    func sorted(_ a: String, among others: [String]? = nil, by key: (Double) -> Double) -> [Double] {
        (others ?? ids).compactMap { self[a, $0]?.r }.sorted { key($0) < key($1) }
    }

    static let keys: [(kind: String, key: @Sendable (Double) -> Double)] = [
        ("most", { -$0 }), ("least", { $0 }), ("absolute", { -abs($0) }),
    ]

    /// Compares a list of nearest neighbours, `(id, r, days)`, with what sorting gives. Which of two equal ones comes first
    /// is not compared: sums in another order decide it otherwise.
    func expectNearest(
        _ a: String, kind: String, _ found: [(id: String, r: Double, days: Int)], count: Int, tolerance: Double = 1e-10,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let key = try #require(Self.keys.first { $0.kind == kind }?.key)
        let expected = sorted(a, by: key).prefix(count)
        #expect(found.count == expected.count, "\(a) \(kind)", sourceLocation: sourceLocation)
        for ((id, r, days), value) in zip(found, expected) {
            let pair = try #require(self[a, id], sourceLocation: sourceLocation)
            #expect(abs(r - (pair.r ?? .nan)) <= tolerance && days == pair.days, "\(a) \(id)", sourceLocation: sourceLocation)
            #expect(abs(key(r) - key(value)) <= tolerance, "\(a) \(kind) \(id)", sourceLocation: sourceLocation)
        }
        #expect(Set(found.map(\.id)).count == found.count, sourceLocation: sourceLocation)
    }

    /// Compares a list of pairs with all that are beyond a threshold.
    func expectPairs(
        _ found: [(a: String, b: String, r: Double, days: Int)], from threshold: Double, absolute: Bool,
        tolerance: Double = 1e-10, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var expected: Set<String> = []
        for (place, a) in ids.enumerated() {
            for b in ids[(place + 1)...] {
                guard let r = self[a, b]?.r, (absolute ? abs(r) : r) >= threshold else { continue }
                expected.insert("\(a) \(b)")
            }
        }
        #expect(!expected.isEmpty && Set(found.map { "\($0.a) \($0.b)" }) == expected, sourceLocation: sourceLocation)
        #expect(found.count == expected.count, sourceLocation: sourceLocation)
        for pair in found {
            let known = try #require(self[pair.a, pair.b], sourceLocation: sourceLocation)
            #expect(abs(pair.r - (known.r ?? .nan)) <= tolerance && pair.days == known.days, sourceLocation: sourceLocation)
        }
    }
}
