import ClusterModel
import Foundation
import Jobs
import Panel

/// The file beside a kept panel in which the state of its last correlation job lies. Whatever is wrong with it costs time
/// only, so nothing here fails a job.
struct KeptState: Sendable {
    let path: String
    let log: @Sendable (String) -> Void

    /// The state, if a job of `plan` can go on from it with the workers there are.
    ///
    /// - Parameter profiles: of the workers connected; only theirs can give the bits that the state has.
    func read(for plan: CorrelationPlan, _ alphaIDs: [String], profiles: Set<String>) -> CorrelationState? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do throws(GridError) {
            let bytes = try FileSystem.contents(of: path)
            guard let state = try CorrelationState(decoding: bytes, for: plan, alphaIDs: alphaIDs) else { return nil }
            let new = plan.layout.alphaCount - state.alphaCount
            guard profiles.contains(state.profile.description) || new == 0 && profiles.isEmpty else { return nil }
            log("the kept result covers \(state.alphaCount) alphas, so \(new) are correlated anew")
            return state
        } catch {
            log("the kept result is not used: \(error)")
            return nil
        }
    }

    func write(_ state: CorrelationState) {
        do throws(GridError) {
            let file = try AtomicFile(path: path)
            try file.write(state.encoded())
            try file.commit()
        } catch {
            log("the result is not kept: \(error)")
        }
    }
}

extension CorrelationParameters {
    /// For a file's name: parameters that differ differ in it.
    var fileName: String {
        let rule = edges.map { "-\($0.absolute ? "a" : "r")\($0.from)" } ?? ""
        return "\(convention.rawValue)-\(window)-\(minOverlap)-\(precision.rawValue)-\(neighbours)\(rule)"
    }
}
