import ClusterModel

/// Why a text is no program of the expression language: the first thing that is wrong with it.
package struct ExpressionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A sentence without its place and without a full stop.
    package let message: String
    package let position: SourcePosition

    package init(_ message: String, at position: SourcePosition) {
        self.message = message
        self.position = position
    }

    package var line: Int { position.line }
    package var start: Int { position.start }
    package var end: Int { position.end }

    package var description: String { "\(position): \(message)" }

    /// The error as a person reads it among others.
    /// - Parameter subject: whose expression it is, such as `alpha AbC1`.
    package func error(in subject: String) -> GridError { GridError(.usage, "\(subject): \(self)") }
}
