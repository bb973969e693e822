import ClusterModel
import Foundation

/// Where a webhook's messages go, judged before anything is sent: whoever may add one must not be able to have the coordinator
/// talk to what only the coordinator reaches.
package struct WebhookTarget: Hashable, Sendable {
    let url: String
    package let host: String
    package let isSecure: Bool

    /// - Throws: `GridError(.usage)` unless it is a plain http or https address.
    package init(parsing text: String) throws(GridError) {
        // What stands before an @ may be a password, whatever else is wrong.
        let shown = text.contains("@") ? "an address with '@'" : "'\(text.printable)'"
        func wrong(_ what: String) -> GridError { GridError(.usage, "field 'url' is \(shown): \(what)") }
        let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPlain, text.utf8.count <= Limits.webhookURLBytesMax, let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme), let host = parts.percentEncodedHost,
            !host.isEmpty
        else {
            throw wrong("expected an address such as https://host/path of at most \(Limits.webhookURLBytesMax) plain characters")
        }
        // A secret in the address would stand in lists and logs.
        guard parts.user == nil, parts.password == nil else { throw wrong("expected no user and no password in it") }
        guard parts.fragment == nil else { throw wrong("expected no '#' in it") }
        // Nothing that two readers of an address could read in two ways.
        let hostBytes = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]".utf8)
        guard host.utf8.allSatisfy(hostBytes.contains) else { throw wrong("expected a plain name or address as its host") }
        url = text
        isSecure = scheme == "https"
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }

    /// The address to connect to: the first one that may be, so that what was judged is what is talked to.
    ///
    /// - Parameter allowed: ranges that may be talked to whatever they are, also without TLS.
    /// - Throws: `GridError(.usage)` when none may be, `.unreachable` when there is none but may be one later.
    func address(among found: [NetworkAddress], allowed: [AddressRange]) throws(GridError) -> NetworkAddress {
        for address in found {
            if allowed.contains(where: { address.isIn($0.address, bits: $0.bits) }) { return address }
            if address.isPublic, isSecure { return address }
        }
        // Where nothing is allowed, no address that it may have later will do.
        if !isSecure, allowed.isEmpty || found.contains(where: \.isPublic) {
            throw GridError(
                .usage,
                "\(host.printable) is not told anything over plain http: expected https, or a coordinator that runs with its "
                    + "range in --webhook-allow")
        }
        if found.isEmpty { throw GridError(.unreachable, "nobody knows the host '\(host.printable)'") }
        let list = found.prefix(4).map(\.description).joined(separator: ", ")
        throw GridError(
            .usage,
            "\(host.printable) is \(list == host ? "" : "\(list), which is ")not of the public internet: expected a public "
                + "address, or its range in --webhook-allow")
    }

    /// Judges it when it is added: a name that nobody knows yet may become known, and somebody should hear of it.
    ///
    /// - Returns: why messages would not arrive now; nil where they may.
    /// - Throws: `GridError(.usage)` when they could never.
    func warning(among found: [NetworkAddress], allowed: [AddressRange]) throws(GridError) -> String? {
        do {
            _ = try address(among: found, allowed: allowed)
            return nil
        } catch {
            guard error.kind == .unreachable else { throw error }
            return "\(error.message) yet: each message to it is tried again for some twenty minutes, then given up"
        }
    }
}
