import ClusterModel
import Foundation
import LocalPostgres

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The watcher's half of a promise: when `alphagrid up` ends without having stopped its cluster, as after `kill -9`,
/// somebody else does.
///
/// `up` holds the writing end of a pipe and says there which processes run; the guard holds the reading end. The end
/// of the pipe without a farewell means that `up` is gone. The guard also holds the lock of the state folder, so that
/// no new cluster starts on it before the old one has ended.
struct ClusterGuard {
    enum Line: Equatable {
        case runs(String, ProcessIdentity)
        case farewell

        /// - Returns: nil for what is no such line, such as one that a crash cut off.
        init?(parsing text: some StringProtocol) {
            if text == "farewell" {
                self = .farewell
                return
            }
            let parts = text.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let identity = ProcessIdentity(parsing: parts[1]) else { return nil }
            self = .runs(String(parts[0]), identity)
        }

        var text: String {
            switch self {
            case .runs(let role, let identity): "\(role) \(identity)\n"
            case .farewell: "farewell\n"
            }
        }
    }

    static let coordinatorRole = "coordinator"
    static let workerSecondsMax = 20.0
    static let coordinatorSecondsMax = 20.0

    /// Latest process of each role, in the order the roles appeared.
    private(set) var running: [(role: String, identity: ProcessIdentity)] = []
    private(set) var dismissed = false

    mutating func heard(_ line: some StringProtocol) {
        switch Line(parsing: line) {
        case .runs(let role, let identity)?:
            running.removeAll { $0.role == role }
            running.append((role, identity))
        case .farewell?: dismissed = true
        case nil: break
        }
    }

    /// Workers first, so that none loses its coordinator; then the coordinator; the database last.
    func stopCluster(stateDirectory: String) {
        Self.end(running.map { ($0.role, $0.identity) })
        try? LocalPostgres(directory: stateDirectory).stop()
        if let file = try? ConnectionFile.read(in: stateDirectory) { file.remove(in: stateDirectory) }
    }

    static func end(
        _ processes: [(role: String, identity: ProcessIdentity)], isUrgent: () -> Bool = { false }
    ) {
        let workers = processes.filter { $0.role != coordinatorRole }.map(\.identity)
        ProcessIdentity.end(workers, gracefulSeconds: workerSecondsMax, isUrgent: isUrgent)
        let coordinators = processes.filter { $0.role == coordinatorRole }.map(\.identity)
        ProcessIdentity.end(coordinators, gracefulSeconds: coordinatorSecondsMax, isUrgent: isUrgent)
    }

    /// Reads until the pipe ends.
    mutating func listen(to descriptor: Int32) {
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            pending += buffer[0..<count]
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                heard(String(decoding: pending[..<end], as: UTF8.self))
                pending.removeSubrange(...end)
            }
        }
    }
}
