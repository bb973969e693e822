import ClusterModel
import Foundation
import Panel

/// What a file says about alphas, checked: metadata in the columns of `alphas`.
package struct AlphaMetadata: Equatable {
    package struct Row: Equatable {
        package var alphaID: String
        package var region: Region?
        /// REGULAR, SUPER or UNSUBMITTED.
        package var type: String?
        /// One per column, in PostgreSQL's text form; nil where the file says nothing.
        package var values: [String?]
    }

    /// Those the file has, in the order of the table.
    package var columns: [AlphaColumn]
    package var rows: [Row]

    /// Reads `.csv` or `.json`, also gzipped; from standard input (`-`) whichever of them it is.
    ///
    /// CSV has a header with `alpha_id` and names of columns in any order; JSON is an array of objects with such keys.
    /// `region` and `alpha_type` may be among them; `sharpe` stands for `is_sharpe` and likewise. What is empty, null or
    /// absent says nothing.
    ///
    /// - Throws: `GridError(.usage)` naming line (or element) and column of everything that is wrong, up to
    ///   `Limits.errorsReportedMax`.
    static func read(path: String, unsubmitted: Bool) throws(GridError) -> AlphaMetadata {
        let name = FileSystem.name(path)
        let plain = name.lowercased().hasSuffix(".gz") ? String(name.lowercased().dropLast(3)) : name.lowercased()
        let isInput = path == FileSystem.standardInput
        guard isInput || plain.hasSuffix(".csv") || plain.hasSuffix(".json") else {
            throw GridError(
                .usage, "\(name.isEmpty ? "''" : name): expected a file that ends in .csv or .json, or those with .gz")
        }
        var file = try FileSystem.contents(of: path)
        if Gzip.isGzip(file.bytes) { file = try Gzip.inflate(file.bytes, name: name) }
        defer { withExtendedLifetime(file) {} }
        // The array that JSON is begins with a bracket, which no column's name does.
        let first = file.bytes.first { $0 > UInt8(ascii: " ") && $0 < 0x7F }
        let isCSV = isInput ? first != UInt8(ascii: "[") : plain.hasSuffix(".csv")
        return try read(file.bytes, isCSV: isCSV, name: name, unsubmitted: unsubmitted)
    }

    /// Reads CSV, or else JSON.
    /// - Parameter name: names the bytes in errors.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, isCSV: Bool, name: String, unsubmitted: Bool
    ) throws(GridError) -> AlphaMetadata {
        guard bytes.count <= Limits.metadataFileBytesMax else {
            throw GridError(.usage, "\(name) has \(bytes.count) bytes: expected at most \(Limits.metadataFileBytesMax)")
        }
        var reader = MetadataReader(name: name, unsubmitted: unsubmitted)
        if isCSV { try reader.readCSV(bytes) } else { try reader.readJSON(bytes) }
        return try reader.finish()
    }
}

/// Collects rows and what is wrong with them.
struct MetadataReader {
    let name: String
    let unsubmitted: Bool
    private var rows: [(place: String, fields: [Field: String])] = []
    private var problems: [String] = []
    private var problemCount = 0

    /// What a column of the file is.
    enum Field: Hashable {
        case alphaID, region, type
        case column(Int)

        /// Short names are those of the columns that begin with `is_`.
        init?(named name: String) {
            switch name {
            case "alpha_id": self = .alphaID
            case "region": self = .region
            case "alpha_type": self = .type
            default:
                guard let index = AlphaColumn.all.firstIndex(where: { $0.name == name || $0.name == "is_\(name)" }) else {
                    return nil
                }
                self = .column(index)
            }
        }

        var name: String {
            switch self {
            case .alphaID: "alpha_id"
            case .region: "region"
            case .type: "alpha_type"
            case .column(let index): AlphaColumn.all[index].name
            }
        }
    }

    init(name: String, unsubmitted: Bool) {
        self.name = name
        self.unsubmitted = unsubmitted
    }

    private mutating func report(_ problem: String) {
        problemCount += 1
        if problems.count < Limits.errorsReportedMax { problems.append(problem) }
    }

    private func unknown(_ column: String) -> String {
        let names = AlphaColumn.all.map(\.name).joined(separator: ", ")
        return "'\(column.printable)' is not a column of alphas: expected alpha_id, region, alpha_type, \(names)"
    }

    // MARK: Formats

