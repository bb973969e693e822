import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A listening TCP socket on a free loopback port.
enum SocketPair {
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, 4) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}

/// Stands between a client and the server's unix socket, and breaks the connection at the first COMMIT it sees: before
/// the server gets it, or after, but before its answer comes back. Everything else, and everything later, passes.
final class CommitBreaker: Sendable {
    private let listener: Int32
    private let upstream: String
    private let passesCommit: Bool
    private let breaking: @Sendable () -> Void
    private let broken = Atomic<Int>(0)
    var commitsBroken: Int { broken.load(ordering: .acquiring) }

    /// - Parameter breaking: called before the connection breaks.
    init(upstream: String, directory: String, passesCommit: Bool, breaking: @escaping @Sendable () -> Void = {}) throws {
        self.upstream = upstream
        self.breaking = breaking
        self.passesCommit = passesCommit
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let isListening =
            withUnixAddress("\(directory)/.s.PGSQL.5432") { bind(listener, $0, $1) } == 0 && listen(listener, 16) == 0
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 { return }
                Thread.detachNewThread { [self] in serve(client) }
            }
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func serve(_ client: Int32) {
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            close(client)
            close(server)
        }
        guard withUnixAddress(upstream, { connect(server, $0, $1) }) == 0 else { return }
        while true {
            var descriptors = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&descriptors, 2, -1) > 0 else { return }
            for (from, to) in [(0, server), (1, client)] where descriptors[from].revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 65_536)
                let count = read(descriptors[from].fd, &bytes, bytes.count)
                guard count > 0 else { return }
                let isCommit = from == 0 && Data(bytes[..<count]).range(of: Data("COMMIT\0".utf8)) != nil
                if isCommit, broken.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing).exchanged {
                    if passesCommit {
                        write(server, bytes, count)
                        // The answer is read, so the commit has happened, and kept.
                        _ = read(server, &bytes, bytes.count)
                    }
                    breaking()
                    return
                }
                guard write(to, bytes, count) == count else { return }
            }
        }
    }
}

private func withUnixAddress<R>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8.prefix(107)) + [0]) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
}
