import ArgumentParser
import Foundation

enum Layout: String, CaseIterable, ExpressibleByArgument {
    /// First column `date`, one column per alpha, empty = missing.
    case wide
    /// `alpha_id,date,pnl`, one row per value.
    case long
}

/// Writes a region as CSV beside its final name and renames it, so that no half-written file is ever seen.
struct CSVOutput {
    let path: String
    private let partial: String
    private let file: FileHandle
    private var buffer: [UInt8] = []
    private static let bufferBytes = 1 << 20

    init(path: String) throws {
        self.path = path
        partial = path + ".partial"
        guard FileManager.default.createFile(atPath: partial, contents: nil), let file = FileHandle(forWritingAtPath: partial)
        else { throw ValidationError("cannot write \(path)") }
        self.file = file
    }

    mutating func write(_ region: SyntheticRegion, layout: Layout) throws {
        switch layout {
        case .wide:
            try line("date," + region.ids.joined(separator: ","))
            for (day, date) in region.dates.enumerated() {
                buffer.append(contentsOf: date.utf8)
                for series in region.cents {
                    buffer.append(UInt8(ascii: ","))
                    if let cents = series[day] { append(cents) }
                }
                try line("")
            }
        case .long:
            try line("alpha_id,date,pnl")
            for (id, series) in zip(region.ids, region.cents) {
                for (date, value) in zip(region.dates, series) {
                    guard let value else { continue }
                    buffer.append(contentsOf: "\(id),\(date),".utf8)
                    append(value)
                    try line("")
                }
            }
        }
        try file.write(contentsOf: buffer)
        try file.close()
        guard rename(partial, path) == 0 else { throw ValidationError("cannot write \(path)") }
    }

    private mutating func line(_ text: String) throws {
        buffer.append(contentsOf: text.utf8)
        buffer.append(UInt8(ascii: "\n"))
        guard buffer.count >= Self.bufferBytes else { return }
        try file.write(contentsOf: buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Cents as `-123.45`.
    private mutating func append(_ cents: Int64) {
        if cents < 0 { buffer.append(UInt8(ascii: "-")) }
        let (whole, rest) = cents.magnitude.quotientAndRemainder(dividingBy: 100)
        buffer.append(contentsOf: String(whole).utf8)
        buffer.append(UInt8(ascii: "."))
        buffer.append(UInt8(ascii: "0") + UInt8(rest / 10))
        buffer.append(UInt8(ascii: "0") + UInt8(rest % 10))
    }
}
