#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the system says of this process, by the names that every exporter uses.
enum ProcessMetrics {
    static func families() -> [MetricFamily] {
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let stat = statFields()
        var families: [MetricFamily] = []
        if stat.count > 21 {
            let spent = (Double(stat[11]) ?? 0) + (Double(stat[12]) ?? 0)
            families += [
                .counter("process_cpu_seconds_total", "CPU time spent, user and system.", spent / ticks),
                .gauge("process_threads", "Threads of the process.", Double(stat[17]) ?? 0),
                .gauge("process_virtual_memory_bytes", "Size of the virtual memory.", Double(stat[20]) ?? 0),
                .gauge(
                    "process_resident_memory_bytes", "Size of the resident memory.",
                    (Double(stat[21]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE)))),
            ]
            if let booted = bootTime(), let started = Double(stat[19]) {
                families.append(
                    .gauge("process_start_time_seconds", "When the process started, since 1970.", booted + started / ticks))
            }
        }
        if let open = openDescriptors() { families.append(.gauge("process_open_fds", "Open file descriptors.", open)) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            families.append(.gauge("process_max_fds", "File descriptors that may be open.", Double(limit.rlim_cur)))
        }
        return families
    }

    /// Fields of `/proc/self/stat` behind the name, which may hold blanks: the state is the first.
    private static func statFields() -> [Substring] {
        guard let text = contents("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private static func bootTime() -> Double? {
        let line = contents("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) }
    }

    private static func openDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Not the folder itself, its parent, and the descriptor that reads them.
        return max(0, count - 3)
    }

    private static func contents(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0, bytes.count < 1 << 20 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
