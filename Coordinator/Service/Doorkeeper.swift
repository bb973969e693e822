import ClusterModel
import Logging
import Messaging
import WorkerRuntime

/// What the control socket makes of keys: whom a key may speak for, what a worker is believed, and the secret by which
/// workers know each other.
struct Doorkeeper {
    let keys: ServerKeys?
    /// Whether `--insecure` said that everybody who can connect may be believed.
    private let trustsNetwork: Bool
    /// Told to every worker that is welcomed, over its encrypted connection; nil without keys.
    private(set) var blockSecret: SecretKey?
    private var removalsSeen: UInt64 = 0
    private var refusals = RefusalLog(source: "Service")

    init(keys: ServerKeys?, trustsNetwork: Bool) {
        self.keys = keys
        self.trustsNetwork = trustsNetwork
        renewSecret()
    }

    /// Without one, which only a libzmq without CURVE leads to, workers share no blocks.
    private mutating func renewSecret() {
        guard let keys else { return }
        removalsSeen = keys.ring.removals
        blockSecret = try? KeyPair.make().secret
    }

    /// Makes a new secret when a key was revoked since the last one, so that its owner knows none that opens anything.
    /// - Returns: whether workers have to be told.
    mutating func renewSecretIfRevoked() -> Bool {
        guard let keys, keys.ring.removals != removalsSeen else { return false }
        renewSecret()
        return true
    }

    /// Why a hello is not accepted from whoever has shown this key; nil when it is.
    func refusal(of hello: Hello, keyName: String?) -> String? {
        guard let keys, let keyName else { return keys == nil ? nil : "this coordinator works with keyed workers only" }
        guard keys.ring.owner(of: hello.worker) != keyName else { return nil }
        return "the key '\(keyName)' is not for a worker named '\(hello.worker.rawValue.printable)': its name has to be "
            + "'\(keyName)', or to begin with '\(keyName)-' or '\(keyName).'"
    }

    /// A hello with the name of the key that was shown, and with a block endpoint only where others may be sent to it: that of a
    /// worker with a key, or on this machine.
    func believed(_ hello: Hello, keyName: String?) -> Hello {
        var hello = hello
        hello.keyName = keyName
        guard keys == nil, !trustsNetwork, let text = hello.blockEndpoint else { return hello }
        let endpoint = try? Endpoint(parsing: text, for: .connect, field: "the worker's block endpoint")
        if endpoint?.isLoopback != true { hello.blockEndpoint = nil }
        return hello
    }

    mutating func note(_ refusal: HandshakeRefusal, at now: MonotonicTime, to log: Logger) {
        refusals.note(refusal, isKeyed: keys != nil, at: now, to: log)
    }
}
