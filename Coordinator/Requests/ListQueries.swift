import ClusterModel

// What the query of a list asks for.

extension SortKey {
    /// - Parameter text: `column`, or `-column` for the largest first.
    package init(parsing text: String) throws(GridError) {
        let isDescending = text.hasPrefix("-")
        let column = isDescending ? String(text.dropFirst()) : text
        guard column.isColumnName else {
            throw GridError(
                .usage, "sort '\(text.printable)' is not valid: expected the name of a column, with - before it for descending")
        }
        self.init(column, isDescending: isDescending)
    }

    fileprivate init?(_ query: QueryParameters, among columns: [String]) throws(GridError) {
        guard let text = query["sort"] else { return nil }
        try self.init(parsing: text)
        guard columns.contains(column) else {
            throw GridError(
                .usage, "cannot sort by '\(column.printable)': expected one of \(columns.joined(separator: ", "))")
        }
    }
}

extension JobsRequest {
    package static let queryNames = ["before", "kind", "limit", "offset", "region", "sort", "state"]
    package static let limitDefault = 50

    package init(_ query: QueryParameters) throws(GridError) {
        self.init(limit: try query.whole("limit", in: 1...Limits.jobsListedMax) ?? Self.limitDefault)
        before = try query["before"].map { text throws(GridError) in try JobID(parsing: text) }
        try take(states: try query.list("state", countMax: Self.stateNames.count) ?? [], field: "state")
        kind = query["kind"]
        region = try query["region"].map { text throws(GridError) in try Region(text).name }
        sort = try SortKey(query, among: Self.columns)
        offset = try query.whole("offset", in: 0...Int(Int32.max)) ?? 0
        guard before == nil || isPagedByID && offset == 0 else {
            throw GridError(.usage, "before goes with the newest jobs first: expected offset with another sort")
        }
    }
}

/// Which workers a list should have.
package struct WorkersRequest: Hashable, Sendable {
    package var states: [String] = []
    package var host: String?
    package var sort: SortKey?
    /// nil for all.
    package var limit: Int?
    package var offset = 0
    package init() {}

    package static let queryNames = ["host", "limit", "offset", "sort", "state"]
    package static let states = ["connected", "drained", "draining", "lost", "suspect"]
    package static let columns = [
        "cached_bytes", "gigaflops_per_second", "heartbeat_age_seconds", "host", "memory_bytes", "queued", "running", "slots",
        "state", "tasks_done", "tasks_failed", "worker",
    ]

    package init(_ query: QueryParameters) throws(GridError) {
        for name in try query.list("state", countMax: Self.states.count) ?? [] {
            guard Self.states.contains(name) else {
                throw GridError(
                    .usage, "state '\(name.printable)' is unknown: expected some of \(Self.states.joined(separator: ", "))")
            }
            states.append(name)
        }
        host = query["host"]
        sort = try SortKey(query, among: Self.columns)
        limit = try query.whole("limit", in: 1...Limits.workersMax)
        offset = try query.whole("offset", in: 0...Limits.workersMax) ?? 0
    }

    /// The page of these workers that is asked for, and where the next one begins.
    package func page(of workers: [WorkerView]) -> (workers: [WorkerView], nextOffset: Int?) {
        var found = workers.filter { (states.isEmpty || states.contains($0.state)) && (host == nil || $0.host == host) }
        if let sort {
            // Workers that are equal stay in the order of their names, whichever way it goes.
            found = found.enumerated().sorted { a, b in
                let (x, y) = (Self.value(sort.column, a.element), Self.value(sort.column, b.element))
                if x == y { return a.offset < b.offset }
                return sort.isDescending ? y < x : x < y
            }.map(\.element)
        }
        let page = found.dropFirst(offset).prefix(limit ?? .max)
        return (Array(page), offset + page.count < found.count && !page.isEmpty ? offset + page.count : nil)
    }

    /// Numbers before texts; only one of both is ever there.
    private struct Value: Equatable, Comparable {
        var number = 0.0
        var text: [UInt8] = []

        static func < (a: Value, b: Value) -> Bool {
            a.number == b.number ? a.text.lexicographicallyPrecedes(b.text) : a.number < b.number
        }
    }

    private static func value(_ column: String, _ worker: WorkerView) -> Value {
        switch column {
        case "cached_bytes": Value(number: Double(worker.cachedBytes))
        case "gigaflops_per_second": Value(number: worker.gigaflopsPerSecond)
        case "heartbeat_age_seconds": Value(number: worker.heartbeatAgeSeconds)
        case "host": Value(text: Array(worker.host.utf8))
        case "memory_bytes": Value(number: Double(worker.memoryBytes))
        case "queued": Value(number: Double(worker.queued))
        case "running": Value(number: Double(worker.running))
        case "slots": Value(number: Double(worker.slots))
        case "state": Value(text: Array(worker.state.utf8))
        case "tasks_done": Value(number: Double(worker.tasksDone))
        case "tasks_failed": Value(number: Double(worker.tasksFailed))
        default: Value(text: Array(worker.worker.utf8))
        }
    }
}

extension String {
    /// Whether it is made of small letters, digits and `_`, as all columns are; which ones there are the table says.
    var isColumnName: Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return (1...63).contains(utf8.count)
            && utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_") }
    }
}
