import API
import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension HostFacts {
    /// Of this machine, as far as it tells.
    ///
    /// - Parameter folder: whose file system is looked at.
    static func present(folder: String?) -> HostFacts {
        var facts = HostFacts()
        var names = utsname()
        if uname(&names) == 0 {
            facts.name = text(of: &names.nodename)
            let parts = [text(of: &names.sysname), text(of: &names.release), text(of: &names.machine)]
            facts.kernel = parts.joined(separator: " ")
        }
        facts.system =
            value(of: "PRETTY_NAME", in: "/etc/os-release", separator: "=")?.replacingOccurrences(of: "\"", with: "") ?? ""
        facts.cpu = value(of: "model name", in: "/proc/cpuinfo", separator: ":") ?? ""
        facts.cpuCount = ProcessInfo.processInfo.activeProcessorCount
        facts.memoryBytes = ProcessInfo.processInfo.physicalMemory
        let available = value(of: "MemAvailable", in: "/proc/meminfo", separator: ":")
        facts.memoryAvailableBytes = (available?.split(separator: " ").first.flatMap { UInt64($0) } ?? 0) << 10
        var space = statvfs()
        if let folder, statvfs(folder, &space) == 0 {
            facts.diskFreeBytes = UInt64(space.f_bavail) * UInt64(space.f_frsize)
        }
        return facts
    }

    private static func text(of field: inout some Any) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// What stands behind the separator in the first line that begins with a name.
    private static func value(of name: String, in path: String, separator: Character) -> String? {
        guard let content = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let line = content.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(separator: separator, maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    }
}
