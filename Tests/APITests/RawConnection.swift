import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A TCP connection to this machine that says what a test wants, as slowly as it wants.
final class RawConnection {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafeBytes(of: &address) { raw in
            connect(descriptor, raw.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(raw.count))
        }
        try #require(result == 0, "cannot connect to port \(port)")
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// - Returns: false when the other side has hung up.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return systemSend(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Sends as much as goes out at once; the rest is lost.
    func push(_ bytes: [UInt8]) { _ = systemSend(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// What has come since the last call, and whether the other side has hung up.
    func receive() -> (text: String, isClosed: Bool) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { bytes += buffer[..<count] }
            if count == 0 { return (String(decoding: bytes, as: UTF8.self), true) }
            if count < 0 { return (String(decoding: bytes, as: UTF8.self), errno != EAGAIN && errno != EINTR) }
        }
    }

    /// Reads nothing until so much has come that no more fits.
    func untilFull() async throws {
        var (before, sameFor) = (Int32(0), 0)
        for _ in 0..<450 where sameFor < 25 {
            try await Task.sleep(for: .milliseconds(100))
            var waiting: Int32 = 0
            _ = ioctl(descriptor, UInt(FIONREAD), &waiting)
            sameFor = waiting > 0 && waiting == before ? sameFor + 1 : 0
            before = waiting
        }
    }

    /// Waits for the end of the connection, saying one more piece of `drip` every 20 ms.
    ///
    /// - Returns: What came until then; nil when the connection outlives `seconds`.
    func end(within seconds: Double, drip: String = "") async throws -> String? {
        var text = ""
        for step in 0..<Int(seconds * 50) {
            if !drip.isEmpty {
                let bytes = Array(drip.utf8)
                push([bytes[step % bytes.count]])
            }
            let (more, isClosed) = receive()
            text += more
            if isClosed { return text }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    /// Waits for an answer that begins so.
    func answer(_ start: String, within seconds: Double = 20) async throws -> Bool {
        var text = ""
        for _ in 0..<Int(seconds * 50) {
            let (more, isClosed) = receive()
            text += more
            if text.hasPrefix(start) { return true }
            if isClosed { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}

/// The system's own, whose name the methods would hide.
private func systemSend(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int, _ flags: Int32) -> Int {
    send(descriptor, bytes, count, flags)
}
