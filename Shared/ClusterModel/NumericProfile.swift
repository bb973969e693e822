/// What the bits of a result depend on besides panel and parameters. Only workers of a job's profile get its leases.
package struct NumericProfile: Hashable, Sendable, Codable, CustomStringConvertible {
    /// OpenBLAS release, such as `0.3.21`.
    package var blasVersion: String
    /// Kernel family OpenBLAS runs with, such as `SkylakeX`, `Haswell`, `Zen`.
    package var coreType: String
    /// Raised whenever the arithmetic of our own kernels changes.
    package var epilogueVersion: Int

    package init(blasVersion: String, coreType: String, epilogueVersion: Int) {
        self.blasVersion = blasVersion
        self.coreType = coreType
        self.epilogueVersion = epilogueVersion
    }

    package var description: String { "openblas-\(blasVersion)/\(coreType)/e\(epilogueVersion)" }
}
