/// What an import did.
package struct ImportReport: Codable, Hashable, Sendable {
    /// As the caller named it.
    package var file: String
    /// Nil when the file's alphas belong to several.
    package var region: String?
    package var unsubmitted: Bool
    /// Alphas in the file, and how many of them were new.
    package var alphas: Int
    package var alphasInserted: Int
    /// PnL values, or alphas when metadata was imported. Unchanged ones were not written again.
    package var rowsInserted: Int
    package var rowsUpdated: Int
    package var rowsUnchanged: Int

    package init(
        file: String, region: String?, unsubmitted: Bool, alphas: Int = 0, alphasInserted: Int = 0, rowsInserted: Int = 0,
        rowsUpdated: Int = 0, rowsUnchanged: Int = 0
    ) {
        self.file = file
        self.region = region
        self.unsubmitted = unsubmitted
        self.alphas = alphas
        self.alphasInserted = alphasInserted
        self.rowsInserted = rowsInserted
        self.rowsUpdated = rowsUpdated
        self.rowsUnchanged = rowsUnchanged
    }
}

/// What an import is doing; an import that is tried again begins anew.
package enum ImportStep: Hashable, Sendable {
    case reading
    /// To where the database compares it with what is stored.
    case copying(alphasDone: Int, of: Int)
    /// What differs; the database does not say how far it is.
    case writing(values: Int)

    /// Whether the next one is not near, so that nobody may miss this one.
    package var isLong: Bool {
        switch self {
        case .reading, .writing: true
        case .copying: false
        }
    }
}
