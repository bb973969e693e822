import ClusterModel

/// A data field of the platform.
package struct DataField: Equatable, Sendable {
    package let name: String
    /// Such as `fundamental`; empty when not known.
    package let category: String
    package let dataset: String
    /// MATRIX, VECTOR or GROUP; empty when not known.
    package let type: String

    package init(name: String, category: String = "", dataset: String = "", type: String = "") {
        self.name = name
        self.category = category
        self.dataset = dataset
        self.type = type
    }
}

/// The data fields that expressions may use.
package struct FieldList: Sendable {
    /// By name.
    package let fields: [DataField]
    private let byName: [String: Int]

    /// - Parameter fields: of several with one name, as in lists of several regions, the first counts.
    package init(_ fields: [DataField]) {
        var seen: Set<String> = []
        let sorted = fields.filter { seen.insert($0.name).inserted }.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        self.fields = sorted
        byName = Dictionary(uniqueKeysWithValues: zip(sorted.map(\.name), sorted.indices))
    }

    /// Reads a list of data fields: `{"fields": [...]}`, `{"results": [...]}` or the bare array. Its elements are names, or
    /// objects with `id` and, if they are known, `category`, `dataset` (each a name or an object with `id`) and `type`.
    /// - Throws: `GridError` that names the element and field.
    package init(json: String) throws(GridError) {
        let list = try JSONList(json, key: "fields", of: "data fields", nameField: "id")
        self.init(
            try list.map { (entry) throws(GridError) in
                DataField(
                    name: entry.name, category: Self.name(entry.fields?["category"]),
                    dataset: Self.name(entry.fields?["dataset"]), type: entry.fields?["type"] as? String ?? "")
            })
    }

    private static func name(_ value: Any?) -> String {
        value as? String ?? (value as? [String: Any])?["id"] as? String ?? ""
    }

    /// The field of this name. `adv` with any window is one if the list has `adv20`.
    package func find(_ name: String) -> DataField? {
        if let index = byName[name] { return fields[index] }
        guard Self.isAverageVolume(name), let relative = byName["adv20"].map({ fields[$0] }) else { return nil }
        return DataField(name: name, category: relative.category, dataset: relative.dataset, type: relative.type)
    }

    /// Average daily volume over a window: `adv20`.
    private static func isAverageVolume(_ name: String) -> Bool {
        name.hasPrefix("adv") && name.utf8.count > 3 && name.utf8.dropFirst(3).allSatisfy { $0 >= 48 && $0 <= 57 }
    }
}

/// Names that are neither fields nor variables.
package enum ReservedName {
    /// Groups that every stock belongs to one of.
    package static let groups: Set<String> = ["market", "sector", "industry", "subindustry", "country", "exchange"]
    /// What the members of a SUPER alpha are called in its expressions.
    package static let symbols: Set<String> = ["alpha"]
    /// Where groups were members once: `IndClass.sector`. In lower case.
    package static let groupFamily = "indclass"

    package static func contains(_ name: String) -> Bool { groups.contains(name) || symbols.contains(name) }
}
