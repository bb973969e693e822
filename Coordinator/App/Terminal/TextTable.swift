/// Rows of text in columns that line up.
struct TextTable {
    enum Alignment {
        case left, right
    }

    struct Column {
        var title: String
        var alignment: Alignment
        init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    var columns: [Column]
    /// Each has as many cells as there are columns.
    var rows: [[String]]

    init(_ columns: [Column], rows: [[String]] = []) {
        self.columns = columns
        self.rows = rows
    }

    /// The title line and the rows, without blanks at their ends.
    func lines() -> [String] {
        let all = [columns.map(\.title)] + rows.map { $0.map(\.singleLine) }
        let widths = columns.indices.map { column in all.reduce(0) { max($0, $1[column].columns) } }
        return all.map { row in line(row, widths: widths) }
    }

    private func line(_ row: [String], widths: [Int]) -> String {
        var text = ""
        for (index, cell) in row.enumerated() {
            let blanks = String(repeating: " ", count: widths[index] - cell.columns)
            text += index == 0 ? "" : "  "
            text += columns[index].alignment == .left ? cell + blanks : blanks + cell
        }
        while text.last == " " { text.removeLast() }
        return text
    }

    /// Names and values below each other, as a page about one thing.
    static func page(_ fields: [(name: String, value: String?)]) -> [String] {
        let shown = fields.filter { $0.value != nil }
        let width = shown.reduce(0) { max($0, $1.name.count) }
        return shown.map { $0.name + String(repeating: " ", count: width - $0.name.count + 2) + ($0.value ?? "").singleLine }
    }
}

extension Character {
    /// How many columns of a terminal it takes: two where Unicode calls it wide, as letters of East Asia and emoji are, and none
    /// where it has no place of its own.
    var columns: Int {
        guard let scalar = unicodeScalars.first, scalar.value >= 0x300 else { return 1 }
        if scalar.properties.isEmojiPresentation || Self.wide.contains(where: { $0.contains(scalar.value) }) { return 2 }
        return [.nonspacingMark, .enclosingMark, .format].contains(scalar.properties.generalCategory) ? 0 : 1
    }

    /// Blocks of characters that are wide or fullwidth (Unicode Standard Annex 11).
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1_F300...0x1_F64F, 0x1_F900...0x1_F9FF,
        0x2_0000...0x3_FFFD,
    ]
}

extension String {
    /// How many columns of a terminal it takes.
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// Without line breaks and escape sequences: a worker chooses its own name, and an error may quote anything.
    var singleLine: String {
        guard unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else { return self }
        var out = UnicodeScalarView()
        for scalar in unicodeScalars {
            out.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "?" : scalar)
        }
        return String(out)
    }
}

/// How quantities read.
enum Quantity {
    /// `0.8 s`, `12 s`, `3m12s`, `2h05m`, `4d03h`.
    static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        if seconds < 9.95 { return "\(fixed(seconds, digits: 1)) s" }
        let whole = Int(seconds.rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3_600: return "\(whole / 60)m\(twoDigits(whole % 60))s"
        case ..<86_400: return "\(whole / 3_600)h\(twoDigits(whole % 3_600 / 60))m"
        default: return "\(whole / 86_400)d\(twoDigits(whole % 86_400 / 3_600))h"
        }
    }

    /// `1 worker`, `2 workers`.
    static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// `640 B`, `1.5 KiB`, `4.0 GiB`.
    static func bytes(_ count: UInt64) -> String {
        guard count >= 1_024 else { return "\(count) B" }
        var value = Double(count)
        var unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1_024 {
            value /= 1_024
            unit = next
        }
        return "\(fixed(value, digits: 1)) \(unit)"
    }

    /// A number with so many digits behind the point, rounded to nearest.
    static func fixed(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.magnitude < 9e15 else { return "\(value)" }
        let whole = Int(scaled.magnitude)
        let sign = scaled < 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let unit = Int(scale)
        let fraction = String(whole % unit)
        return "\(sign)\(whole / unit).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
