import ClusterModel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The CPU, as far as it matters which kernels OpenBLAS may run on it.
struct ProcessorModel: Equatable {
    /// Tells CPUs of different make apart; virtual machines often have a shortened model name, hence the numbers.
    var name: String
    /// Core types of OpenBLAS whose instructions this CPU has. OpenBLAS does not check that itself: with a name that asks
    /// for too much it ends in an illegal instruction.
    var candidates: [String]

    /// - Parameter cpuinfo: text of `/proc/cpuinfo`; only the first processor's part counts.
    init(cpuinfo: String) {
        var fields: [Substring: Substring] = [:]
        for line in cpuinfo.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty { break }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            fields[Self.trimmed(parts[0])] = Self.trimmed(parts[1])
        }
        let marks = [
            "vendor_id", "model name", "cpu family", "model", "stepping", "CPU implementer", "CPU variant", "CPU part",
        ]
        name = marks.compactMap { mark in fields[Substring(mark)].map { "\(mark) \($0)" } }.joined(separator: ", ")
        if let flags = fields["flags"] {
            candidates = Self.intel(Set(flags.split(separator: " ")))
        } else if let features = fields["Features"] {
            candidates = Self.arm(Set(features.split(separator: " ")))
        } else {
            candidates = []
        }
    }

    /// Of the CPU this process runs on; without candidates where the system does not tell.
    static func current() -> ProcessorModel {
        let descriptor = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return ProcessorModel(cpuinfo: "") }
        defer { close(descriptor) }
        // One processor's part is a few KB; the file has one for each of maybe hundreds.
        let text = [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
            while count < buffer.count {
                let got = read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                guard got > 0 else { break }
                count += got
            }
        }
        return ProcessorModel(cpuinfo: String(decoding: text, as: UTF8.self))
    }

    private static func intel(_ flags: Set<Substring>) -> [String] {
        let has = { (needed: Substring...) in flags.isSuperset(of: needed) }
        var names: [String] = []
        if has("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl") {
            if has("avx512_bf16", "amx_tile", "amx_bf16") { names.append("SapphireRapids") }
            if has("avx512_bf16") { names.append("Cooperlake") }
            names.append("SkylakeX")
        }
        if has("avx2", "fma") {
            names += ["Haswell", "Zen"]
        } else if has("avx") {
            names.append("Sandybridge")
        } else if has("sse4_2") {
            names.append("Nehalem")
        }
        return names
    }

    private static func arm(_ features: Set<Substring>) -> [String] {
        var names: [String] = []
        if features.contains("sve2") { names.append("NEOVERSEN2") }
        if features.contains("sve") { names.append("NEOVERSEV1") }
        if features.isSuperset(of: ["asimddp", "atomics"]) { names.append("NEOVERSEN1") }
        if features.contains("asimd") { names.append("ARMV8") }
        return names
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        guard let first = text.firstIndex(where: { !isBlank($0) }), let last = text.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return text[first...last]
    }
}
