import ClusterModel
import Messaging
import Testing

@testable import Service

@Suite struct DoorkeeperTests {
    private func hello(_ worker: String, endpoint: String? = nil) -> Hello {
        Hello(
            worker: WorkerID(worker), incarnation: 1, slots: 1, credit: 2, memoryBytes: 0,
            profile: NumericProfile(blasVersion: "1", coreType: "Zen", epilogueVersion: 1), host: "h", processID: 1, version: "1",
            blockEndpoint: endpoint)
    }

    @Test("A key speaks for workers of its name, and for none whose name is another key's")
    func names() throws {
        let ring = KeyRing([try KeyPair.make().publicKey: "host", try KeyPair.make().publicKey: "host-b"])
        let door = Doorkeeper(keys: ServerKeys(pair: try .make(), ring: ring), trustsNetwork: false)
        for worker in ["host", "host-1", "host.lan-1"] { #expect(door.refusal(of: hello(worker), keyName: "host") == nil) }
        for worker in ["host-b", "host-b-7", "other", "host7", "a\nb"] {
            let sentence = try #require(door.refusal(of: hello(worker), keyName: "host"), "\(worker)")
            #expect(sentence.contains("the key 'host' is not for a worker named") && !sentence.contains("\n"))
        }
        #expect(door.refusal(of: hello("host"), keyName: nil) != nil)
        #expect(Doorkeeper(keys: nil, trustsNetwork: false).refusal(of: hello("any"), keyName: nil) == nil)
    }

    @Test("Block endpoints are believed of workers with keys, on this machine, or where the network is trusted")
    func endpoints() throws {
        let keys = ServerKeys(pair: try .make(), ring: KeyRing())
        let (near, far) = ("tcp://127.0.0.1:5", "tcp://10.0.0.1:5")
        for (door, believed) in [
            (Doorkeeper(keys: keys, trustsNetwork: false), [near, far]),
            (Doorkeeper(keys: nil, trustsNetwork: true), [near, far]),
            (Doorkeeper(keys: nil, trustsNetwork: false), [near, nil]),
        ] as [(Doorkeeper, [String?])] {
            #expect([near, far].map { door.believed(hello("w", endpoint: $0), keyName: nil).blockEndpoint } == believed)
        }
        let open = Doorkeeper(keys: nil, trustsNetwork: false)
        #expect(open.believed(hello("w", endpoint: "nonsense"), keyName: nil).blockEndpoint == nil)
        var claims = hello("w", endpoint: near)
        claims.keyName = "other"
        #expect(Doorkeeper(keys: keys, trustsNetwork: false).believed(claims, keyName: "w").keyName == "w")
        #expect(open.believed(claims, keyName: nil).keyName == nil)
    }

    @Test("The secret of the blocks is made anew when a key was revoked, here or elsewhere, and only then")
    func secret() throws {
        let (kept, gone) = (try KeyPair.make().publicKey, try KeyPair.make().publicKey)
        let ring = KeyRing([kept: "kept", gone: "gone"])
        var door = Doorkeeper(keys: ServerKeys(pair: try .make(), ring: ring), trustsNetwork: false)
        let first = try #require(door.blockSecret)
        ring.replace([kept: "kept", gone: "gone", try KeyPair.make().publicKey: "new"])
        let afterAdding = door.renewSecretIfRevoked()
        #expect(!afterAdding && door.blockSecret == first)
        ring.replace([kept: "kept"])
        let afterRevoking = door.renewSecretIfRevoked()
        #expect(afterRevoking && door.blockSecret != first)
        let again = door.renewSecretIfRevoked()
        #expect(!again)
        let second = door.blockSecret
        ring.bar([kept: "2026-01-01T00:00:00.000Z"])
        let afterBarring = door.renewSecretIfRevoked()
        #expect(afterBarring && door.blockSecret != second)
        #expect(Doorkeeper(keys: nil, trustsNetwork: true).blockSecret == nil)
    }
}
