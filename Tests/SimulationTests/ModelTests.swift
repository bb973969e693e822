import ClusterModel
import Simulation
import Testing

@Suite("The model of a correlation job on a cluster")
struct ModelTests {
    private func settings(
        alphas: Int = 3_000, hosts: Int = 3, slots: Int = 2, _ change: (inout ModelSettings) -> Void = { _ in }
    ) -> ModelSettings {
        var settings = ModelSettings()
        (settings.alphas, settings.days, settings.hosts, settings.slots) = (alphas, 100, hosts, slots)
        change(&settings)
        return settings
    }

    @Test(
        "Every task is merged once, every pair is in one of them, and the products are those of all padded tiles",
        arguments: [(256, 1, 1), (3_000, 3, 2), (3_001, 5, 4), (5_120, 16, 32)], [false, true])
    func conservation(size: (alphas: Int, hosts: Int, slots: Int), servesPeers: Bool) throws {
        let settings = settings(alphas: size.alphas, hosts: size.hosts, slots: size.slots) { $0.servesPeers = servesPeers }
        let outcome = try runModel(settings)
        #expect(outcome.tasks > 0)
        #expect(outcome.tasksMerged == outcome.tasks)
        #expect(outcome.pairsMerged == size.alphas * (size.alphas - 1) / 2)
        let blocks = (size.alphas + 255) / 256
        #expect(outcome.flopsMerged == Double(blocks * (blocks + 1) / 2) * 2 * 256 * 256 * 100)
        #expect(outcome.flopsMerged >= settings.flops)
    }

    @Test("The rows whose median the brackets miss are computed again, each tile once")
    func redos() throws {
        let outcome = try runModel(settings(alphas: 20_000, hosts: 4, slots: 8))
        #expect(outcome.tasksMerged == outcome.tasks)
        #expect(outcome.pairsMerged == 20_000 * 19_999 / 2)
        // 79 blocks in waves of 1, 7, 56 and 15 rows; 3 x 20,000 x 0.0000633 = 3 alphas missed, in 3 blocks.
        let redone = 3 * 79 - 3
        #expect(outcome.flopsMerged == Double(79 * 80 / 2 + redone) * 2 * 256 * 256 * 100)
    }

    @Test("With slow slots the time is that of the products, the overhead included")
    func slowSlots() throws {
        let outcome = try runModel(settings(hosts: 1, slots: 1) { ($0.gigaflopsPerSlot, $0.overhead) = (0.1, 1.4) })
        let seconds = outcome.flopsMerged / 0.1e9 * 1.4
        #expect(abs(outcome.slotSeconds - seconds) < 1e-6 * seconds)
        #expect(outcome.seconds >= seconds && outcome.seconds < 1.01 * seconds)
        #expect(outcome.loads.max { $0.share < $1.share }?.name == "compute")
    }

    @Test("With a slow line the time is that of the bytes, and a host gets every block once")
    func slowLine() throws {
        let outcome = try runModel(settings(hosts: 1, slots: 16) { $0.gigabitsPerSecond = 0.01 })
        let blockBytes = Double(12 * 256 * 100 * 8)
        #expect(outcome.blocksFromCoordinator == 12)
        #expect(outcome.coordinatorBytesSent > blockBytes && outcome.coordinatorBytesSent < 2 * blockBytes)
        #expect(outcome.seconds > blockBytes / (0.01e9 / 8))
        #expect(outcome.loads.max { $0.share < $1.share }?.name.hasPrefix("coordinator") == true)
    }

    @Test("Hosts that serve each other take work off the coordinator, and the job is done sooner")
    func peers() throws {
        let alone = try runModel(settings(alphas: 10_000, hosts: 8, slots: 8) { $0.days = 1_250 })
        let together = try runModel(
            settings(alphas: 10_000, hosts: 8, slots: 8) { ($0.days, $0.servesPeers) = (1_250, true) })
        #expect(alone.blocksFromPeers == 0)
        #expect(together.blocksFromPeers > together.blocksFromCoordinator)
        #expect(together.blocksFromCoordinator < alone.blocksFromCoordinator)
        #expect(together.coordinatorBytesSent < alone.coordinatorBytesSent)
        #expect(together.seconds < alone.seconds)
        // 40 blocks go out about once, instead of once to nearly every host.
        #expect(together.blocksFromCoordinator < 2 * 40)
        #expect(alone.blocksFromCoordinator > 5 * 40)
    }

    @Test("Hosts that hold little are asked in vain now and then, and still every pair is merged")
    func forgetfulPeers() throws {
        let settings = settings(alphas: 6_000, hosts: 4, slots: 4) {
            $0.cacheBytes = 8 * $0.cachedBlockBytes
            $0.servesPeers = true
        }
        let outcome = try runModel(settings)
        #expect(outcome.blocksGone > 0)
        #expect(outcome.tasksMerged == outcome.tasks)
        #expect(outcome.pairsMerged == 6_000 * 5_999 / 2)
    }

    @Test("A cache that holds too little has blocks sent again, and holds no more than it may")
    func smallCache() throws {
        let large = try runModel(settings(hosts: 1))
        let small = try runModel(settings(hosts: 1) { $0.cacheBytes = 4 * $0.cachedBlockBytes })
        #expect(large.blocksFromCoordinator == 12)
        #expect(small.blocksFromCoordinator > 12)
        #expect(small.tasksMerged == small.tasks)
    }

    @Test("Blocks of float32 values take half the bytes, and less time where the coordinator's line limits")
    func smallValues() throws {
        let outcomes = try [8, 4].map { bytes in
            try runModel(settings(alphas: 10_000, hosts: 8, slots: 8) { ($0.days, $0.valueBytes) = (1_250, bytes) })
        }
        // What is sent per block: the leases and other messages are small.
        let sent = outcomes.map { $0.coordinatorBytesSent / Double($0.blocksFromCoordinator) / (256 * 1_250) }
        #expect(abs(sent[0] - 8) < 0.4 && abs(sent[1] - 4) < 0.4)
        #expect(outcomes[1].seconds < 0.8 * outcomes[0].seconds)
    }

    @Test("The same settings give the same time and the same bytes")
    func repeatable() throws {
        let (first, second) = (try runModel(settings(hosts: 7)), try runModel(settings(hosts: 7)))
        #expect(first.seconds == second.seconds && first.coordinatorBytesSent == second.coordinatorBytesSent)
    }

    @Test("Settings that no cluster has are refused")
    func refused() {
        #expect(throws: GridError.self) { try runModel(settings(hosts: 0)) }
        #expect(throws: GridError.self) { try runModel(settings { $0.gigabitsPerSecond = 0 }) }
        #expect(throws: GridError.self) { try runModel(settings(alphas: 0)) }
        #expect(throws: GridError.self) { try runModel(settings { $0.valueBytes = 3 }) }
    }
}
