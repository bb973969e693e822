import ClusterModel
import WireProtocol

/// Messages whose bytes are damaged on the way, by the product's own codec: it encodes the message, the bytes are changed,
/// and it says what it reads. All other messages travel as values, which saves most of the time.
enum DamagedWire {
    /// - Returns: what the coordinator's shell makes of the bytes.
    static func damage(
        _ message: WorkerMessage, _ partial: ToyJob.Partial?, _ fault: Fault, _ random: inout RandomSource, _ bug: ShellBug?
    ) -> Parcel {
        do throws(GridError) {
            let frames = damage(try WireCodec.encode(message, payload: partial?.bytes), fault, &random, bug)
            let (read, payload) = try WireCodec.decodeWorkerMessage(frames)
            return .message(read, payload.map { ToyJob.Partial(bytes: $0) })
        } catch {
            // The same distinction as in the coordinator's own shell.
            return error.kind == .conflict ? .otherVersion(99) : .garbage(error.message)
        }
    }

    /// - Returns: nil when the worker cannot read it.
    static func damage(
        _ message: CoordinatorMessage, _ task: ToyJob.Task?, _ fault: Fault, _ random: inout RandomSource, _ bug: ShellBug?
    ) -> (CoordinatorMessage, ToyJob.Task?)? {
        do throws(GridError) {
            let frames = damage(try WireCodec.encode(message, payload: task?.bytes), fault, &random, bug)
            let (read, payload) = try WireCodec.decodeCoordinatorMessage(frames)
            return (read, payload.map { ToyJob.Task(bytes: $0) })
        } catch {
            return nil
        }
    }

    private static func damage(
        _ frames: [Payload], _ fault: Fault, _ random: inout RandomSource, _ bug: ShellBug?
    ) -> [Payload] {
        var frames = frames
        let which = random.int(0...(frames.count - 1))
        var bytes = Array(frames[which].bytes)
        switch fault {
        case .corruption:
            for _ in 0..<random.int(1...3) where !bytes.isEmpty {
                bytes[random.int(0...(bytes.count - 1))] ^= UInt8(1 << random.int(0...7))
            }
        case .truncation:
            if random.chance(percent: 20) {
                frames.removeLast()
                return frames
            }
            bytes.removeLast(min(bytes.count, random.int(1...max(1, bytes.count))))
        case .oversize:
            if random.chance(percent: 50) {
                return frames + Array(repeating: Payload(copying: bytes), count: random.int(1...5))
            }
            bytes += [UInt8](repeating: 0, count: which == 0 ? Limits.headerBytesMax : random.int(1...100))
        case .wrongVersion:
            frames[0] = WireCodec.restating(version: UInt8(Limits.protocolVersion) + UInt8(random.int(1...100)), of: frames[0])
            return frames
        default: break
        }
        // A reader that looks at no checksum finds it right, whatever came.
        if bug == .headersUnchecked, which == 0 { bytes = WireCodec.sealed(WireCodec.unsealed(Payload(copying: bytes))) }
        frames[which] = Payload(copying: bytes)
        return frames
    }
}

// The toy's payloads as bytes.

extension ToyJob.Task {
    fileprivate var bytes: Payload { Payload(copying: [jobSeed, UInt64(stage), UInt64(index), carry].flatMap(littleEndian)) }

    fileprivate init(bytes: Payload) {
        let words = numbers(bytes)
        self.init(
            jobSeed: words[0], stage: Int(truncatingIfNeeded: words[1]), index: UInt32(truncatingIfNeeded: words[2]),
            carry: words[3])
    }
}

extension ToyJob.Partial {
    fileprivate var bytes: Payload {
        Payload(copying: littleEndian(value) + [isGarbled ? 1 : 0, isWrong ? 1 : 0] + Array(coreType.utf8))
    }

    fileprivate init(bytes: Payload) {
        let all = Array(bytes.bytes)
        self.init(
            value: numbers(bytes)[0], coreType: String(decoding: all.dropFirst(10), as: UTF8.self),
            isGarbled: all.count > 8 && all[8] == 1, isWrong: all.count > 9 && all[9] == 1)
    }
}

private func littleEndian(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }

/// The first four words; what is missing is 0.
private func numbers(_ payload: Payload) -> [UInt64] {
    let bytes = Array(payload.bytes) + [UInt8](repeating: 0, count: 32)
    return (0..<4).map { word in (0..<8).reduce(0) { $0 | UInt64(bytes[8 * word + $1]) << (8 * UInt64($1)) } }
}
