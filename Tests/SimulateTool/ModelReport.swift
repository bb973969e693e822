import ClusterModel
import Simulation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Models every size on every number of hosts, and prints a table of them, or a JSON object a line.
///
/// - Returns: whether all of them ended.
func showModel(_ arguments: Arguments) -> Bool {
    do throws(GridError) {
        for alphas in arguments.alphaCounts {
            var settings = arguments.model
            settings.alphas = alphas
            if !arguments.isJSON { print(ModelTable.heading(settings)) }
            for hosts in arguments.hostCounts {
                settings.hosts = hosts
                let outcome = try runModel(settings, cpuSeconds: threadSeconds)
                let memory = schedulerBytes(outcome)
                print(arguments.isJSON ? ModelTable.json(outcome, memory) : ModelTable.row(outcome, memory))
                fflush(nil)
            }
        }
    } catch {
        print(error.message)
        return false
    }
    if !arguments.isJSON { print(ModelTable.footing) }
    return true
}

private enum ModelTable {
    private static let columns = [
        ("hosts", 5), ("seconds", 9), ("of ideal", 8), ("slots", 6), ("sends", 6), ("takes", 6), ("merge", 6), ("sched", 6),
        ("leases", 6), ("direct", 6), ("bytes/flop", 10), ("blocks/host", 11), ("peers'", 6), ("tasks", 8), ("results", 8),
        ("held", 8),
        ("memory", 8), ("busiest", 20),
    ]

    static func heading(_ settings: ModelSettings) -> String {
        let source = "the coordinator" + (settings.servesPeers ? " and hosts that hold them" : "")
        return """

            n = \(settings.alphas), T = \(settings.days), \(settings.precision.rawValue): \(settings.slots) slots of \
            \(text(settings.gigaflopsPerSlot, 1)) GFLOP/s a host, overhead \(text(settings.overhead, 2)), \
            \(text(settings.gigabitsPerSecond, 1)) Gb/s, cache \(text(Double(settings.cacheBytes) / Double(1 << 30), 1)) GiB, \
            merging \(text(settings.mergeGigabytesPerSecond, 1)) GB/s; blocks of float\(8 * settings.valueBytes) from \(source)
            \(line(columns.map(\.0)))
            """
    }

    static let footing = """

        of ideal: time of n (n + 1) / 2 pairs at the peak of all slots over the time predicted. slots ... direct: how much of
        the time slots computed, the coordinator's line sent and took, its merging thread merged, its scheduler decided,
        leases were encoded, and its block server's directory named who has what (CPU time measured here). bytes/flop: sent by
        the coordinator. peers': part of the blocks that hosts sent. results: sent by hosts. held: those of the largest wave,
        in the coordinator's memory until it ends. memory: what the scheduler takes with its largest stage and all credit given.
        Real: stages, scheduler, worker engines, directory of blocks, sizes of leases and partials. Not modelled: reading the
        panel, its layout, hashing of blocks, the narrowing between waves, publishing, faults, unequal hosts.
        """

    static func row(_ outcome: ModelOutcome, _ schedulerBytes: Int) -> String {
        let blocks = outcome.blocksFromCoordinator + outcome.blocksFromPeers
        let loads = outcome.loads.map { percent($0.share) }
        return line(
            [String(outcome.settings.hosts), text(outcome.seconds, 2), percent(outcome.shareOfIdeal)] + loads + [
                text(outcome.bytesPerFlop * 1e3, 3) + "e-3", text(outcome.blocksPerHost, 0),
                percent(Double(outcome.blocksFromPeers) / Double(max(1, blocks))), String(outcome.tasks),
                text(outcome.resultBytes / 1e9, 1) + " GB",
                text(outcome.stageResultBytes / 1e9, 1) + " GB", text(Double(schedulerBytes) / 1e6, 1) + " MB",
                busiest(outcome),
            ])
    }

