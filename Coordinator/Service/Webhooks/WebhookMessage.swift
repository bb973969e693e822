import ClusterModel
import Crypto
import Foundation

/// One message to one receiver.
package struct WebhookPost: Sendable {
    package var url: String
    package var host: String
    /// What the name was resolved to; nothing else may be connected to.
    package var address: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
}

/// Sends a message and follows no redirects.
///
/// - Returns: the status of the answer.
/// - Throws: anything that kept it from arriving.
package typealias WebhookTransport = @Sendable (WebhookPost) async throws -> Int

enum WebhookMessage {
    static let secretPrefix = "agw_"

    /// 32 random bytes as text.
    static func newSecret() -> String {
        let key = SymmetricKey(size: .bits256)
        return secretPrefix + key.withUnsafeBytes { hex(Array($0)) }
    }

    /// The receiver computes the same over what it got and compares; the time keeps an old message from being sent again.
    ///
    /// - Returns: HMAC-SHA256 of `timestamp.body` in hexadecimal.
    static func signature(secret: String, timestamp: Int64, body: [UInt8]) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        return hex(Array(HMAC<SHA256>.authenticationCode(for: Array("\(timestamp).".utf8) + body, using: key)))
    }

    static func headers(
        secret: String, event: WebhookEvent, delivery: Int64, timestamp: Int64, body: [UInt8]
    ) -> [(name: String, value: String)] {
        [
            ("Content-Type", "application/json"), ("User-Agent", "AlphaGrid/\(AlphaGrid.version)"),
            ("X-AlphaGrid-Event", event.rawValue), ("X-AlphaGrid-Delivery", "\(delivery)"),
            ("X-AlphaGrid-Timestamp", "\(timestamp)"),
            ("X-AlphaGrid-Signature", "v1=\(signature(secret: secret, timestamp: timestamp, body: body))"),
        ]
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Body of every message; what does not belong to the event is left out.
    struct Body: Codable {
        var event: WebhookEvent
        var sentAt: String
        var job: JobView?
        var region: String?
        var jobID: JobID?
        var threshold: Double?
        /// At most `Limits.alertsPerJobMax`; the largest |r| first.
        var pairs: [AlertView]?

        func encoded() throws(GridError) -> String {
            do {
                let encoder = JSONEncoder()
                encoder.keyEncodingStrategy = .convertToSnakeCase
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                return String(decoding: try encoder.encode(self), as: UTF8.self)
            } catch { throw GridError(.failed, "the message cannot be written: \(error)") }
        }
    }
}
