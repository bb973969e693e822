import API
import AsyncHTTPClient
import ClusterModel
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension GridClient {
    static let connectSeconds: Int64 = 5

    /// Why one coordinator gave no answer of use, where another one may.
    struct Failure: Error {
        private enum Cause {
            /// There is no way to it, or it says nothing.
            case silent
            /// Somebody is there, but TLS comes to nothing.
            case distrusted
            /// It is one, and cannot answer now.
            case unready
            /// It is one, and another one leads.
            case elsewhere
        }

        let base: URL
        private let cause: Cause
        /// Continues `cannot reach the coordinator at URL: `, or is a sentence of its own where there is an answer.
        private let reason: String
        /// Whether nothing can have come of the request.
        let isUndone: Bool

        init(base: URL, error: any Error, seconds: Int64) {
            self.base = base
            let trouble = ConnectionTrouble(
                connectSeconds: connectSeconds, answerSeconds: seconds,
                authorityHint: "; name its own with --ca or ALPHAGRID_CA", isPlain: base.scheme == "http")
            reason = trouble.reason(error)
            cause = error is NIOSSLError || error is NIOSSLExtraError ? .distrusted : .silent
            let isTimeout = (error as? HTTPClientError) == .connectTimeout
            // Nobody can have heard of what was never sent.
            let isNobody = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains((error as? IOError)?.errnoCode)
            isUndone = error is NIOConnectionError || isTimeout || isNobody || cause == .distrusted
        }

        /// - Throws: `GridError` for an answer that another coordinator would give as well.
        init(base: URL, status: UInt, body: Data) throws {
            let address = base.absoluteString
            guard let problem = try? GridJSON.decode(ProblemDocument.self, from: body) else {
                throw GridError(
                    .unreachable, "\(address) answers with status \(status), but not as a coordinator does: check the address")
            }
            guard status == 503 else { throw Self.refusal(address, status, problem) }
            self.base = base
            cause = problem.leader == nil ? .unready : .elsewhere
            let next = problem.leader?.url == nil ? "" : ": name that address with --url or ALPHAGRID_URL"
            reason = problem.leader == nil ? problem.detail : "\(address): \(problem.detail)\(next)"
            isUndone = problem.leader != nil
        }

        /// One sentence for all that were asked: what the leader said, if it said anything.
        static func summary(of failures: [Failure], hint: String?) -> GridError {
            if let unready = failures.first(where: { $0.cause == .unready }) {
                return GridError(.unreachable, unready.reason)
            }
            if failures.count == 1, let only = failures.first { return GridError(.unreachable, only.sentence(hint: hint)) }
            let reasons = failures.map { failure in
                failure.cause == .elsewhere
                    ? "\(failure.base.absoluteString) does not lead" : "\(failure.base.absoluteString): \(failure.reason)"
            }
            return GridError(.unreachable, "no coordinator leads at any of the addresses (\(reasons.joined(separator: ", ")))")
        }

        private func sentence(hint: String?) -> String {
            let address = base.absoluteString
            switch cause {
            case .unready, .elsewhere: return reason
            case .distrusted: return "cannot speak to the coordinator at \(address): \(reason)"
            case .silent:
                let next = hint ?? "start one with 'alphagrid up', or name another with --url or ALPHAGRID_URL"
                return "cannot reach the coordinator at \(address): \(reason); \(next)"
            }
        }

        /// The coordinator's own sentence.
        private static func refusal(_ address: String, _ status: UInt, _ problem: ProblemDocument) -> GridError {
            switch status {
            case 401:
                GridError(
                    .failed,
                    "\(address) refuses the token: set ALPHAGRID_TOKEN or ALPHAGRID_TOKEN_FILE to a valid one, such as "
                        + "'alphagrid tokens add' makes on its database")
            case 403: GridError(.failed, "\(address) refuses: \(problem.detail)")
            case 400, 405, 413, 415: GridError(.usage, problem.detail)
            case 404: GridError(.notFound, problem.detail)
            case 409: GridError(.conflict, problem.detail)
            default: GridError(.failed, problem.detail)
            }
        }
    }
}
