import ClusterModel
import Dispatch
import Foundation
import Panel

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Lets an interrupted program take its unfinished files away before the signal ends it, as it would have anyway.
///
/// From its creation to `end`; the program must not have another use for these signals meanwhile.
struct Interruption: ~Copyable {
    /// Shared with the threads that a signal's event runs on.
    private final class Unfinished: @unchecked Sendable {
        /// Held while a file is made, so that no signal comes between its making and the knowledge of its name.
        private let lock = NSLock()
        private var paths: [String] = []

        func create(_ path: String) throws(GridError) -> AtomicFile {
            lock.lock()
            defer { lock.unlock() }
            let file = try AtomicFile(path: path)
            if let temporary = file.temporary { paths.append(temporary) }
            return file
        }

        func remove() {
            lock.lock()
            defer { lock.unlock() }
            for path in paths { unlink(path) }
        }
    }

    private let unfinished = Unfinished()
    private let sources: [(number: Int32, source: any DispatchSourceSignal)]

    init() {
        let unfinished = unfinished
        sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number in
            Self.source(number, unfinished).map { (number, $0) }
        }
    }

    deinit {
        for (number, source) in sources {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }

    /// A file that a signal removes unless it was committed.
    func create(_ path: String) throws(GridError) -> AtomicFile { try unfinished.create(path) }

    /// From here on the signals end the program at once again.
    consuming func end() {}

    /// - Returns: nil for a signal that this program was told to ignore, as by nohup.
    private static func source(_ number: Int32, _ unfinished: Unfinished) -> (any DispatchSourceSignal)? {
        let before = signal(number, SIG_IGN)
        guard unsafeBitCast(before, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) else { return nil }
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        // On a thread of the queue, where anything may be done; the signal itself then ends the program for real, so
        // that a shell sees why.
        source.setEventHandler {
            unfinished.remove()
            signal(number, SIG_DFL)
            kill(getpid(), number)
        }
        source.resume()
        return source
    }
}
