import ClusterModel

/// Writes a two-dimensional NPY file in C order, piece by piece and in any order of pieces; it appears when it is complete.
package struct NPYWriter: ~Copyable {
    private let file: AtomicFile
    private let precision: Precision
    private let rows: Int
    private let columns: Int
    private let dataOffset: Int
    private var written = 0

    /// - Parameter precision: type of the values in the file.
    package init(_ file: consuming AtomicFile, rows: Int, columns: Int, precision: Precision) throws(GridError) {
        precondition(rows >= 0 && columns >= 0)
        let header = NPYHeader.encoded(precision: precision, rows: rows, columns: columns)
        try file.write(header, at: 0)
        self.file = file
        self.precision = precision
        self.rows = rows
        self.columns = columns
        dataOffset = header.count
    }

    /// Writes consecutive values of one row. Every value of the matrix is written exactly once.
    package mutating func write(_ values: UnsafeBufferPointer<Double>, row: Int, column: Int) throws(GridError) {
        precondition((0..<rows).contains(row) && column >= 0 && column + values.count <= columns)
        let position = row * columns + column
        if precision == .float64 {
            try file.write(UnsafeRawBufferPointer(values), at: dataOffset + position * 8)
        } else {
            let narrow = values.map { Float($0) }
            let offset = dataOffset + position * 4
            try narrow.withUnsafeBytes { bytes in
                Result { () throws(GridError) in try file.write(bytes, at: offset) }
            }.get()
        }
        written += values.count
    }

    /// - Throws: `GridError(.failed)` when values are missing; the file then does not appear.
    package consuming func finish() throws(GridError) {
        guard written == rows * columns else {
            throw GridError(.failed, "\(file.path): \(written) of \(rows * columns) values were written")
        }
        try file.commit()
    }
}
