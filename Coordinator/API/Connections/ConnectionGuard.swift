import ClusterModel
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection that takes too long or too much: the deadlines count from the beginning of a header, a body or an
/// answer and not from its last byte, so that one byte at a time gains nothing.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionLimits
    private let table: ConnectionTable
    /// nil until the connection counts, and after it does no more.
    private var address: String?
    private var hasStarted = false
    private var isReadingBody = false
    private var bodyBytes = 0
    private var requestsOpen = 0
    private var wasRefused = true
    private var readDeadline: Scheduled<Void>?
    private var answerDeadline: Scheduled<Void>?
    /// Whether the answer under way goes on until somebody ends it.
    private var isStreaming = false

    init(limits: ConnectionLimits, table: ConnectionTable) {
        self.limits = limits
        self.table = table
    }

    // MARK: Beginning and end

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard !hasStarted else { return }
        hasStarted = true
        let address = context.remoteAddress?.ipAddress ?? "unknown"
        guard table.enter(address, max: limits.perAddressMax) else { return context.close(mode: .all, promise: nil) }
        self.address = address
        armForHeader(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        if let address { table.leave(address) }
        address = nil
        readDeadline?.cancel()
        answerDeadline?.cancel()
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            requestsOpen += 1
            isReadingBody = true
            bodyBytes = 0
            arm(context, limits.body)
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            guard bodyBytes <= limits.bodyBytesMax else { return context.close(mode: .all, promise: nil) }
        case .end:
            isReadingBody = false
            readDeadline?.cancel()
            if requestsOpen == 0 { armForHeader(context) }
        }
        context.fireChannelRead(data)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            // An answer such as 100 Continue is none yet.
            if head.status.kind != .informational {
                wasRefused = [.unauthorized, .tooManyRequests].contains(head.status)
                answerDeadline?.cancel()
                isStreaming = head.headerFields[.contentType] == EventFrame.mediaType
                answerDeadline = schedule(context, isStreaming ? limits.stall : limits.answer)
            }
            context.write(data, promise: promise)
        case .body:
            writeBody(context, data, promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            written.futureResult.whenSuccess {
                let (handler, context) = loopBound.value
                handler.answered(context)
            }
            context.write(data, promise: written)
        }
    }

    /// A stream may take as long as it likes, but what is written of it has to be taken off.
    private func writeBody(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        guard isStreaming else { return context.write(data, promise: promise) }
        if answerDeadline == nil { answerDeadline = schedule(context, limits.stall) }
        let written = promise ?? context.eventLoop.makePromise()
        let loopBound = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenSuccess {
            let handler = loopBound.value
            guard handler.isStreaming else { return }
            handler.answerDeadline?.cancel()
            handler.answerDeadline = nil
        }
        context.write(data, promise: written)
    }

    private func answered(_ context: ChannelHandlerContext) {
        answerDeadline?.cancel()
        isStreaming = false
        requestsOpen -= 1
        if requestsOpen == 0, !isReadingBody { armForHeader(context) }
    }

    // MARK: Deadlines

    private func armForHeader(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        arm(context, wasRefused ? limits.first : limits.idle)
    }

    private func arm(_ context: ChannelHandlerContext, _ time: TimeAmount) {
        readDeadline?.cancel()
        readDeadline = schedule(context, time)
    }

    private func schedule(_ context: ChannelHandlerContext, _ time: TimeAmount) -> Scheduled<Void> {
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: time) { loopBound.value.close(mode: .all, promise: nil) }
    }
}
