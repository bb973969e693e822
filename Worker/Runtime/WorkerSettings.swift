import ClusterModel
import Foundation
import Messaging
import WorkerEngine

/// How one worker runs.
package struct WorkerSettings: Sendable {
    package var coordinator: Endpoint
    /// Where its standbys will be, tried in turn with it.
    package var standbys: [Endpoint] = []
    /// Tasks computed at once, each by a thread with a single-threaded BLAS.
    package var slots: Int
    /// Bound of the block cache.
    package var memoryBytes: Int
    package var worker: WorkerID
    package var host: String
    /// The present core type, and those this process may be started again with.
    package var coreTypes: [CoreTypeSpeed] = []
    /// Where to serve the blocks it holds to other workers; nil for not at all.
    package var serveBlocks: Endpoint?
    /// What it shows to the coordinator; nil for one without keys.
    package var key: WorkerKey?
    package var engine = WorkerConfiguration()

    package static let defaultMemoryBytes = 4 << 30

    private static func expectEnough(_ memoryBytes: Int) throws(GridError) {
        guard memoryBytes >= Limits.workerMemoryBytesMin else {
            throw GridError(.usage, "--memory \(memoryBytes) is not valid: expected at least 64MiB")
        }
    }

    /// `--memory` as people write it, judged where it is typed.
    package static func memoryBytes(parsing text: String) throws(GridError) -> Int {
        let bytes = try ByteSize.parse(text, field: "--memory")
        try expectEnough(bytes)
        return bytes
    }

    /// - Parameters:
    ///   - worker: nil for `HOST-PID`, or `KEY-PID` with a key.
    ///   - key: the worker's id has to be its name, or to begin with it.
    package init(
        coordinator: Endpoint, slots: Int = defaultSlots, memoryBytes: Int = defaultMemoryBytes, worker: String? = nil,
        key: WorkerKey? = nil
    ) throws(GridError) {
        guard (1...Limits.slotsMax).contains(slots) else {
            throw GridError(.usage, "--slots \(slots) is not valid: expected a number from 1 to \(Limits.slotsMax)")
        }
        try Self.expectEnough(memoryBytes)
        let host = ProcessInfo.processInfo.hostName
        let name = worker ?? "\(key?.name ?? host)-\(ProcessInfo.processInfo.processIdentifier)"
        guard !name.isEmpty, name.utf8.count <= Limits.wireNameBytesMax, name.unicodeScalars.allSatisfy(Self.isNameScalar) else {
            throw GridError(
                .usage,
                "--name '\(name.printable)' is not valid: expected 1 to \(Limits.wireNameBytesMax) letters, digits, dots, "
                    + "hyphens or underscores")
        }
        if let key, !KeyRing.fits(WorkerID(name), name: key.name) {
            throw GridError(
                .usage,
                "--name '\(name)' is not valid with the key of '\(key.name)': expected '\(key.name)', or '\(key.name)-' and more")
        }
        self.key = key
        self.coordinator = coordinator
        self.slots = slots
        self.memoryBytes = memoryBytes
        self.worker = WorkerID(name)
        self.host = host
    }

    /// How it speaks to the coordinator.
    var security: SocketSecurity { key.map { .client($0.pair, server: $0.coordinator) } ?? .none }

    /// The endpoint of `--serve-blocks`: beyond the loopback interface only with a key, or when the network is said to be
    /// trusted.
    package static func serving(_ text: String, isKeyed: Bool = false, isInsecure: Bool) throws(GridError) -> Endpoint {
        let endpoint = try Endpoint(parsing: text, for: .bind, field: "--serve-blocks")
        guard endpoint.isLoopback || isKeyed || isInsecure else {
            throw GridError(
                .usage,
                "--serve-blocks \(endpoint) would give the blocks to anyone on the network, without keys: start the worker with "
                    + "--key, serve at 127.0.0.1, or add --insecure when the network is trusted")
        }
        return endpoint
    }

    /// What other workers are told: the address it listens at or, where that is an interface or all of them, the host's name.
    package func advertised(_ bound: Endpoint) -> String {
        let isAddress = bound.isLoopback || bound.isIPv6 && bound.host != "[::]" || bound.host.contains(".")
        return isAddress && bound.host != "0.0.0.0"
            ? bound.description : Endpoint(host: host, port: bound.port).description
    }

    /// One per processor this process may use.
    package static var defaultSlots: Int { min(max(1, ProcessInfo.processInfo.activeProcessorCount), Limits.slotsMax) }

    /// Attempts accepted at once: while a slot computes, the next task and its blocks are on their way.
    package var credit: Int { min(2 * slots + 2, Limits.creditPerWorkerMax) }

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "._-".unicodeScalars.contains(scalar))
    }
}

/// Sizes as people write them.
package enum ByteSize {
    private static let units: [(name: String, bytes: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("KB", 1_000), ("MB", 1_000_000),
        ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ]

    /// Bytes of texts such as `4GiB`, `512MiB`, `1.5GB` or `1000000`.
    ///
    /// - Parameter field: what the error names, such as `--memory`.
    package static func parse(_ text: String, field: String) throws(GridError) -> Int {
        let unit = units.first { text.hasSuffix($0.name) }
        let number = text.dropLast(unit?.name.count ?? 0)
        let isPlain = !number.isEmpty && number.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard isPlain, let value = Double(number), let bytes = Int(exactly: (value * Double(unit?.bytes ?? 1)).rounded()),
            bytes > 0
        else {
            throw GridError(
                .usage, "\(field) '\(text.printable)' is not valid: expected a size such as 4GiB, 512MiB or 4000000000")
        }
        return bytes
    }

    /// The shortest exact text, such as `4GiB`.
    package static func text(_ bytes: Int) -> String {
        let unit = units.prefix(4).reversed().first { bytes >= $0.bytes && bytes % $0.bytes == 0 }
        return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "\(bytes)B"
    }
}
