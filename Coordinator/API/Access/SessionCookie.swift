import ClusterModel
import HTTPTypes
import Hummingbird

/// The cookie of a browser that has signed in, and what must come with it.
enum SessionCookie {
    static let name = "alphagrid_session"
    /// A form or an image of another site cannot set it, and a script of another origin may not.
    static let pageHeader = HTTPField.Name("X-AlphaGrid")!
    static let pageValue = "page"

    /// The first one of that name.
    static func value(in headers: HTTPFields) -> Substring? {
        for field in headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let text = part.drop { $0 == " " }
                if text.hasPrefix("\(name)=") { return text.dropFirst(name.count + 1) }
            }
        }
        return nil
    }

    /// - Parameter isEncrypted: Whether the page came through TLS; then its cookie never goes without.
    static func header(_ secret: String, seconds: Double, isEncrypted: Bool) -> String {
        let end = isEncrypted ? "; Secure" : ""
        return "\(name)=\(secret); Path=/; Max-Age=\(Int(seconds)); HttpOnly; SameSite=Strict\(end)"
    }

    /// - Throws: `Problem` 403 for a request that may change something and that the page itself has not sent.
    static func expectPage(_ request: Request) throws(Problem) {
        guard request.method != .get, request.method != .head else { return }
        guard request.headers[pageHeader] == pageValue else {
            throw Problem(.forbidden, "a browser's request needs the header '\(pageHeader): \(pageValue)'")
        }
    }
}
