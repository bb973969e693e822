import ClusterModel

// What strangers' bytes go through, each door as one function that says whether all was as it must be. The fuzzer
// (`Scripts/fuzz`) calls them with bytes that it makes up; the tests with bytes that were found once, and a few thousand more.

/// A door through which bytes from outside come in.
package protocol FuzzTarget {
    /// As `Scripts/fuzz` takes it.
    static var name: String { get }
    /// Inputs that are valid, made by the code that is tested, so that they never grow old.
    static func seeds() throws -> [[UInt8]]
    /// Does with the input what the programs would do.
    ///
    /// - Returns: whether it was taken for something valid.
    /// - Throws: `Violation` when a promise was broken; refusing an input with a `GridError` is what is expected.
    static func check(_ input: [UInt8]) throws -> Bool
}

/// A promise that was broken.
package struct Violation: Error, CustomStringConvertible {
    package let description: String
}

package enum FuzzTargets {
    package static var all: [any FuzzTarget.Type] {
        [
            ExpressionsTarget.self, MetadataTarget.self, NPYTarget.self, PanelFileTarget.self, PartialsTarget.self,
            PnLTarget.self, RequestsTarget.self, SchedulerTarget.self, StateTarget.self, TasksTarget.self, WireTarget.self,
            WorkTarget.self,
        ]
    }

    package static func named(_ name: String) -> (any FuzzTarget.Type)? { all.first { $0.name == name } }
}

func promise(_ kept: Bool, _ what: @autoclosure () -> String) throws {
    guard kept else { throw Violation(description: what()) }
}

/// What `body` gives, or nil when it refused the input as it may: with a `GridError` of an allowed kind, in one line.
func accepted<Value>(as kinds: Set<GridError.Kind> = [.usage], _ body: () throws -> Value) throws -> Value? {
    do {
        return try body()
    } catch let error as GridError {
        try promise(kinds.contains(error.kind), "refused as \(error.kind): \(error)")
        try promise(!error.message.isEmpty, "refused without a word")
        let isLine = error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
        try promise(isLine, "control characters in the message \(error.message.debugDescription)")
        // Twenty problems of a file, each with what it repeats of it.
        try promise(error.message.utf8.count <= 20_000, "a message of \(error.message.utf8.count) bytes")
        return nil
    } catch let violation as Violation {
        throw violation
    } catch {
        throw Violation(description: "an error of another type: \(error)")
    }
}
