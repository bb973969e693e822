import ClusterModel
import Foundation
import Messaging

/// Keys for one run of a benchmark, with the worker's in a file that only this user can read.
struct BenchKeys {
    let server: ServerKeys
    let worker: WorkerKey
    let file: String

    init() throws(GridError) {
        let (own, other) = (try KeyPair.make(), try KeyPair.make())
        server = ServerKeys(pair: own, ring: KeyRing([other.publicKey: "bench"]))
        worker = WorkerKey(name: "bench", pair: other, coordinator: own.publicKey)
        file = FileManager.default.temporaryDirectory.path + "/alphagrid-bench-\(UUID().uuidString).key"
        try PrivateFile.write(Data(worker.text.utf8), to: file)
    }

    func remove() { try? FileManager.default.removeItem(atPath: file) }
}
