import ClusterModel
import Logging
import Messaging
import Synchronization
import Testing

@testable import WorkerRuntime

/// What is said of those who were kept out, on either side.
@Suite struct RefusalTests {
    private final class Lines: Sendable {
        let said = Mutex<[(source: String, text: String)]>([])

        struct Handler: LogHandler {
            let lines: Lines
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.info
            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }
            func log(event: LogEvent) { lines.said.withLock { $0.append((event.source, "\(event.message)")) } }
        }
        var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }
    }

    @Test("The log names the address and the part of the program that speaks, at once, and then the number of the others")
    func log() {
        let lines = Lines()
        var log = RefusalLog(source: "Service")
        var now = MonotonicTime(nanoseconds: 0)
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            log.note(.keyMismatch(address: address), isKeyed: true, at: now, to: lines.logger)
        }
        now = now.advanced(milliseconds: Limits.refusalsLoggedMilliseconds)
        log.note(.keyMismatch(address: "192.0.2.4"), isKeyed: false, at: now, to: lines.logger)
        let said = lines.said.withLock { $0 }
        #expect(said.map(\.source) == ["Service", "Service"])
        #expect(said[0].text.hasPrefix("kept out a peer without a key at 192.0.2.1: "))
        #expect(said[1].text.hasPrefix("kept out a peer with a key at 192.0.2.4: "))
        #expect(said[1].text.hasSuffix("(and 2 more like it since the last line)"))
    }

    @Test("A worker whose connection ended before anything was said does not claim to know why")
    func closed() throws {
        let coordinator = try Endpoint(parsing: "tcp://a:5710", for: .connect, field: "")
        for keyName in [nil, "host1"] {
            let sentence = HandshakeRefusal.closed.sentence(of: coordinator, keyName: keyName)
            #expect(sentence.contains("tcp://a:5710 hung up") && sentence.contains("line was cut"))
        }
        let sure = HandshakeRefusal.onlyOneHasKeys.sentence(of: coordinator, keyName: nil)
        #expect(sure.hasPrefix("tcp://a:5710 lets nobody in without a key") && !sure.contains("cut"))
    }
}
