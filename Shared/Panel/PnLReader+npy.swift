import ClusterModel

extension PnLReader {
    /// Rows are dates, columns are alphas A000001, A000002, ...
    /// - Parameter name: names the bytes in errors.
    package static func readNPY(_ bytes: UnsafeRawBufferPointer, name: String) throws(GridError) -> PnLTable {
        let header = try NPYHeader(bytes, name: name)
        let (rows, columns) = (header.rows, header.columns)
        guard rows >= 1, columns >= 1 else {
            throw GridError(.usage, "\(name): the array is \(rows) x \(columns): expected at least one date and one alpha")
        }
        guard rows <= Limits.daysMax else { throw tooManyDates(name) }
        guard columns <= Limits.alphasMax else {
            throw GridError(.usage, "\(name) has \(columns) alphas: expected at most \(Limits.alphasMax)")
        }
        let expected = rows * columns * header.valueBytes
        let found = bytes.count - header.dataOffset
        guard found == expected else {
            throw GridError(
                .usage,
                "\(name): \(rows) x \(columns) values take \(expected) bytes, the file has \(found): "
                    + (found < expected ? "it is truncated" : "it has bytes behind its values"))
        }
        let values = try PnLValues(count: rows * columns, for: name)
        let data = UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])
        copy(data, header, into: values.mutable)
        try check(values.buffer, days: rows, name: name)
        let ids = (1...columns).map { number in
            let digits = String(number)
            return "A" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        }
        return PnLTable(dates: [], dayCount: rows, alphaIDs: ids, values: values)
    }

    /// Copies the values alpha-major: as they stand in Fortran order, otherwise a square of them at a time, so that
    /// neither side leaves the cache.
    private static func copy(_ data: UnsafeRawBufferPointer, _ header: NPYHeader, into target: UnsafeMutablePointer<Double>) {
        let isFloat = header.precision == .float32
        func value(_ index: Int) -> Double {
            isFloat
                ? Double(data.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
                : data.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
        }
        let (rows, columns) = (header.rows, header.columns)
        if header.fortranOrder {
            for index in 0..<(rows * columns) { target[index] = value(index) }
            return
        }
        let edge = 64
        for firstColumn in stride(from: 0, to: columns, by: edge) {
            for firstRow in stride(from: 0, to: rows, by: edge) {
                for column in firstColumn..<min(firstColumn + edge, columns) {
                    for row in firstRow..<min(firstRow + edge, rows) {
                        target[column * rows + row] = value(row * columns + column)
                    }
                }
            }
        }
    }

    private static func check(_ values: UnsafeBufferPointer<Double>, days: Int, name: String) throws(GridError) {
        var bad = BadRows()
        for (index, value) in values.enumerated() where value.magnitude > Limits.valueMagnitudeMax {
            bad.add("row \(index % days + 1), column \(index / days + 1): \(PnLText.problem(value, text: "\(value)") ?? "")")
        }
        try bad.throwIfAny(name: name)
    }
}
