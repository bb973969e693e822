import ClusterModel
import Glibc

/// An IPv4 or IPv6 address, as bytes.
struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16.
    let bytes: [UInt8]

    var isV4: Bool { bytes.count == 4 }

    init(bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16)
        self.bytes = bytes
    }

    /// - Returns: nil for what is no address in its usual form.
    init?(parsing text: String) {
        var (v4, v6) = (in_addr(), in6_addr())
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = withUnsafeBytes(of: &v4) { Array($0) }
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            bytes = withUnsafeBytes(of: &v6) { Array($0) }
        } else {
            return nil
        }
    }

    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = bytes.withUnsafeBytes { inet_ntop(isV4 ? AF_INET : AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether the first `bits` are those of another address of the same kind.
    func isIn(_ prefix: NetworkAddress, bits: Int) -> Bool {
        guard prefix.bytes.count == bytes.count else { return false }
        for bit in 0..<bits where (bytes[bit / 8] ^ prefix.bytes[bit / 8]) & (0x80 >> UInt8(bit % 8)) != 0 { return false }
        return true
    }

    /// Whether it is one of the whole internet's: not this machine's, not of a network of its neighbourhood, not one for many,
    /// and none that stands for another address, which nobody would look at.
    var isPublic: Bool {
        let reserved = isV4 ? Self.reservedV4 : Self.reservedV6
        if !isV4, !isIn(Self.global.address, bits: Self.global.bits) { return false }
        return !reserved.contains { isIn($0.address, bits: $0.bits) }
    }

    /// Of IPv6, what was given out so far; mapped, private, local and multicast addresses are all outside of it.
    private static let global = AddressRange(trusted: "2000::/3")

    private static let reservedV4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    ].map { AddressRange(trusted: $0) }

    /// Teredo and other protocols' own, documentation, 6to4.
    private static let reservedV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].map { AddressRange(trusted: $0) }

    /// Addresses of a host, in the order of the resolver. Blocks.
    ///
    /// - Throws: `GridError(.unreachable)` when nobody knows it.
    static func resolve(_ host: String) throws(GridError) -> [NetworkAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else {
            throw GridError(.unreachable, "nobody knows the host '\(host.printable)'")
        }
        defer { freeaddrinfo(list) }
        var found: [NetworkAddress] = []
        var next = list
        while let entry = next?.pointee, found.count < addressesMax {
            if let address = entry.ai_addr, let bytes = Self.bytes(of: address, family: entry.ai_family) {
                let made = NetworkAddress(bytes: bytes)
                if !found.contains(made) { found.append(made) }
            }
            next = entry.ai_next
        }
        return found
    }

    private static let addressesMax = 32

    private static func bytes(of address: UnsafeMutablePointer<sockaddr>, family: Int32) -> [UInt8]? {
        switch family {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) }
            }
        case AF_INET6:
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) }
            }
        default: return nil
        }
    }
}

/// Addresses with a common beginning: `10.1.0.0/16`, `fd00::/8`, or a single one.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    let address: NetworkAddress
    let bits: Int

    package var description: String { "\(address)/\(bits)" }

    package init(parsing text: String) throws(GridError) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let wrong = GridError(
            .usage, "address range '\(text.printable)' is not valid: expected such as 10.1.0.0/16, fd00::/8 or 127.0.0.1")
        guard (1...2).contains(halves.count), let address = NetworkAddress(parsing: halves[0]) else { throw wrong }
        self.address = address
        guard halves.count == 2 else {
            bits = address.bytes.count * 8
            return
        }
        let isPlain = !halves[1].isEmpty && halves[1].utf8.count <= 3 && halves[1].utf8.allSatisfy { (48...57).contains($0) }
        guard isPlain, let bits = Int(halves[1]), bits <= address.bytes.count * 8 else { throw wrong }
        self.bits = bits
    }

    fileprivate init(trusted text: String) {
        do {
            try self.init(parsing: text)
        } catch { preconditionFailure(error.message) }
    }
}
