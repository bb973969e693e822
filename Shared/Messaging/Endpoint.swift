import ClusterModel

/// `tcp://HOST:PORT`, the only kind of address AlphaGrid's sockets use.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Purpose: Sendable {
        /// HOST is an address or interface of this machine or `*`; PORT may be `*` or 0 for any free one.
        case bind
        case connect
    }

    /// A name, an IPv4 address, an IPv6 address in brackets, or `*`.
    package let host: String
    /// 0 stands for any free port.
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// - Parameter field: what the error names, such as `--connect`.
    /// - Throws: `.usage` when `text` is not such an address.
    package init(parsing text: String, for purpose: Purpose, field: String) throws(GridError) {
        func invalid() -> GridError {
            GridError(
                .usage,
                "\(field) '\(text.printable)' is not valid: expected tcp://HOST:PORT with a port from 1 to 65535, "
                    + "such as tcp://127.0.0.1:5710"
            )
        }
        let scheme = "tcp://"
        guard text.hasPrefix(scheme), let colon = text.lastIndex(of: ":"), colon > text.index(text.startIndex, offsetBy: 5)
        else { throw invalid() }
        let host = String(text[text.index(text.startIndex, offsetBy: scheme.count)..<colon])
        guard Self.isHost(host) || purpose == .bind && host == "*" else { throw invalid() }

        let digits = text[text.index(after: colon)...]
        let isAny = digits == "*" || digits == "0"
        guard isAny || digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = isAny ? 0 : UInt16(digits),
            port > 0 || purpose == .bind
        else { throw invalid() }
        self.init(host: host, port: port)
    }

    private static func isHost(_ host: String) -> Bool {
        func consists(_ text: Substring, of more: String) -> Bool {
            !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || more.contains($0)) }
        }
        guard host.utf8.count <= 255 else { return false }
        if host.hasPrefix("["), host.hasSuffix("]") {
            return host.contains(":") && consists(host.dropFirst().dropLast(), of: ":.%")
        }
        return consists(host[...], of: ".-_")
    }

    package var isIPv6: Bool { host.hasPrefix("[") }

    /// Whether nothing outside this machine can be meant: the rule for what may be bound without keys.
    package var isLoopback: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
        return host == "localhost" || host == "[::1]" || isIPv4 && parts[0] == "127"
    }

    /// The same host with another port.
    package func with(port: UInt16) -> Endpoint { Endpoint(host: host, port: port) }

    package var description: String { "tcp://\(host):\(port == 0 ? "*" : String(port))" }

    /// As libzmq wants it for binding: it resolves no names there, not even this one.
    var bindAddress: String { host == "localhost" ? Endpoint(host: "127.0.0.1", port: port).description : description }
}
