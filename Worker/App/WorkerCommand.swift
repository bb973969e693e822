import ArgumentParser
import ClusterModel
import Kernels
import Messaging
import WorkerRuntime

/// The flags of `alphagrid-worker`. Each that takes a value can also be set in the environment; the flag wins.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alphagrid-worker",
        abstract: "Computes tasks for an AlphaGrid coordinator.",
        discussion: """
            Connects to the coordinator and stays: when it is away the worker computes on and tries again. \
            SIGTERM or Ctrl-C drains: what is in hand is finished and delivered, then the worker leaves; a second one \
            ends it at once.

            Every option NAME that takes a value can be given as ALPHAGRID_NAME in the environment, such as \
            ALPHAGRID_CONNECT or ALPHAGRID_BLAS_CORE; --key as ALPHAGRID_WORKER_KEY.

            Examples:
              alphagrid-worker --connect tcp://coordinator:5710 --key host1.key
              alphagrid-worker --connect tcp://a:5710,tcp://b:5710 --slots 32 --memory 64GiB --log-format json
              alphagrid-worker --describe
            """,
        version: AlphaGrid.version)

    @Option(
        help: ArgumentHelp(
            "Address of the coordinator; those of its standbys follow behind commas, or each by a --connect.",
            valueName: "tcp://HOST:5710"))
    var connect: [String] = []

    @Option(help: ArgumentHelp("Tasks computed at once (default: one per processor).", valueName: "N"))
    var slots: String?

    @Option(help: ArgumentHelp("Bound of the block cache (default: 4GiB).", valueName: "SIZE"))
    var memory: String?

    @Option(
        help: ArgumentHelp(
            "OpenBLAS core type, which is then kept whatever a job needs, or auto for the fastest one (default: auto).",
            valueName: "auto|NAME"))
    var blasCore: String?

    @Option(help: ArgumentHelp("Name of this worker (default: HOST-PID; with a key KEY-PID).", valueName: "ID"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Key file of this worker, made by 'alphagrid keys add' (default: $ALPHAGRID_WORKER_KEY, else it has none).",
            valueName: "FILE"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "Also serve the blocks it holds to other workers, at this address: with HOST * they are told this host's name, "
                + "port 0 or * takes a free one (default: off).",
            valueName: "tcp://HOST:PORT"))
    var serveBlocks: String?

    @Option(help: ArgumentHelp("How it logs: text, or json for one object a line (default: text).", valueName: "text|json"))
    var logFormat: String?

    @Flag(help: "The network is trusted: serve blocks beyond the loopback interface, without keys.")
    var insecure = false

    @Flag(help: "Print what this worker would say of itself as JSON, and exit.")
    var describe = false

    /// The flag's value, else that of its environment variable; empty counts as absent there.
    func value(_ flag: String?, _ variable: String, _ environment: [String: String]) -> String? {
        flag ?? environment["ALPHAGRID_\(variable)"].flatMap { $0.isEmpty ? nil : $0 }
    }

    func settings(_ environment: [String: String]) throws(GridError) -> WorkerSettings {
        // Named one by one or behind commas.
        let connect = value(connect.isEmpty ? nil : connect.joined(separator: ","), "CONNECT", environment)
        guard let address = connect ?? (describe ? "tcp://127.0.0.1:5710" : nil) else {
            throw GridError(
                .usage, "--connect is missing: expected the coordinator's address, such as --connect tcp://127.0.0.1:5710")
        }
        var slots = WorkerSettings.defaultSlots
        if let text = value(self.slots, "SLOTS", environment) {
            guard let number = Int(text) else {
                throw GridError(
                    .usage, "--slots '\(text.printable)' is not valid: expected a number from 1 to \(Limits.slotsMax)")
            }
            slots = number
        }
        var memory = WorkerSettings.defaultMemoryBytes
        if let text = value(self.memory, "MEMORY", environment) { memory = try WorkerSettings.memoryBytes(parsing: text) }
        var endpoints: [Endpoint] = []
        for part in address.split(separator: ",", omittingEmptySubsequences: false) {
            endpoints.append(try Endpoint(parsing: String(part), for: .connect, field: "--connect"))
        }
        var settings = try WorkerSettings(
            coordinator: endpoints[0], slots: slots, memoryBytes: memory, worker: value(name, "NAME", environment),
            key: try value(key, "WORKER_KEY", environment).map { path throws(GridError) in try WorkerKey(reading: path) })
        settings.standbys = Array(endpoints.dropFirst())
        if let text = value(serveBlocks, "SERVE_BLOCKS", environment) {
            settings.serveBlocks = try WorkerSettings.serving(text, isKeyed: settings.key != nil, isInsecure: insecure)
        }
        return settings
    }
}
