import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The wish to stop: Ctrl-C, an orderly kill, or a terminal that was closed. From its creation on, none of them ends
/// the process by itself.
final class StopSignals: Sendable {
    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    private let counter = Counter()
    // Only kept alive here; nobody touches them after `init`.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    /// - Parameter onStop: Called for each signal, on some thread.
    init(onStop: @escaping @Sendable () -> Void) {
        let counter = counter
        // Started by nohup, it is meant to outlive its terminal.
        var before = sigaction()
        sigaction(SIGHUP, nil, &before)
        let ignored = unsafeBitCast(SIG_IGN, to: Int.self)
        let isDetached = unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == ignored
        sources = (isDetached ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]).map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                counter.value.add(1, ordering: .relaxed)
                onStop()
            }
            source.resume()
            return source
        }
    }

    var isRequested: Bool { counter.value.load(ordering: .relaxed) > 0 }
    /// Somebody has asked twice: it should not take long any more.
    var isUrgent: Bool { counter.value.load(ordering: .relaxed) > 1 }
}
