import ClusterModel
import Foundation
import Panel

/// Rows and matrices as files that other programs read.
package enum ResultFile {
    /// CSV with a line of names; empty where a value is missing, lists and objects as JSON.
    package static func csv(_ page: ResultPage) -> [UInt8] {
        var writer = CSVWriter()
        for column in page.columns { writer.field(column) }
        writer.endRow()
        for row in page.rows {
            for value in row {
                switch value {
                case .null: writer.field("")
                case .number(let number): writer.field(number)
                default: writer.field(cell(value))
                }
            }
            writer.endRow()
        }
        return writer.takeBytes()
    }

    /// A value as text; lists and objects as JSON, keys in order.
    package static func cell(_ value: JSONValue) -> String {
        let encoder = JSONEncoder()
        switch value {
        case .null: return ""
        case .bool(let truth): return "\(truth)"
        case .whole(let number): return "\(number)"
        case .number(let number): return "\(number)"
        case .text(let text): return text
        case .array, .object:
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? String(decoding: encoder.encode(value), as: UTF8.self)) ?? ""
        }
    }

    /// A structured array: numbers and truths as `<f8`, NaN where missing, texts as UTF-8 of as many bytes as the longest.
    /// Columns of lists or objects are left out, since NumPy would need pickle for them.
    package static func npy(_ page: ResultPage) -> [UInt8] {
        let columns = page.columns.indices.compactMap { at in
            FileColumn(page.columns[at], page.rows.map { $0[at] }, at: at)
        }
        let types = columns.map { "('\($0.name)', '\($0.descr)')" }.joined(separator: ", ")
        var bytes = NPYHeader.encoded(descr: "[\(types)]", shape: "(\(page.rows.count),)")
        for row in page.rows {
            for column in columns { column.write(row[column.at], to: &bytes) }
        }
        return bytes
    }

    /// float64, NaN where undefined.
    package static func npy(_ view: MatrixView) -> [UInt8] {
        let (rows, columns) = (view.values.count, view.values.first?.count ?? 0)
        var bytes = NPYHeader.encoded(precision: .float64, rows: rows, columns: columns)
        for row in view.values {
            for value in row { bytes.append(number: value ?? .nan) }
        }
        return bytes
    }

    private struct FileColumn {
        var name: String
        var at: Int
        /// Of a text; nil for a number.
        var width: Int?

        /// - Returns: nil for lists and objects.
        init?(_ name: String, _ values: [JSONValue], at: Int) {
            self.name = name
            self.at = at
            for value in values {
                switch value {
                case .array, .object: return nil
                case .text(let text): width = max(width ?? 1, text.utf8.count)
                case .null, .bool, .whole, .number: break
                }
            }
        }

        var descr: String { width.map { "|S\($0)" } ?? "<f8" }

        func write(_ value: JSONValue, to bytes: inout [UInt8]) {
            guard let width else {
                switch value {
                case .whole(let number): return bytes.append(number: Double(number))
                case .number(let number): return bytes.append(number: number)
                case .bool(let truth): return bytes.append(number: truth ? 1 : 0)
                case .null, .text, .array, .object: return bytes.append(number: .nan)
                }
            }
            let text = Array(cell(value).utf8.prefix(width))
            bytes += text
            bytes.append(contentsOf: repeatElement(0, count: width - text.count))
        }
    }
}

extension [UInt8] {
    /// Eight bytes, little-endian.
    fileprivate mutating func append(number: Double) {
        Swift.withUnsafeBytes(of: number.bitPattern.littleEndian) { append(contentsOf: $0) }
    }
}