    mutating func readCSV(_ bytes: UnsafeRawBufferPointer) throws(GridError) {
        var records = CSVRecords(bytes, name: name)
        guard let header = try records.next() else {
            throw GridError(.usage, "\(name) is empty: expected a header with alpha_id and columns of alphas")
        }
        var fields: [Field] = []
        for text in header.fields {
            guard let field = Field(named: text) else {
                throw GridError(.usage, "\(name): line \(header.line): \(unknown(text))")
            }
            guard !fields.contains(field) else {
                throw GridError(.usage, "\(name): line \(header.line): column \(field.name) is there twice")
            }
            fields.append(field)
        }
        guard fields.contains(.alphaID) else {
            throw GridError(.usage, "\(name): line \(header.line): the column alpha_id is missing")
        }
        while let record = try records.next() {
            guard record.fields.count == fields.count else {
                report("line \(record.line): \(record.fields.count) fields, expected \(fields.count) as in the header")
                continue
            }
            let present = zip(fields, record.fields).filter { !$0.1.isEmpty }
            try add("line \(record.line)", Dictionary(uniqueKeysWithValues: present.map { ($0.0, $0.1) }))
        }
    }

    mutating func readJSON(_ bytes: UnsafeRawBufferPointer) throws(GridError) {
        let objects: [[String: JSONScalar]]
        do {
            objects = try JSONDecoder().decode([[String: JSONScalar]].self, from: Data(bytes))
        } catch {
            throw GridError(.usage, "\(name): \(JSONScalar.explain(error))")
        }
        for (index, object) in objects.enumerated() {
            let place = "element \(index + 1)"
            var fields: [Field: String] = [:]
            for (key, value) in object.sorted(by: { $0.key < $1.key }) {
                guard let field = Field(named: key) else {
                    report("\(place): \(unknown(key))")
                    continue
                }
                guard let text = value.text, !text.isEmpty else { continue }
                if fields.updateValue(text, forKey: field) != nil { report("\(place): column \(field.name) is there twice") }
            }
            try add(place, fields)
        }
    }

    private mutating func add(_ place: String, _ fields: [Field: String]) throws(GridError) {
        rows.append((place, fields))
        guard rows.count <= Limits.alphasMax else {
            throw GridError(.usage, "\(name) has more than \(Limits.alphasMax) alphas, the most that is read")
        }
    }

    // MARK: Checking

    /// - Throws: one error with all that is wrong.
    mutating func finish() throws(GridError) -> AlphaMetadata {
        var used = Set<Int>()
        for row in rows {
            for case .column(let index) in row.fields.keys { used.insert(index) }
        }
        let columns = AlphaColumn.all.indices.filter(used.contains)
        var firstPlaces: [[UInt8]: String] = [:]
        var checked: [AlphaMetadata.Row] = []
        for (place, fields) in rows {
            let id = fields[.alphaID] ?? ""
            if let problem = AlphaIDRule.problem(id) { report("\(place), column alpha_id: \(problem)") }
            if let first = firstPlaces.updateValue(place, forKey: Array(id.utf8)), !id.isEmpty {
                report("\(place), column alpha_id: alpha \(id.printable) is already given in \(first)")
            }
            var row = AlphaMetadata.Row(alphaID: id, region: nil, type: nil, values: [])
            row.region = region(fields[.region], place)
            row.type = type(fields[.type], place)
            row.values = columns.map { value(fields[.column($0)], AlphaColumn.all[$0], place) }
            checked.append(row)
        }
        if checked.isEmpty && problems.isEmpty { throw GridError(.usage, "\(name) has no alphas: expected at least one") }
        guard problems.isEmpty else {
            let tail = problemCount > problems.count ? ["and \(problemCount - problems.count) more"] : []
            throw GridError(.usage, "\(name): " + (problems + tail).joined(separator: "; "))
        }
        return AlphaMetadata(columns: columns.map { AlphaColumn.all[$0] }, rows: checked)
    }

    private mutating func region(_ text: String?, _ place: String) -> Region? {
        guard let text else { return nil }
        do { return try Region(text) } catch {
            report("\(place), column region: \(error.message)")
            return nil
        }
    }

    private mutating func type(_ text: String?, _ place: String) -> String? {
        guard let text else { return nil }
        let expected = unsubmitted ? ["UNSUBMITTED"] : ["REGULAR", "SUPER"]
        if expected.contains(text) { return text }
        report("\(place), column alpha_type: '\(text.printable)' is not valid: expected \(expected.joined(separator: " or "))")
        return nil
    }

    private mutating func value(_ text: String?, _ column: AlphaColumn, _ place: String) -> String? {
        guard let text else { return nil }
        switch column.parse(text) {
        case .success(let value): return value
        case .failure(let problem):
            report("\(place), column \(column.name): \(problem.text)")
            return nil
        }
    }
}
