import ClusterModel
import HTTPTypes
import Hummingbird
import NIOCore
import Requests

// Server-sent events: the state on connecting, then what changes.
extension APIRoutes {
    /// A stream may be told to end by itself; 0 ends it behind the first events.
    static let streamSecondsMax = 86_400

    @Sendable func events(_ request: Request, _ context: APIContext) async throws -> Response {
        let seconds = try streamSeconds(request)
        return try stream(context, job: nil, seconds: seconds, EveryoneFollower())
    }

    @Sendable func jobEvents(_ request: Request, _ context: APIContext) async throws -> Response {
        let seconds = try streamSeconds(request)
        let id = try jobID(context)
        let first = try await control.job(id)
        return try stream(context, job: first.jobID, seconds: seconds, JobFollower(first: first, control: control))
    }

    @Sendable func tiles(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request.uri.query, names: [])
        let id = try jobID(context)
        return try answer(await control.tiles(of: id))
    }

    private func streamSeconds(_ request: Request) throws -> Int? {
        try QueryParameters(request.uri.query, names: ["seconds"]).whole("seconds", in: 0...Self.streamSecondsMax)
    }

    private func stream(
        _ context: APIContext, job: JobID?, seconds: Int?, _ follower: some EventFollower
    ) throws -> Response {
        // Let go with the body, also where none is ever written, as for HEAD.
        let seat = try hub.seat(for: context.peer)
        let (hub, remainsKnown) = (hub, context.remainsKnown)
        let body = ResponseBody { writer in
            let stream = hub.open(job: job)
            defer {
                hub.close(stream)
                withExtendedLifetime(seat) {}
            }
            var follower = follower
            var serial: Int?
            let clock = ContinuousClock()
            var lookedAt = clock.now
            let end = seconds.map { clock.now + .seconds($0) }
            while let tick = await stream.next() {
                let (bytes, isLast) = try await follower.bytes(tick, missed: serial.map { tick.serial - $0 - 1 })
                serial = tick.serial
                if bytes.readableBytes > 0 { try await writer.write(bytes) }
                if isLast { break }
                let now = clock.now
                if let end, now >= end { break }
                if now - lookedAt >= hub.accessInterval {
                    lookedAt = now
                    guard await remainsKnown() else { break }
                }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: EventFrame.mediaType], body: body)
    }
}

/// Decides what one stream is told of a tick.
private protocol EventFollower: Sendable {
    /// - Parameter missed: ticks since the last one; nil for the first.
    /// - Returns: possibly nothing; and whether the stream is over then.
    mutating func bytes(_ tick: EventTick, missed: Int?) async throws -> (ByteBuffer, isLast: Bool)
}

private struct EveryoneFollower: EventFollower {
    mutating func bytes(_ tick: EventTick, missed: Int?) -> (ByteBuffer, isLast: Bool) {
        guard let missed else { return (tick.snapshot, false) }
        guard missed > 0 else { return (tick.change, false) }
        var bytes = EventFrame.lagged(missed, id: tick.serial)
        bytes.writeImmutableBuffer(tick.snapshot)
        return (bytes, false)
    }
}

private struct JobFollower: EventFollower {
    let first: JobView
    let control: any ServedGrid

    /// A job that no tick knows is looked up at every so many.
    private static let lookUpEvery = 5

    mutating func bytes(_ tick: EventTick, missed: Int?) async throws -> (ByteBuffer, isLast: Bool) {
        var bytes = ByteBuffer()
        if let missed, missed > 0 { bytes = EventFrame.lagged(missed, id: tick.serial) }
        guard let job = tick.job(first.jobID) else {
            // Over for long, or not begun by this coordinator.
            guard missed == nil || tick.serial % Self.lookUpEvery == 0 else { return (bytes, false) }
            let view = missed == nil ? first : try await control.job(first.jobID)
            bytes.writeImmutableBuffer(try EventFrame.job(view, id: tick.serial))
            if view.state.isFinal { bytes.writeImmutableBuffer(try EventFrame.end(of: view, id: tick.serial)) }
            return (bytes, view.state.isFinal)
        }
        if job.isChanged || missed != 0 { bytes.writeImmutableBuffer(job.frame) }
        if let tasks = tick.tasks[first.jobID], missed != nil { bytes.writeImmutableBuffer(tasks) }
        if tick.hasComment { bytes.writeImmutableBuffer(EventFrame.comment) }
        if let end = job.end { bytes.writeImmutableBuffer(end) }
        return (bytes, job.end != nil)
    }
}
