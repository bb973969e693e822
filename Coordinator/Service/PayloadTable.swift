import ClusterModel
import Synchronization

/// Keeps payload bytes while the machines, which never see them, pass their handles around.
final class PayloadTable: Sendable {
    private struct Entries {
        var next: UInt64 = 1
        var payloads: [PayloadHandle: Payload] = [:]
    }
    private let entries = Mutex(Entries())

    func insert(_ payload: Payload) -> PayloadHandle {
        entries.withLock {
            let handle = PayloadHandle($0.next)
            $0.next += 1
            $0.payloads[handle] = payload
            return handle
        }
    }

    func payload(_ handle: PayloadHandle) -> Payload? {
        entries.withLock { $0.payloads[handle] }
    }

    /// The payload, which the table forgets; nil when it is not there.
    @discardableResult
    func remove(_ handle: PayloadHandle) -> Payload? {
        entries.withLock { $0.payloads.removeValue(forKey: handle) }
    }
}
