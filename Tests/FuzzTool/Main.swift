import ClusterModel
import Foundation
import FuzzTargets

// `Scripts/fuzz` builds this with libFuzzer, which has a `main` of its own and calls what is exported here. Built without, the
// program runs inputs that were found.

private func target(_ name: String) -> any FuzzTarget.Type {
    guard let target = FuzzTargets.named(name) else {
        fatalError("'\(name)' is no target: expected one of \(FuzzTargets.all.map { $0.name }.joined(separator: ", "))")
    }
    return target
}

#if FUZZING
private let chosen = target(ProcessInfo.processInfo.environment["ALPHAGRID_FUZZ_TARGET"] ?? "")

@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        _ = try chosen.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(error)")
    }
    return 0
}

/// Writes the seeds of all targets, a folder each, where the environment asks for that, and does nothing else then.
@_cdecl("LLVMFuzzerInitialize")
package func fuzzInitialize(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    guard let folder = ProcessInfo.processInfo.environment["ALPHAGRID_FUZZ_SEEDS"] else { return 0 }
    do {
        for target in FuzzTargets.all {
            let own = "\(folder)/\(target.name)"
            try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
            for (number, seed) in try target.seeds().enumerated() {
                try Data(seed).write(to: URL(fileURLWithPath: "\(own)/seed-\(number)"))
            }
        }
    } catch {
        fatalError("\(error)")
    }
    exit(0)
}
#else
/// usage: alphagrid-fuzz TARGET FILE...
@main struct FuzzTool {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let target = target(arguments.first ?? "")
        for path in arguments.dropFirst() {
            let input = try Data(contentsOf: URL(fileURLWithPath: path))
            do {
                print("\(path): \(try target.check(Array(input)) ? "valid" : "refused")")
            } catch {
                print("\(path): \(error)")
            }
        }
    }
}
#endif
