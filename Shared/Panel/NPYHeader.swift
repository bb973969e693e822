import ClusterModel

/// Header of an NPY file: a Python dict literal with exactly the keys descr, fortran_order and shape.
///
/// Format: numpy.lib.format, versions 1.0 to 3.0. Accepted: little-endian float32 and float64 in two dimensions.
package struct NPYHeader: Equatable, Sendable {
    package var precision: Precision
    package var fortranOrder: Bool
    package var rows: Int
    package var columns: Int
    /// Where the values begin.
    package var dataOffset: Int

    package var valueBytes: Int { precision == .float32 ? 4 : 8 }

    /// - Parameter name: names the file in errors.
    package init(_ bytes: UnsafeRawBufferPointer, name: String) throws(GridError) {
        func refuse(_ what: String) -> GridError { GridError(.usage, "\(name): \(what)") }
        let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
        guard bytes.starts(with: magic), bytes.count >= 10 else { throw refuse("this is not an NPY file") }
        let version = bytes[6]
        guard (1...3).contains(version), bytes[7] == 0 else {
            throw refuse("NPY version \(version).\(bytes[7]) is unknown: expected 1.0, 2.0 or 3.0")
        }
        var length = Int(bytes[8]) | Int(bytes[9]) << 8
        var start = 10
        if version > 1 {
            guard bytes.count >= 12 else { throw refuse("the file ends in its NPY header") }
            length |= Int(bytes[10]) << 16 | Int(bytes[11]) << 24
            start = 12
        }
        guard length <= bytes.count - start else { throw refuse("the file ends in its NPY header") }
        guard length <= Limits.headerBytesMax else { throw refuse("the NPY header has \(length) bytes") }
        var parser = DictParser(bytes: Array(bytes[start..<(start + length)]))
        guard let fields = parser.parse() else {
            throw refuse("the NPY header is not a dict of descr, fortran_order and shape")
        }
        switch fields.descr {
        case "<f4": precision = .float32
        case "<f8": precision = .float64
        default:
            throw refuse("the values are of type '\(fields.descr.printable)': expected '<f4' or '<f8' (little-endian float)")
        }
        guard fields.shape.count == 2 else {
            throw refuse("the shape has \(fields.shape.count) of the 2 dimensions expected, dates x alphas")
        }
        fortranOrder = fields.fortranOrder
        rows = fields.shape[0]
        columns = fields.shape[1]
        dataOffset = start + length
    }

    /// A version 1.0 header, padded so that the values begin at a multiple of 64.
    package static func encoded(precision: Precision, rows: Int, columns: Int) -> [UInt8] {
        encoded(descr: precision == .float32 ? "'<f4'" : "'<f8'", shape: "(\(rows), \(columns))")
    }

    /// The same for values of any type.
    ///
    /// - Parameters:
    ///   - descr: As Python writes it, of less than 60,000 bytes.
    ///   - shape: A tuple of Python.
    package static func encoded(descr: String, shape: String) -> [UInt8] {
        var text = "{'descr': \(descr), 'fortran_order': False, 'shape': \(shape), }"
        while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
        text += "\n"
        let length = text.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
    }
}

/// The three fields as numpy writes them, keys in any order; anything else is refused.
private struct DictParser {
    struct Fields {
        var descr: String
        var fortranOrder: Bool
        var shape: [Int]
    }

    let bytes: [UInt8]
    private var position = 0
    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func parse() -> Fields? {
        var descr: String?
        var fortranOrder: Bool?
        var shape: [Int]?
        guard take("{") else { return nil }
        while !take("}") {
            guard let key = string(), take(":") else { return nil }
            switch key {
            case "descr" where descr == nil: descr = string()
            case "fortran_order" where fortranOrder == nil: fortranOrder = boolean()
            case "shape" where shape == nil: shape = tuple()
            default: return nil
            }
            // The value itself may have failed; then the loop ends at whatever stands in its place.
            if !take(",") {
                guard take("}") else { return nil }
                break
            }
        }
        skipBlanks()
        guard position == bytes.count, let descr, let fortranOrder, let shape else { return nil }
        return Fields(descr: descr, fortranOrder: fortranOrder, shape: shape)
    }

    private mutating func skipBlanks() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ text: String) -> Bool {
        skipBlanks()
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    private mutating func string() -> String? {
        skipBlanks()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "'") || bytes[position] == UInt8(ascii: "\"") else {
            return nil
        }
        let quote = bytes[position]
        guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { return nil }
        defer { position = end + 1 }
        let inside = bytes[(position + 1)..<end]
        // A backslash would need Python's rules of escaping, and no accepted value has one.
        return inside.contains(UInt8(ascii: "\\")) ? nil : String(validating: inside, as: UTF8.self)
    }

    private mutating func boolean() -> Bool? { take("True") ? true : take("False") ? false : nil }

    private mutating func tuple() -> [Int]? {
        guard take("(") else { return nil }
        var numbers: [Int] = []
        while !take(")") {
            guard let number = integer(), numbers.count < 32 else { return nil }
            numbers.append(number)
            if !take(",") {
                guard take(")") else { return nil }
                break
            }
        }
        return numbers
    }

    private mutating func integer() -> Int? {
        skipBlanks()
        let start = position
        var value = 0
        while position < bytes.count, bytes[position] &- 48 <= 9 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow, product <= Int.max - 9 else { return nil }
            value = product + Int(bytes[position] - 48)
            position += 1
        }
        return position > start ? value : nil
    }
}
