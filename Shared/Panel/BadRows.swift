import ClusterModel

/// Collects what is wrong with the rows of a file, so that one run names several of them.
///
/// The first `Limits.errorsReportedMax` are kept, the rest counted.
struct BadRows {
    private var problems: [String] = []
    private var more = 0

    var isEmpty: Bool { problems.isEmpty }

    mutating func add(_ problem: @autoclosure () -> String) {
        if problems.count < Limits.errorsReportedMax { problems.append(problem()) } else { more += 1 }
    }

    /// What is wrong with a row of another length than its header.
    static func wrongLength(_ count: Int, expected: Int, line: Int) -> String {
        "line \(line): \(count) field\(count == 1 ? "" : "s"), expected \(expected) as in the header"
    }

    /// - Throws: one `GridError(.usage)` with all that was collected, such as
    ///   `pnl/file.csv: line 7: 4 fields, expected 5; line 9: 3 fields, expected 5; and 3 more`.
    func throwIfAny(name: String) throws(GridError) {
        guard !isEmpty else { return }
        let tail = more > 0 ? ["and \(more) more"] : []
        throw GridError(.usage, "\(name): " + (problems + tail).joined(separator: "; "))
    }
}
