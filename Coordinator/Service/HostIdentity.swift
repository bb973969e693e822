import Glibc

/// How this process calls itself in the database and in logs.
enum HostIdentity {
    static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static var processID: Int32 { getpid() }

    /// How a coordinator on this host calls itself when it leads.
    static func holder(processID: Int32) -> String { "\(name) process \(processID)" }
}
