/// Alphas that say the same: one canonical form.
package struct ExpressionDuplicates: Sendable {
    package struct Group: Equatable, Sendable {
        /// SHA-256 of the form.
        package let hash: String
        /// Two or more, bytewise.
        package let alphaIDs: [String]
    }

    private var alphaIDs: [String: Set<String>] = [:]

    package init() {}

    package mutating func add(alphaID: String, hash: String) { alphaIDs[hash, default: []].insert(alphaID) }

    package mutating func add(alphaID: String, program: Program) { add(alphaID: alphaID, hash: program.canonicalHash) }

    /// Forms that several alphas have, by their first alpha.
    package var groups: [Group] {
        alphaIDs.filter { $0.value.count > 1 }
            .map { Group(hash: $0.key, alphaIDs: $0.value.sorted(by: bytewise)) }
            .sorted { bytewise($0.alphaIDs[0], $1.alphaIDs[0]) }
    }
}
