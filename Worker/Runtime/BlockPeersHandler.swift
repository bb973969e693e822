import ClusterModel
import Logging
import Messaging
import WireProtocol

/// Talks to other workers that serve blocks: one socket that calls up to `Limits.blockPeersMax` of them. Decides nothing;
/// what they say goes to the thread that fetches.
struct BlockPeersHandler: SocketHandler {
    enum Command: Sendable {
        case ask(BlockRequest, at: String)
        /// A worker did not do what it should, and perhaps never will on this connection.
        case leave(String)
    }

    private struct Line {
        let endpoint: String
        let peer: Peer
    }

    private let report: CommandPoster<BlockFetchHandler.Command>
    private let logger: Logger
    /// Connections, the one used longest ago first.
    private var lines: [Line] = []

    init(report: CommandPoster<BlockFetchHandler.Command>, logger: Logger) {
        self.report = report
        self.logger = logger
    }

    mutating func received(_ frames: [Payload], from peer: Peer, at now: MonotonicTime, via port: SocketPort) {
        guard let line = lines.first(where: { $0.peer == peer }) else { return }
        do throws(GridError) {
            let (reply, block) = try WireCodec.decodeBlockReply(frames)
            report.post(.peerSaid(line.endpoint, reply, block))
        } catch {
            report.post(.peerSaidGarbage(line.endpoint))
        }
    }

    mutating func noticed(_ event: SocketEvent, at now: MonotonicTime, via port: SocketPort) {
        guard case .dropped(let peer, _) = event, let line = lines.first(where: { $0.peer == peer }) else { return }
        report.post(.peerSaidGarbage(line.endpoint))
    }

    mutating func handle(_ command: Command, at now: MonotonicTime, via port: SocketPort) {
        switch command {
        case .ask(let request, let endpoint):
            // What is not sent is not answered, and then asked of the coordinator.
            guard let peer = line(to: endpoint, port), let frames = try? WireCodec.encode(request) else { return }
            _ = port.send(frames, to: peer)
        case .leave(let endpoint):
            guard let position = lines.firstIndex(where: { $0.endpoint == endpoint }) else { return }
            port.hangUp(lines.remove(at: position).peer)
        }
    }

    private mutating func line(to text: String, _ port: SocketPort) -> Peer? {
        if let position = lines.firstIndex(where: { $0.endpoint == text }) {
            let line = lines.remove(at: position)
            lines.append(line)
            return line.peer
        }
        do throws(GridError) {
            let endpoint = try Endpoint(parsing: text, for: .connect, field: "the worker to fetch a block from")
            if lines.count >= Limits.blockPeersMax { port.hangUp(lines.removeFirst().peer) }
            let peer = try port.call(endpoint)
            lines.append(Line(endpoint: text, peer: peer))
            return peer
        } catch {
            logger.warning("\(error)")
            return nil
        }
    }

    mutating func tick(at now: MonotonicTime, via port: SocketPort) -> MonotonicTime? { nil }
}
