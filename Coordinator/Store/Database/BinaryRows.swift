import ClusterModel
import Dispatch
import Synchronization

/// Writes the rows of a binary COPY through buffers of `Limits.copyBufferBytes`. While one is filled, the one before is sent, and
/// the server takes in what it has got: the connection is the sender's until `finish` or `giveUp`. Used by one thread.
final class CopyWriter: @unchecked Sendable {
    private let connection: Connection
    private let buffers: [UnsafeMutableRawBufferPointer]
    private var buffer: UnsafeMutableRawBufferPointer
    private var used = 0
    private var flushes = 0
    private let sender = DispatchQueue(label: "alphagrid.copy")
    private let free: DispatchSemaphore
    private let failure = Mutex<DatabaseError?>(nil)

    init(_ connection: Connection) {
        self.connection = connection
        buffers = (0..<Limits.copyBuffers).map { _ in .allocate(byteCount: Limits.copyBufferBytes, alignment: 8) }
        buffer = buffers[0]
        free = DispatchSemaphore(value: Limits.copyBuffers - 1)
        buffer.copyBytes(from: Connection.copySignature)
        used = Connection.copySignature.count
        buffer.baseAddress?.advanced(by: used).initializeMemory(as: UInt8.self, repeating: 0, count: 8)
        used += 8
    }

    deinit { for buffer in buffers { buffer.deallocate() } }

    /// Begins a row; exactly `fields` values follow.
    func row(fields: Int16) throws(DatabaseError) {
        if used + 256 > buffer.count { try flush() }
        store(fields)
    }

    func put(_ value: Int32) throws(DatabaseError) { try field(value) }
    func put(_ value: Int64) throws(DatabaseError) { try field(value) }
    func put(_ value: Double) throws(DatabaseError) { try field(value.bitPattern) }
    func put(_ value: Bool) throws(DatabaseError) { try field(UInt8(value ? 1 : 0)) }

    /// A date as PostgreSQL counts: days since 2000-01-01, where `daysSince1970` counts from 1970-01-01.
    func put(date daysSince1970: Int32) throws(DatabaseError) { try field(daysSince1970 - PostgresDate.epochOffsetDays) }

    func putNull() throws(DatabaseError) {
        if used + 4 > buffer.count { try flush() }
        store(Int32(-1))
    }

    func put(_ value: Double?) throws(DatabaseError) {
        if let value { try put(value) } else { try putNull() }
    }

    func put(_ value: Int32?) throws(DatabaseError) {
        if let value { try put(value) } else { try putNull() }
    }

    func put(_ value: String?) throws(DatabaseError) {
        guard var value else { return try putNull() }
        let count = value.utf8.count
        if used + 4 > buffer.count { try flush() }
        store(Int32(count))
        if count > buffer.count - used { try flush() }
        let result: Result<Void, DatabaseError> = value.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            guard count <= buffer.count else { return Result { () throws(DatabaseError) in try sendAlone(bytes) } }
            UnsafeMutableRawBufferPointer(rebasing: buffer[used...]).copyMemory(from: bytes)
            used += count
            return .success(())
        }
        try result.get()
    }

    /// A `jsonb`: a version in front of the text.
    func put(jsonb text: String) throws(DatabaseError) { try put("\u{1}" + text) }

    /// A `text[]`.
    func put(_ values: [String]) throws(DatabaseError) {
        try beginArray(of: 25, count: values.count, bytes: values.reduce(0) { $0 + $1.utf8.count })
        for value in values { try put(value) }
    }

    /// A `double precision[]`.
    func put(_ values: [Double]) throws(DatabaseError) {
        try beginArray(of: 701, count: values.count, bytes: values.count * 8)
        for value in values { try put(value) }
    }

    /// An `integer[]`, which may hold NULL.
    func put(_ values: [Int32?]) throws(DatabaseError) {
        let known = values.count { $0 != nil }
        try beginArray(of: 23, count: values.count, bytes: known * 4, hasNulls: known < values.count)
        for value in values { try put(value) }
    }

    /// One dimension, counted from 1; the elements follow as fields of a row do.
    private func beginArray(of type: Int32, count: Int, bytes: Int, hasNulls: Bool = false) throws(DatabaseError) {
        if used + 24 > buffer.count { try flush() }
        store(Int32(20 + count * 4 + bytes))
        for number in [1, hasNulls ? 1 : 0, type, Int32(count), 1] { store(number) }
    }

    /// All is sent then, and the connection free again.
    func finish() throws(DatabaseError) {
        if used + 2 > buffer.count { try flush() }
        store(Int16(-1))
        try flush()
        try waitForSender()
    }

    /// Nothing more is sent then.
    func giveUp() { sender.sync {} }

    private func flush() throws(DatabaseError) {
        let (place, count) = (flushes % buffers.count, used)
        sender.async { [self] in
            let result = Result { () throws(DatabaseError) in
                guard failure.withLock({ $0 == nil }) else { return }
                try connection.putCopyData(UnsafeRawBufferPointer(rebasing: buffers[place][..<count]))
            }
            if case .failure(let error) = result { failure.withLock { $0 = error } }
            free.signal()
        }
        free.wait()
        flushes += 1
        (buffer, used) = (buffers[flushes % buffers.count], 0)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// What is too large for a buffer.
    private func sendAlone(_ bytes: UnsafeRawBufferPointer) throws(DatabaseError) {
        try waitForSender()
        try connection.putCopyData(bytes)
    }

    private func waitForSender() throws(DatabaseError) {
        sender.sync {}
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func field<T: FixedWidthInteger>(_ value: T) throws(DatabaseError) {
        if used + 4 + MemoryLayout<T>.size > buffer.count { try flush() }
        store(Int32(MemoryLayout<T>.size))
        store(value)
    }

    private func store<T: FixedWidthInteger>(_ value: T) {
        buffer.storeBytes(of: value.bigEndian, toByteOffset: used, as: T.self)
        used += MemoryLayout<T>.size
    }
}

enum PostgresDate {
    /// 2000-01-01, PostgreSQL's day 0, as days since 1970-01-01.
    static let epochOffsetDays: Int32 = 10_957
    /// Day 0 of `-infinity` and `infinity`.
    static let infinities: Set<Int32> = [.min, .max]
}

/// One row `(alpha_id text, date date, pnl float8)` of a binary COPY, read in place.
struct PnLRow {
    /// UTF-8 of the id, valid as long as the row's bytes.
    let alphaID: UnsafeRawBufferPointer
    /// Days since 2000-01-01.
    let date: Int32
    let pnl: Double

    /// Layout: field count (2 bytes), then per field its length (4) and bytes, all big-endian. Nil when it is
    /// another row, or holds a NULL.
    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 26, Self.int16(bytes, 0) == 3 else { return nil }
        let idLength = Int(Self.int32(bytes, 2))
        guard idLength >= 0, bytes.count == 26 + idLength, Self.int32(bytes, 6 + idLength) == 4,
            Self.int32(bytes, 14 + idLength) == 8
        else { return nil }
        alphaID = UnsafeRawBufferPointer(rebasing: bytes[6..<(6 + idLength)])
        date = Self.int32(bytes, 10 + idLength)
        pnl = Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 18 + idLength, as: UInt64.self)))
    }

    @inline(__always)
    private static func int16(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int16 {
        Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self))
    }

    @inline(__always)
    private static func int32(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int32 {
        Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
}
