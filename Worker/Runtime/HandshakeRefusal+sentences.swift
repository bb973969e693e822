import ClusterModel
import Logging
import Messaging

extension HandshakeRefusal {
    /// What a worker says that is kept out of a coordinator.
    func sentence(of coordinator: Endpoint, keyName: String?) -> String {
        guard let keyName else {
            let advice = "have 'alphagrid keys add' make one there, and start this worker with --key FILE"
            return self == .closed
                ? "\(coordinator) hung up before a word was said: it lets nobody in without a key (\(advice)), or the line "
                    + "was cut"
                : "\(coordinator) lets nobody in without a key: \(advice)"
        }
        return switch self {
        case .keyUnknown, .strangeKey:
            "\(coordinator) refuses the key '\(keyName)', which is not known there or was revoked: have it added with "
                + "'alphagrid keys add'"
        case .onlyOneHasKeys, .keyMismatch:
            "\(coordinator) has no keys, and the key '\(keyName)' is shown to none without: have 'alphagrid keys init' make them"
        case .closed:
            "\(coordinator) hung up when the key '\(keyName)' was shown: the line was cut, it has no keys, or it is not the "
                + "coordinator that the key file was made for"
        case .notUnderstood:
            "\(coordinator) does not speak the protocol of workers and coordinators"
        }
    }
}

/// What is said of peers that were kept out: the first at once, the others as a count, lest they fill the disk.
package struct RefusalLog {
    private var saidAt: MonotonicTime?
    private var unsaid = 0
    private let source: String

    /// - Parameter source: what the log calls the part of the program that speaks.
    package init(source: String) { self.source = source }

    package mutating func note(_ refusal: HandshakeRefusal, isKeyed: Bool, at now: MonotonicTime, to logger: Logger) {
        if let saidAt, now < saidAt.advanced(milliseconds: Limits.refusalsLoggedMilliseconds) {
            unsaid += 1
            return
        }
        saidAt = now
        let others = unsaid == 0 ? "" : " (and \(unsaid) more like it since the last line)"
        unsaid = 0
        logger.warning("kept out \(Self.sentence(refusal, isKeyed: isKeyed))\(others)", source: source)
    }

    private static func sentence(_ refusal: HandshakeRefusal, isKeyed: Bool) -> String {
        switch refusal {
        case .strangeKey(let address):
            "a peer at \(address) whose key is not known here, or was revoked: 'alphagrid keys add' makes one that is"
        case .keyMismatch(let address):
            isKeyed
                ? "a peer without a key at \(address): workers need one from 'alphagrid keys add', named by --key"
                : "a peer with a key at \(address): there are no keys here; 'alphagrid keys init' makes them"
        case .keyUnknown, .onlyOneHasKeys, .closed, .notUnderstood: "a peer that is not understood"
        }
    }
}
