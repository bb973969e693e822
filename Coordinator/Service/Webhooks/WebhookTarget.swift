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
        func wrong(_ what: String) -> GridError { GridError(.usage, "field 'url' is '\(text.printable)': \(what)") }
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
    /// - Throws: `GridError(.conflict)` when none may be.
    func address(among found: [NetworkAddress], allowed: [AddressRange]) throws(GridError) -> NetworkAddress {
        for address in found {
            if allowed.contains(where: { address.isIn($0.address, bits: $0.bits) }) { return address }
            if address.isPublic, isSecure { return address }
        }
        let list = found.prefix(4).map(\.description).joined(separator: ", ")
        if found.contains(where: \.isPublic), !isSecure {
            throw GridError(
                .conflict,
                "\(host.printable) is not asked over plain http: expected https, or a coordinator that runs with its range in "
                    + "--webhook-allow")
        }
        throw GridError(
            .conflict,
            "\(host.printable) is \(found.isEmpty ? "nowhere" : list), which is not of the public internet: expected a public "
                + "address, or its range in --webhook-allow")
    }
}
