import CLibpq
import ClusterModel

extension Connection {
    /// First bytes of every binary COPY.
    static let copySignature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]

    /// Runs `COPY ... TO STDOUT (FORMAT binary)` and hands each row over as it arrives, beginning with its field count.
    ///
    /// The bytes are valid during the call only. When `row` throws, the rest is not waited for: the connection is
    /// abandoned.
    func copyOut(_ sql: String, row: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let started = PQexec(handle, sql) else { throw lastError() }
        defer { PQclear(started) }
        guard PQresultStatus(started) == PGRES_COPY_OUT else { throw error(of: started) }
        var isFirst = true
        while true {
            var chunk: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(handle, &chunk, 0)
            if length < 0 { break }
            defer { PQfreemem(chunk) }
            var bytes = UnsafeRawBufferPointer(start: chunk, count: Int(length))
            do {
                if isFirst {
                    bytes = try withoutCopyHeader(bytes)
                    isFirst = false
                }
                // The trailer is a field count of -1; a header alone leaves nothing.
                if bytes.count > 2 { try row(bytes) }
            } catch {
                abandon()
                throw error
            }
        }
        try finishCopy()
    }

    /// Runs `COPY ... FROM STDIN (FORMAT binary)` with the rows that `body` writes; the rows copied.
    @discardableResult
    func copyIn(_ sql: String, body: (CopyWriter) throws -> Void) throws -> Int {
        guard let started = PQexec(handle, sql) else { throw lastError() }
        defer { PQclear(started) }
        guard PQresultStatus(started) == PGRES_COPY_IN else { throw error(of: started) }
        let writer = CopyWriter(self)
        do {
            try body(writer)
            try writer.finish()
        } catch let failure as DatabaseError {
            writer.giveUp()
            // The server has usually said why in the meantime, which says more than "cannot send".
            PQputCopyEnd(handle, "sending failed")
            try finishCopy()
            throw failure
        } catch {
            writer.giveUp()
            PQputCopyEnd(handle, "the sender gave up")
            _ = try? finishCopy()
            throw error
        }
        guard PQputCopyEnd(handle, nil) == 1 else { throw lastError() }
        return try finishCopy()
    }

    func putCopyData(_ bytes: UnsafeRawBufferPointer) throws(DatabaseError) {
        guard PQputCopyData(handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count)) == 1 else {
            throw lastError()
        }
    }

    private func withoutCopyHeader(_ bytes: UnsafeRawBufferPointer) throws(DatabaseError) -> UnsafeRawBufferPointer {
        let fixed = Self.copySignature.count + 8
        guard bytes.count >= fixed, bytes.prefix(Self.copySignature.count).elementsEqual(Self.copySignature) else {
            throw failure("08P01", "the server's COPY does not begin with the binary signature")
        }
        let extra = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: fixed - 4, as: UInt32.self)))
        guard extra <= bytes.count - fixed else { throw failure("08P01", "the server's COPY header is cut short") }
        return UnsafeRawBufferPointer(rebasing: bytes[(fixed + extra)...])
    }

    /// Reads results until the connection is free again; the rows copied.
    @discardableResult
    private func finishCopy() throws(DatabaseError) -> Int {
        var failed: DatabaseError?
        var rows = 0
        while let result = PQgetResult(handle) {
            if PQresultStatus(result) == PGRES_COMMAND_OK {
                rows = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
            } else if failed == nil {
                failed = error(of: result)
            }
            PQclear(result)
            // Without a server there is no end of results, only the same failure again.
            if PQstatus(handle) == CONNECTION_BAD { break }
        }
        if let failed { throw failed }
        return rows
    }
}
