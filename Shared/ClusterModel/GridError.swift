/// A failure that a person reads: one sentence that names what is wrong and what was expected.
///
/// The kind decides the exit code and the HTTP status; the message never holds secrets.
package struct GridError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// Input, flag or field that does not say something valid. Exit 2, status 400.
        case usage
        /// A job, worker, region, file or table that is not there. Exit 3, status 404.
        case notFound
        /// It is valid but does not fit the present state. Exit 1, status 409.
        case conflict
        /// The coordinator, database or another service does not answer. Exit 4, status 503.
        case unreachable
        /// Some of it was done, and what was not is named. Exit 5, status 500.
        case partlyDone
        /// Bytes or results are not what was made: memory, CPU or disk of a machine is suspect. Exit 1, status 500.
        case damaged
        /// Anything else that failed. Exit 1, status 500.
        case failed
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }

    package var exitCode: Int32 {
        switch kind {
        case .failed, .damaged, .conflict: 1
        case .usage: 2
        case .notFound: 3
        case .unreachable: 4
        case .partlyDone: 5
        }
    }
}
