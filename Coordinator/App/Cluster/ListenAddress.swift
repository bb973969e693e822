import ClusterModel
import Foundation

/// A host and a port to listen on.
struct ListenAddress: Equatable {
    /// Name or address, without the brackets of an IPv6 address; `*` for every address of this machine.
    var host: String
    /// 0 takes a free one.
    var port: Int

    /// - Parameters:
    ///   - text: `HOST:PORT`, behind `scheme` if there is one: `127.0.0.1:8710`, `[::1]:8710`, `tcp://*:5710`.
    ///   - flag: Name of the flag, for messages.
    init(parsing text: String, flag: String, scheme: String = "") throws(GridError) {
        let example = "\(scheme)127.0.0.1:\(scheme.isEmpty ? 8_710 : 5_710)"
        let error = GridError(
            .usage, "\(flag) '\(text.printable)' is not valid: expected \(scheme)HOST:PORT, such as \(example)")
        guard text.hasPrefix(scheme), let colon = text.lastIndex(of: ":") else { throw error }
        var host = text[..<colon].dropFirst(scheme.count)
        let digits = text[text.index(after: colon)...]
        guard let port = Int(digits), (0...65_535).contains(port), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { throw error }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { throw error }
        } else if host.contains(":") {
            throw error
        }
        let plain = host.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && ![UInt8](" /?#@[]\"'".utf8).contains(byte)
        }
        guard !host.isEmpty, plain else { throw error }
        self.host = String(host)
        self.port = port
    }

    /// Only this machine can connect to 127.0.0.0/8 and ::1.
    var isLoopback: Bool {
        if host.lowercased() == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// As a socket is bound to it.
    var bindHost: String { host == "*" ? "0.0.0.0" : host }

    /// As it stands in a URL.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// What a client on this machine connects to.
    func reachableURL(port: Int, scheme: String = "http") -> String {
        switch host {
        case "*", "0.0.0.0": "\(scheme)://127.0.0.1:\(port)"
        case "::": "\(scheme)://[::1]:\(port)"
        default: "\(scheme)://\(ListenAddress(host: host, port: port).description)"
        }
    }

    /// What a client on another machine connects to.
    ///
    /// - Parameter machine: Name of this machine, for an address that stands for all it has.
    func advertisedURL(port: Int, scheme: String, machine: String) -> String {
        let isEvery = ["*", "0.0.0.0", "::"].contains(host)
        return "\(scheme)://\(ListenAddress(host: isEvery ? machine : host, port: port).description)"
    }

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Parameters:
    ///   - insecure: whether `--insecure` was typed; nil where it cannot be.
    ///   - hasKeys: whether whoever connects has to show one; nil where that cannot be.
    ///   - protection: what is missing, for the message.
    /// - Throws: `GridError(.usage)` when others could connect and nothing would keep them out.
    func expectSafe(
        flag: String, insecure: Bool?, hasKeys: Bool? = nil, protection: String = "no keys are set up"
    ) throws(GridError) {
        guard isLoopback || insecure == true || hasKeys == true else {
            let make = hasKeys == nil ? "" : "make some with 'alphagrid keys init', "
            let advice =
                insecure == nil
                ? "use 127.0.0.1 here, and 'alphagrid coordinator' for several machines"
                : "\(make)use 127.0.0.1, or type --insecure if everybody who can reach it may use it"
            throw GridError(
                .usage, "\(flag) \(description) is open to other machines and \(protection): \(advice)")
        }
    }
}
