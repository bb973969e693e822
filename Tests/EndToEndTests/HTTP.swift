import Foundation
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Requests to a coordinator on this machine.
enum HTTP {
    struct Answer {
        var status: Int
        var contentType: String
        var body: Data

        var text: String { String(decoding: body, as: UTF8.self) }

        func object() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any], "no JSON object: \(text)")
        }
    }

    private static let session: URLSession = {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 20
        configuration.connectionProxyDictionary = [:]
        return URLSession(configuration: configuration)
    }()

    /// - Returns: nil when nobody answers.
    static func get(_ url: String, token: String? = nil) async throws -> Answer? {
        do {
            return try await send("GET", url, nil, contentType: nil, token: token)
        } catch is URLError {
            return nil
        }
    }

    static func post(_ url: String, _ body: [String: Any], token: String?) async throws -> Answer {
        try await send("POST", url, JSONSerialization.data(withJSONObject: body), contentType: "application/json", token: token)
    }

    static func send(
        _ method: String, _ url: String, _ body: Data?, contentType: String?, token: String?
    ) async throws -> Answer {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.httpMethod = method
        request.httpBody = body
        if let contentType { request.setValue(contentType, forHTTPHeaderField: "Content-Type") }
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        let (data, response) = try await session.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        return Answer(
            status: http.statusCode, contentType: http.value(forHTTPHeaderField: "Content-Type") ?? "", body: data)
    }
}
