import Dispatch

/// Memory that several threads write at the same time, each element by the one thread whose turn it is.
struct SharedWrites<Element>: @unchecked Sendable {
    let start: UnsafeMutablePointer<Element>

    init?(_ buffer: UnsafeMutableBufferPointer<Element>) {
        guard let start = buffer.baseAddress else { return nil }
        self.start = start
    }
}

/// Runs `body` on runs of at most `size` numbers below `count`, every `threads`-th run on the same thread.
///
/// What a run computes must not depend on the others: then the bits do not depend on the number of threads.
func inRuns(_ count: Int, of size: Int, threads: Int, _ body: @Sendable (Range<Int>) -> Void) {
    guard threads > 1, count > size else { return body(0..<count) }
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for first in stride(from: thread * size, to: count, by: threads * size) { body(first..<min(count, first + size)) }
    }
}
