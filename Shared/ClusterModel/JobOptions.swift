/// The parameters that only one kind of job has, by name. Taken one by one; what nobody took is an error, so that a misspelt
/// one is never silently ignored.
package struct JobOptions {
    private let values: [String: String]
    private let kind: String
    /// Those that were asked for.
    package private(set) var known: [String] = []
    /// What those may be that are one or several of a few words.
    package private(set) var choices: [String: (words: [String], areSeveral: Bool)] = [:]

    /// - Parameter kind: of the job, for messages.
    package init(_ values: [String: String], kind: String) {
        self.values = values
        self.kind = kind
    }

    package mutating func text(_ name: String) -> String? {
        known.append(name)
        return values[name]
    }

    package mutating func whole(_ name: String, in range: ClosedRange<Int>) throws(GridError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw invalid(name, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    package mutating func number(_ name: String, in range: ClosedRange<Double>) throws(GridError) -> Double? {
        guard let text = text(name) else { return nil }
        guard let value = Double(text), range.contains(value) else {
            throw invalid(name, text, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    package mutating func truth(_ name: String) throws(GridError) -> Bool? {
        choices[name] = (["true", "false"], false)
        guard let text = text(name) else { return nil }
        guard let value = Bool(text) else { throw invalid(name, text, "true or false") }
        return value
    }

    /// One of the values of an enumeration, by its raw value.
    package mutating func choice<Value: CaseIterable & RawRepresentable<String>>(
        _ name: String, of type: Value.Type
    ) throws(GridError) -> Value? {
        choices[name] = (Value.allCases.map(\.rawValue), false)
        guard let text = text(name) else { return nil }
        return try value(text, name)
    }

    /// Several of them, separated by commas; each at most once.
    package mutating func choices<Value: CaseIterable & RawRepresentable<String>>(
        _ name: String, of type: Value.Type
    ) throws(GridError) -> [Value]? {
        choices[name] = (Value.allCases.map(\.rawValue), true)
        guard let text = text(name) else { return nil }
        var found: [Value] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let value: Value = try value(part.trimmingBlanks, name)
            guard !found.contains(where: { $0.rawValue == value.rawValue }) else {
                throw GridError(.usage, "parameter \(name) names '\(value.rawValue)' twice: expected it once")
            }
            found.append(value)
        }
        return found
    }

    private func value<Value: CaseIterable & RawRepresentable<String>>(
        _ text: String, _ name: String
    ) throws(GridError) -> Value {
        guard let value = Value(rawValue: text) else {
            throw invalid(name, text, "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    private func invalid(_ name: String, _ text: String, _ expected: String) -> GridError {
        GridError(.usage, "parameter \(name) is '\(text.printable)': expected \(expected)")
    }

    /// - Throws: `GridError(.usage)` naming the first parameter, in bytewise order, that was never asked for.
    package func expectNothingElse() throws(GridError) {
        guard let extra = values.keys.filter({ !known.contains($0) }).min() else { return }
        guard !Self.common.contains(extra) else {
            throw GridError(
                .usage, "parameter '\(extra)' is one of every job: give it as a field of the job, not among its params")
        }
        let names = known.isEmpty ? "none of their own" : known.sorted().joined(separator: ", ")
        let own = "\(kind) jobs have \(names)"
        throw GridError(
            .usage,
            "parameter '\(extra.printable)' is unknown: \(own), and all jobs \(Self.common.joined(separator: ", "))")
    }

    /// What can be said of a job of any kind.
    package static let common = ["block_edge", "convention", "min_overlap", "pool", "precision", "window"]
}

extension Substring {
    /// Without blanks at either end.
    fileprivate var trimmingBlanks: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
