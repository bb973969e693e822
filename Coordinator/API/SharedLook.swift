import Synchronization

/// A look at something that may take long, or never come to an end. Whoever asks meanwhile shares it, and nobody waits for it
/// longer than its patience from its beginning on: later askers find out at once.
final class SharedLook: Sendable {
    private struct State {
        /// It has come to its end, or its patience has.
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Begins to look.
    ///
    /// - Parameter overdue: Called when the patience ends before the look; the look goes on.
    init(
        patience: Duration, _ look: @escaping @Sendable () async -> Void, overdue: @escaping @Sendable () -> Void
    ) {
        let timer = Task {
            do { try await Task.sleep(for: patience) } catch { return }
            overdue()
            end()
        }
        Task {
            await look()
            timer.cancel()
            end()
        }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
    }

    private func end() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
