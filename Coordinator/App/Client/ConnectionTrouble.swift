import AsyncHTTPClient
import ClusterModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Why a request had no answer, as part of a sentence that says whose.
struct ConnectionTrouble {
    /// Where it went: `there`, or `at HOST:PORT`.
    var place = "there"
    var connectSeconds: Int64
    var answerSeconds: Int64
    /// What to do about a certificate that no known authority has signed; nothing where there is nothing.
    var authorityHint = ""
    /// Whether the request went out in the clear, which a server of https ends without a word.
    var isPlain = false

    func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            let refused = error.connectionErrors.contains { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
            return error.connectionErrors.isEmpty
                ? "nobody knows this host" : refused ? "nothing listens \(place)" : "no way leads \(place)"
        case let error as NIOSSLError: return reason(error)
        case let error as NIOSSLExtraError: return "its certificate is not for this name (\(error))"
        case let error as IOError:
            return error.errnoCode == ECONNREFUSED ? "nothing listens \(place)" : systemMessage(error.errnoCode)
        case is HTTPParserError: return "what answers \(place) does not speak HTTP"
        case let error as HTTPClientError where error == .connectTimeout || error == .tlsHandshakeTimeout:
            return "no answer within \(connectSeconds) seconds"
        case let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded:
            return "no answer within \(answerSeconds) seconds"
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return "it closed the connection" + (isPlain ? "; does it serve https?" : "")
        default: return "\(error)"
        }
    }

    private func reason(_ error: NIOSSLError) -> String {
        if case .handshakeFailed(let cause) = error, "\(cause)".contains("CERTIFICATE_VERIFY_FAILED") {
            return "no trusted authority has signed its certificate" + authorityHint
        }
        return "TLS with it is not possible; does it serve https?"
    }
}
