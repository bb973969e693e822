import Foundation

/// Takes out of a text what opens something. Programs keep secrets out of what they write; this is for what others wrote into
/// it, such as a password in an error of somebody's proxy.
struct Redaction {
    /// Known by their very text, whatever they look like.
    var secrets: [String]

    static let mark = "(removed)"

    func clean(_ text: String) -> String {
        var text = text
        for secret in secrets where secret.utf8.count >= 4 { text = text.replacingOccurrences(of: secret, with: Self.mark) }
        text.replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.|\n)*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)/, with: Self.mark)
        text.replace(/agw?_[0-9a-f]{16,}/, with: Self.mark)
        text.replace(/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/, with: Self.mark)
        text.replace(/([A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s\/:@"']*):[^\s\/@"']+@/) { "\($0.1):\(Self.mark)@" }
        text.replace(/(?i)(bearer\s+)[A-Za-z0-9._~+\/-]{8,}=*/) { "\($0.1)\(Self.mark)" }
        text.replace(/(?i)((?:password|passwd|pgpassword|secret)\\?["']?\s*[=:]\s*\\?["']?)[^\s"',}\\]+/) {
            "\($0.1)\(Self.mark)"
        }
        return text
    }
}
