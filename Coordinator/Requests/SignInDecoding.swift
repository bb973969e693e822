import ClusterModel
import Foundation

/// Body of `POST /v1/session`: what opens the page, which is one of two things. It has no description that shows it.
package enum SignInRequest: Sendable, CustomStringConvertible {
    case code(String)
    case token(String)

    /// As long as the longest token may be.
    private static let bytesMax = 4_096

    /// - Throws: `GridError(.usage)`, which never repeats what was sent.
    package init(decoding body: Data) throws(GridError) {
        var object = try StrictObject(body, what: "the request to sign in")
        let code = try object.text("code", bytesMax: Self.bytesMax)
        let token = try object.text("token", bytesMax: Self.bytesMax)
        try object.expectNothingElse()
        switch (code, token) {
        case (let code?, nil): self = .code(code)
        case (nil, let token?): self = .token(token)
        default: throw GridError(.usage, "the request to sign in needs 'code' or 'token': expected one of them")
        }
    }

    package var description: String { "(a request to sign in)" }

    /// Body of `POST /v1/session/codes`: empty, or an object with the optional field `role`.
    package static func role(decoding body: Data) throws(GridError) -> AccessRole? {
        guard !body.isEmpty else { return nil }
        var object = try StrictObject(body, what: "the request for a code")
        let role = try object.text("role", bytesMax: 40)
        try object.expectNothingElse()
        return try role.map { text throws(GridError) in try AccessRole(parsing: text) }
    }
}