    static func json(_ outcome: ModelOutcome, _ schedulerBytes: Int) -> String {
        let settings = outcome.settings
        var fields: [(String, String)] = [
            ("alphas", "\(settings.alphas)"), ("days", "\(settings.days)"), ("hosts", "\(settings.hosts)"),
            ("slots", "\(settings.slots)"), ("gigaflops_per_slot", "\(settings.gigaflopsPerSlot)"),
            ("gigabits_per_second", "\(settings.gigabitsPerSecond)"), ("overhead", "\(settings.overhead)"),
            ("cache_bytes", "\(settings.cacheBytes)"), ("merge_gigabytes_per_second", "\(settings.mergeGigabytesPerSecond)"),
            ("value_bytes", "\(settings.valueBytes)"),
            ("precision", "\"\(settings.precision.rawValue)\""), ("peer_blocks", "\(settings.servesPeers)"),
            ("seconds", "\(outcome.seconds)"), ("share_of_ideal", "\(outcome.shareOfIdeal)"),
            ("bytes_per_flop", "\(outcome.bytesPerFlop)"), ("coordinator_bytes_sent", "\(outcome.coordinatorBytesSent)"),
            ("blocks_per_host", "\(outcome.blocksPerHost)"), ("blocks_from_coordinator", "\(outcome.blocksFromCoordinator)"),
            ("blocks_from_peers", "\(outcome.blocksFromPeers)"), ("result_bytes", "\(outcome.resultBytes)"),
            ("stage_result_bytes", "\(outcome.stageResultBytes)"),
            ("tasks", "\(outcome.tasks)"), ("speculative_leases", "\(outcome.speculativeLeases)"),
            ("lease_cpu_seconds", "\(outcome.leaseSeconds)"),
            ("scheduler_cpu_seconds", "\(outcome.schedulerSeconds)"), ("scheduler_bytes", "\(schedulerBytes)"),
            ("busiest", "\"\(busiest(outcome))\""),
        ]
        for load in outcome.loads {
            fields.append(("share_" + load.name.lowercased().map { $0 == " " ? "_" : String($0) }.joined(), "\(load.share)"))
        }
        return "{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    private static func busiest(_ outcome: ModelOutcome) -> String {
        outcome.loads.max { $0.share < $1.share }?.name ?? ""
    }

    private static func line(_ cells: [String]) -> String {
        zip(cells, columns).map { cell, column in
            String(repeating: " ", count: max(0, column.1 - cell.count)) + cell
        }.joined(separator: " ")
    }

    private static func percent(_ share: Double) -> String { text(share * 100, 1) + "%" }

    /// With so many digits after the point.
    private static func text(_ value: Double, _ digits: Int) -> String {
        guard digits > 0 else { return String(Int(value.rounded())) }
        let scale = [1, 10, 100, 1_000][digits]
        let scaled = Int((value * Double(scale)).rounded())
        let rest = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: digits - rest.count) + rest
    }
}

private func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Memory of a scheduler that has a stage and hosts as large as the model's, in a process of its own: here, the pages of
/// what was modelled before would be used again.
private func schedulerBytes(_ outcome: ModelOutcome) -> Int {
    let command =
        "'\(CommandLine.arguments[0])' --model-memory --hosts \(outcome.settings.hosts) --slots \(outcome.settings.slots) "
        + "--tasks \(outcome.largestStageTasks)"
    guard let pipe = popen(command, "r") else { return 0 }
    defer { pclose(pipe) }
    var text = [CChar](repeating: 0, count: 64)
    guard fgets(&text, Int32(text.count), pipe) != nil else { return 0 }
    return Int(String(decoding: text.prefix { $0 > 32 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)) ?? 0
}

func showSchedulerMemory(_ arguments: Arguments) {
    var settings = arguments.model
    settings.hosts = arguments.hostCounts.first ?? 1
    let before = residentKilobytes()
    let scheduler = schedulerAtFullCredit(settings, tasks: arguments.tasks)
    withExtendedLifetime(scheduler) { print((residentKilobytes() - before) * 1_024) }
}
