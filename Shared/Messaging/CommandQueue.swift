import Synchronization

/// How other threads reach the one that owns a socket: a bounded queue that wakes it.
final class CommandQueue<Command: Sendable>: Sendable {
    private struct State {
        var commands: [Command] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let waker: Waker

    init(capacity: Int, waker: Waker) {
        self.capacity = capacity
        self.waker = waker
    }

    /// - Returns: false when the queue is full or its thread has ended; the command is dropped then.
    func push(_ command: Command) -> Bool {
        let (accepted, wasEmpty) = state.withLock { state in
            guard !state.isClosed, state.commands.count < capacity else { return (false, false) }
            state.commands.append(command)
            return (true, state.commands.count == 1)
        }
        // Later ones ride on the first one's wake: the owner takes all at once.
        if accepted && wasEmpty { waker.wake() }
        return accepted
    }

    func takeAll() -> [Command] {
        state.withLock { state in
            let commands = state.commands
            state.commands = []
            return commands
        }
    }

    func close() {
        state.withLock { state in
            state.isClosed = true
            state.commands = []
        }
    }
}

/// Any thread's way to a handler's thread.
package struct CommandPoster<Command: Sendable>: Sendable {
    let queue: CommandQueue<Command>

    /// Never waits.
    /// - Returns: false when `SocketOptions.commandsMax` are waiting already or the thread has ended.
    @discardableResult package func post(_ command: Command) -> Bool { queue.push(command) }
}
