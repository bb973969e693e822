import ClusterModel
import Clustering
import Crypto

/// What a clusters job has found. Points are alphas by the bytewise rank of their ids.
package struct ClustersOutcome: Sendable {
    /// What one method says.
    package struct Result: Sendable {
        package var method: String
        /// What the numbers depend on, by name.
        package var parameters: [String: String]
        /// Per point its cluster, 0 being the largest, or -1 for noise; nil where the method has no place for it. Empty for a
        /// method that gives none.
        package var labels: [Int?] = []
        /// Per point how surely it belongs to its cluster, 0 ... 1, of methods that say so.
        package var probabilities: [Double] = []
        /// Per point in terms of sqrt(2 (1 - r)); nil where there is none.
        package var silhouettes: [Double?] = []
        /// Per point; nil where it has no place.
        package var coordinates: [[Double]?] = []
        /// Further figures of the whole, such as inertia, by name.
        package var figures: [String: Double] = [:]
        /// What a person should know, such as a repair that was made.
        package var notes: [String] = []
        /// Points that the method leaves out because pairs of theirs are undefined.
        package var leftOut: [Int] = []
        /// Points from which the method set out, so that others can set out from the same.
        package var starts: [Int] = []
        package var linkage: Dendrogram?

        package init(method: String, parameters: [String: String]) {
            self.method = method
            self.parameters = parameters
        }

        package var clusterCount: Int { (labels.compactMap { $0 }.max() ?? -1) + 1 }
        package var noiseCount: Int { labels.count { $0 == -1 } }

        /// The notes, and which alphas were left out.
        ///
        /// - Parameter alphaIDs: ids by point.
        package func notes(naming alphaIDs: [String]) -> [String] {
            guard !leftOut.isEmpty else { return notes }
            let (count, namesMax) = (leftOut.count, 20)
            let names = leftOut.prefix(namesMax).map { alphaIDs[$0] }.joined(separator: ", ")
            return [
                "\(count) \(count == 1 ? "alpha has" : "alphas have") undefined pairs and \(count == 1 ? "is" : "are") left out: "
                    + names + (count > namesMax ? ", ..." : "")
            ] + notes
        }

        /// Mean over the alphas that have one.
        package var meanSilhouette: Double? {
            let known = silhouettes.compactMap { $0 }
            return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
        }
    }

    /// How the points of a hierarchical method were joined.
    package struct Dendrogram: Sendable {
        /// Points that take part; merges name them by their place here.
        package var points: [Int]
        package var merges: [Linkage.Merge]
        /// Points from left to right.
        package var leaves: [Int]
    }

    /// An edge of the minimum spanning tree of the correlations.
    package struct TreeEdge: Sendable {
        package var a: Int
        package var b: Int
        package var correlation: Double
        package var distance: Double
    }

    package var results: [Result]
    package var tree: [TreeEdge]

    /// SHA-256 in hexadecimal of the results: the text `alphagrid-clusters-1`, then per method in the job's order: its name
    /// (length u16, text), per point the label (i32, -2147483648 where there is none), probability, silhouette (f64, NaN
    /// 0x7ff8000000000000 where there is none) and coordinates (f64 each), as far as the method has them; then the number of
    /// tree edges (u64) and for each its points (u32) and distance (f64). All little-endian.
    package var digest: String {
        var sha = SHA256()
        sha.update(data: Array("alphagrid-clusters-1".utf8))
        for result in results {
            var writer = ByteWriter()
            writer.write(result.method)
            for label in result.labels { writer.write(label.map { Int32($0) } ?? .min) }
            for value in result.probabilities { writer.write(value + 0) }
            for value in result.silhouettes { writer.write(value.map { $0 + 0 } ?? Self.undefined) }
            for place in result.coordinates {
                for value in place ?? [Self.undefined] { writer.write(value + 0) }
            }
            sha.update(data: writer.bytes)
        }
        var writer = ByteWriter()
        writer.write(UInt64(tree.count))
        for edge in tree {
            writer.write(UInt32(edge.a))
            writer.write(UInt32(edge.b))
            writer.write(edge.distance)
        }
        sha.update(data: writer.bytes)
        return BlockHash(bytes: Array(sha.finalize())).description
    }

    private static let undefined = Double(bitPattern: 0x7FF8_0000_0000_0000)
}

/// Numbers clusters by their size, the largest first, ties by their first point, so that their names do not depend on the
/// order in which a method found them.
func numberedBySize(_ labels: [Int?]) -> [Int?] {
    var sizes: [Int: (count: Int, first: Int)] = [:]
    for (point, label) in labels.enumerated() {
        guard let label, label >= 0 else { continue }
        sizes[label, default: (0, point)].count += 1
    }
    let order = sizes.sorted { (-$0.value.count, $0.value.first) < (-$1.value.count, $1.value.first) }.map(\.key)
    let numbers = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    return labels.map { label in label.map { numbers[$0] ?? -1 } }
}
