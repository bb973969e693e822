import ClusterModel

/// Files of a few kilobytes in one, as tar (POSIX ustar) keeps them; only their owner may read what is taken out.
struct TarArchive {
    private(set) var bytes: [UInt8] = []
    private let modified: Int64

    private static let block = 512

    /// - Parameter modified: seconds since 1970, the time of every file.
    init(modified: Int64) { self.modified = max(0, modified) }

    /// - Parameter name: at most 99 bytes.
    mutating func add(_ name: String, _ content: [UInt8]) {
        var header = [UInt8](repeating: 0, count: Self.block)
        func put(_ text: String, at offset: Int, _ length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { header[offset + index] = byte }
        }
        put(name, at: 0, 99)
        put(Self.octal(0o600, digits: 7), at: 100, 7)
        put(Self.octal(0, digits: 7), at: 108, 7)
        put(Self.octal(0, digits: 7), at: 116, 7)
        put(Self.octal(Int64(content.count), digits: 11), at: 124, 11)
        put(Self.octal(modified, digits: 11), at: 136, 11)
        put("0", at: 156, 1)
        put("ustar\u{0}00", at: 257, 8)
        // The sum is taken as if its own field were blanks.
        put(String(repeating: " ", count: 8), at: 148, 8)
        let sum = header.reduce(Int64(0)) { $0 + Int64($1) }
        put(Self.octal(sum, digits: 6) + "\u{0} ", at: 148, 8)
        bytes += header
        bytes += content
        bytes += [UInt8](repeating: 0, count: (Self.block - content.count % Self.block) % Self.block)
    }

    /// With the two empty blocks that end an archive.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.block) }

    private static func octal(_ value: Int64, digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
