import ClusterModel

extension ResultFilter {
    /// - Parameter text: `column:lt:0.3`, `column:null`.
    package init(parsing text: String) throws(GridError) {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, parts[0].isColumnName, let comparison = Comparison(rawValue: parts[1]),
            comparison.takesValue == (parts.count == 3)
        else { throw Self.invalid(text) }
        try self.init(parts[0], comparison, value: parts.count == 3 ? parts[2] : "")
    }

    /// - Parameter text: As people write it: `column<0.3`, `column != A`, `column null`; also as `parsing` takes it.
    package init(written text: String) throws(GridError) {
        // The longer ones first, so that none is taken for its own beginning.
        let signs: [(sign: String, comparison: Comparison)] = [
            ("<=", .le), (">=", .ge), ("!=", .ne), ("==", .eq), ("<", .lt), (">", .gt), ("=", .eq),
        ]
        let column = String(text.prefix { "abcdefghijklmnopqrstuvwxyz0123456789_".contains($0) })
        let rest = Self.trimmed(text.dropFirst(column.count))
        if rest.hasPrefix(":") {
            try self.init(parsing: text)
            return
        }
        if let comparison = Comparison(rawValue: rest), !comparison.takesValue, column.isColumnName {
            try self.init(column, comparison, value: "")
            return
        }
        guard column.isColumnName, let (sign, comparison) = signs.first(where: { rest.hasPrefix($0.sign) }) else {
            throw Self.invalid(text)
        }
        try self.init(column, comparison, value: Self.trimmed(rest.dropFirst(sign.count)))
    }

    private init(_ column: String, _ comparison: Comparison, value: String) throws(GridError) {
        let isText = value.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard value.utf8.count <= Limits.resultFilterBytesMax, isText else {
            throw GridError(
                .usage,
                "filter of '\(column)' has the value '\(value.printable)': expected a text of at most "
                    + "\(Limits.resultFilterBytesMax) bytes")
        }
        self.init(column, comparison, value)
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private static func invalid(_ text: String) -> GridError {
        let names = Comparison.allCases.map(\.rawValue).joined(separator: ", ")
        return GridError(
            .usage,
            "filter '\(text.printable)' is not valid: expected COLUMN:COMPARISON:VALUE such as max_correlation:lt:0.3, or "
                + "COLUMN:null, with one of \(names); on the command line also 'max_correlation<0.3' and the like")
    }
}

extension ResultRequest {
    package static let queryNames = [
        "alpha_id", "columns", "delay", "filter", "format", "job", "limit", "method", "offset", "sort", "type", "universe",
    ]
    package static let queryRepeatable = ["filter"]

    /// - Parameter isFile: Whether the answer is one that is kept, which may be longer.
    package init(_ result: RegionResult, _ query: QueryParameters, isFile: Bool) throws(GridError) {
        let rowsMax = isFile ? Limits.resultFileRowsMax : Limits.resultRowsMax
        self.init(
            result, limit: try query.whole("limit", in: 1...rowsMax) ?? (isFile ? rowsMax : Self.limitDefault),
            offset: try query.whole("offset", in: 0...Int(Int32.max)) ?? 0)
        alphaID = query["alpha_id"]
        columns = try query.list("columns", countMax: 200)
        delay = try query.whole("delay", in: 0...1_000)
        job = try query["job"].map { text throws(GridError) in try JobID(parsing: text) }
        method = query["method"]
        type = query["type"]
        universe = query["universe"]
        let filters = query.all("filter")
        guard filters.count <= Limits.resultFiltersMax else {
            throw GridError(.usage, "there are \(filters.count) filters: expected at most \(Limits.resultFiltersMax)")
        }
        for text in filters { self.filters.append(try ResultFilter(parsing: text)) }
        for text in try query.list("sort", countMax: Limits.sortKeysMax) ?? [] { sort.append(try SortKey(parsing: text)) }
    }
}

extension MatrixRequest {
    package static let queryNames = ["alphas", "columns", "format", "method", "order", "pool", "rows", "size", "window"]

    package init(_ query: QueryParameters) throws(GridError) {
        self.init()
        alphas = try query.list("alphas", countMax: Limits.matrixAlphasNamedMax)
        columns = try Self.range(query, "columns")
        rows = try Self.range(query, "rows")
        method = query["method"]
        pool = query["pool"]
        size = try query.whole("size", in: 1...Limits.matrixCellsMax) ?? Self.sizeDefault
        window = query["window"]
        if let text = query["order"] {
            guard let order = Order(rawValue: text), order != .named else {
                throw GridError(.usage, "query parameter 'order' is '\(text.printable)': expected id or cluster")
            }
            self.order = order
        }
        if alphas != nil {
            guard query["order"] == nil else {
                throw GridError(.usage, "alphas that are named stand in the order they are named in: leave 'order' out")
            }
            order = .named
        }
    }

    /// `FROM:TO`, positions from 0 and the one behind the last.
    private static func range(_ query: QueryParameters, _ name: String) throws(GridError) -> Range<Int>? {
        guard let text = query[name] else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let numbers = parts.compactMap { part -> Int? in
            part.utf8.allSatisfy { digits.contains($0) } ? Int(part) : nil
        }
        guard parts.count == 2, numbers.count == 2, numbers[0] < numbers[1], numbers[1] <= Limits.alphasMax else {
            throw GridError(
                .usage,
                "query parameter '\(name)' is '\(text.printable)': expected FROM:TO such as 0:400, with FROM below TO and TO at "
                    + "most \(Limits.alphasMax)")
        }
        return numbers[0]..<numbers[1]
    }
}

/// How rows or a matrix are written.
package enum AnswerFormat: String, CaseIterable, Sendable {
    case json, csv, npy

    package var mediaType: String {
        switch self {
        case .json: "application/json"
        case .csv: "text/csv; charset=utf-8"
        case .npy: "application/octet-stream"
        }
    }

    /// - Parameters:
    ///   - accept: The header of that name; what it says of weights is not looked at, the first that is possible counts.
    ///   - possible: Never empty; the first one is the default.
    /// - Returns: nil when the header wants something else.
    package init?(_ query: QueryParameters, accept: String?, among possible: [AnswerFormat]) throws(GridError) {
        if let text = query["format"] {
            guard let format = AnswerFormat(rawValue: text), possible.contains(format) else {
                let names = possible.map(\.rawValue).joined(separator: ", ")
                throw GridError(.usage, "query parameter 'format' is '\(text.printable)': expected one of \(names)")
            }
            self = format
            return
        }
        for part in (accept ?? "*/*").split(separator: ",") {
            let media = (part.split(separator: ";").first ?? "").filter { $0 != " " }.lowercased()
            if let format = possible.first(where: { $0.isMeant(by: media) }) {
                self = format
                return
            }
        }
        return nil
    }

    /// - Parameter range: `text/csv`, `text/*` or `*/*`, in small letters.
    private func isMeant(by range: String) -> Bool {
        if range == "*/*" { return true }
        let own = mediaType.prefix { $0 != ";" }
        return range.hasSuffix("/*") ? own.hasPrefix(range.dropLast()) : own == range
    }
}
