/// Values by alpha id, ids being told apart by their bytes as everywhere else: a `Dictionary` of `String` takes those that are
/// canonically equivalent Unicode for one.
package struct ByAlphaID<Value> {
    private var byBytes: [[UInt8]: Value] = [:]

    package init() {}

    package subscript(id: String) -> Value? {
        get { byBytes[Array(id.utf8)] }
        set { byBytes[Array(id.utf8)] = newValue }
    }

    package subscript(id: String, default value: @autoclosure () -> Value) -> Value {
        get { byBytes[Array(id.utf8), default: value()] }
        _modify { yield &byBytes[Array(id.utf8), default: value()] }
    }

    package var isEmpty: Bool { byBytes.isEmpty }
    /// In no particular order.
    package var values: some Sequence<Value> { byBytes.values }
}

extension ByAlphaID: Sendable where Value: Sendable {}
extension ByAlphaID: Equatable where Value: Equatable {}

extension ByAlphaID: ExpressibleByDictionaryLiteral {
    /// Of values with the same id the last one counts.
    package init(dictionaryLiteral elements: (String, Value)...) {
        for (id, value) in elements { self[id] = value }
    }
}
