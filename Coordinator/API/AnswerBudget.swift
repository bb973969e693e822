import ClusterModel
import Hummingbird
import NIOCore
import Synchronization

/// Bytes of large answers that wait for those who asked to take them, all connections together: their number and their time are
/// bounded, but that many answers of the largest kind would be more than the memory of a machine.
final class AnswerBudget: Sendable {
    private let bytesMax: Int
    private let bytesCountedMin: Int
    private let held = Atomic<Int>(0)

    init(bytesMax: Int = Limits.httpAnswerBytesHeldMax, bytesCountedMin: Int = Limits.httpAnswerBytesCountedMin) {
        self.bytesMax = bytesMax
        self.bytesCountedMin = bytesCountedMin
    }

    var bytesHeld: Int { held.load(ordering: .relaxed) }

    /// Of one answer, until nobody has it any more.
    private final class Share: Sendable {
        private let budget: AnswerBudget
        private let bytes: Int

        init(_ budget: AnswerBudget, bytes: Int) {
            self.budget = budget
            self.bytes = bytes
        }

        deinit { budget.held.subtract(bytes, ordering: .relaxed) }
    }

    /// What sends these bytes. A large answer goes in parts, each when the one before is on its way, so that it is known when
    /// nearly all of it has gone; whatever ends the connection lets go of it as well.
    ///
    /// - Throws: A `Problem` when too much is being held already.
    func body(_ bytes: ByteBuffer) throws(Problem) -> ResponseBody {
        let count = bytes.readableBytes
        guard count >= bytesCountedMin else { return ResponseBody(byteBuffer: bytes) }
        let heldWithIt = held.add(count, ordering: .relaxed).newValue
        let share = Share(self, bytes: count)
        guard heldWithIt <= bytesMax else {
            throw Problem(
                .serviceUnavailable,
                "answers of \(bytesMax >> 20) MiB are waiting to be taken by those who asked: try again later",
                headers: [.retryAfter: "\(Limits.retryAfterSeconds)"])
        }
        return ResponseBody(contentLength: count) { writer in
            var rest = bytes
            while rest.readableBytes > 0, let part = rest.readSlice(length: min(Limits.httpAnswerPartBytes, rest.readableBytes)) {
                try await writer.write(part)
            }
            try await writer.finish(nil)
            withExtendedLifetime(share) {}
        }
    }
}
