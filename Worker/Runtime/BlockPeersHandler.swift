import ClusterModel
import Logging
import Messaging
import WireProtocol

/// Talks to other workers that serve blocks: one socket that calls each of them once. Decides nothing; what they say goes to the
/// thread that fetches, which also ends this one and begins anew where a connection is not to be relied on.
struct BlockPeersHandler: SocketHandler {
    enum Command: Sendable {
        case ask(BlockRequest, at: String)
    }

    private let report: CommandPoster<BlockFetchHandler.Command>
    private let logger: Logger
    private var lines: [String: Peer] = [:]
    private var endpoints: [Peer: String] = [:]

    init(report: CommandPoster<BlockFetchHandler.Command>, logger: Logger) {
        self.report = report
        self.logger = logger
    }

    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
        guard let endpoint = endpoints[peer] else { return }
        do throws(GridError) {
            let (reply, block) = try WireCodec.decodeBlockReply(frames)
            report.post(.peerSaid(endpoint, reply, block))
        } catch {
            report.post(.peerSaidGarbage(endpoint))
        }
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        guard case .dropped(let peer, _) = event, let endpoint = endpoints[peer] else { return }
        report.post(.peerSaidGarbage(endpoint))
    }

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .ask(let request, let endpoint):
            // What is not sent is not answered, and then asked of the coordinator.
            guard let peer = line(to: endpoint, port), let frames = try? WireCodec.encode(request) else { return }
            _ = port.send(frames, to: peer)
        }
    }

    private mutating func line(to text: String, _ port: SocketPort) -> Peer? {
        if let peer = lines[text] { return peer }
        do throws(GridError) {
            let endpoint = try Endpoint(parsing: text, for: .connect, field: "the worker to fetch a block from")
            let peer = try port.call(endpoint)
            lines[text] = peer
            endpoints[peer] = text
            return peer
        } catch {
            logger.warning("\(error)")
            return nil
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
}
