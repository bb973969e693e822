import ClusterModel

/// SplitMix64: the same seed gives the same messages everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Messages that are valid in every field, often at the ends of what a field may hold.
struct RandomMessages {
    var generator: SeededGenerator
    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func integer<T: FixedWidthInteger & Sendable>(_: T.Type = T.self) -> T {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: T.min
        case 1: T.max
        case 2: T(truncatingIfNeeded: Int.random(in: 0..<300, using: &generator))
        default: T.random(in: T.min...T.max, using: &generator)
        }
    }

    mutating func quantity() -> Double {
        [0, 1e-300, 0.25, 1.5e12, Limits.wireQuantityMax].randomElement(using: &generator)!
            * Double.random(in: 0...1, using: &generator)
    }

    /// One to `bytesMax` bytes of letters of one to four bytes each.
    mutating func text(bytesMax: Int) -> String {
        let letters: [Unicode.Scalar] = ["a", "Z", "0", "-", " ", "é", "ß", "λ", "日", "本", "𝛼", "😀"]
        let aim = Int.random(in: 1...bytesMax, using: &generator)
        var out = "x"
        while true {
            let letter = letters.randomElement(using: &generator)!
            if out.utf8.count + UTF8.width(letter) > aim { return out }
            out.unicodeScalars.append(letter)
        }
    }

    mutating func ref() -> AttemptRef {
        AttemptRef(
            task: TaskID(job: JobID(integer()), plan: PlanHash(integer()), index: integer()), attempt: AttemptID(integer()))
    }

    mutating func payload() -> Payload {
        let count = [0, 1, 63, 64, 65, 1_000, 20_000].randomElement(using: &generator)!
        return Payload(copying: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    mutating func hash() -> BlockHash { BlockHash(words: (integer(), integer(), integer(), integer())) }

    mutating func hello() -> Hello {
        let attempts = [0, 1, 7, Limits.creditPerWorkerMax].randomElement(using: &generator)!
        return Hello(
            worker: WorkerID(text(bytesMax: 200)), incarnation: integer(), protocolVersion: integer(), slots: integer(),
            credit: integer(), memoryBytes: integer(),
            profile: NumericProfile(
                blasVersion: text(bytesMax: 20), coreType: text(bytesMax: 20), epilogueVersion: Int(integer(UInt32.self))),
            coreTypes: (0..<Int.random(in: 0...Limits.coreTypesPerWorkerMax, using: &generator)).map { _ in
                CoreTypeSpeed(
                    coreType: text(bytesMax: 20), float32GigaflopsPerSecond: Double.random(in: 1...1e6, using: &generator),
                    float64GigaflopsPerSecond: Double.random(in: 1e-3...1e4, using: &generator), answer: text(bytesMax: 16))
            },
            host: text(bytesMax: 200), processID: integer(), version: text(bytesMax: 200),
            draining: Bool.random(using: &generator),
            blockEndpoint: Bool.random(using: &generator) ? text(bytesMax: 200) : nil, inHand: (0..<attempts).map { _ in ref() })
    }

    mutating func workerMessage() -> (WorkerMessage, Payload?) {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: (.hello(hello()), nil)
        case 1:
            (
                .heartbeat(
                    Heartbeat(
                        running: integer(), queued: integer(), cachedBytes: integer(), flopsTotal: quantity(),
                        busySecondsTotal: quantity())), nil
            )
        case 2: (.result(TaskResult(ref: ref(), computeSeconds: quantity(), flops: quantity())), payload())
        case 3: (.failed(TaskFailure(ref: ref(), message: text(bytesMax: 1_000))), nil)
        default: (.goodbye, nil)
        }
    }

    mutating func coordinatorMessage() -> (CoordinatorMessage, Payload?) {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0:
            (
                .welcome(
                    Welcome(
                        epoch: Epoch(integer()), heartbeatMilliseconds: integer(), blockPort: integer(),
                        blockSecret: Bool.random(using: &generator)
                            ? SecretKey(bytes: (0..<32).map { _ in integer(UInt8.self) }) : nil)), nil
            )
        case 1: (.whoAreYou, nil)
        case 2: (.lease(Lease(ref: ref(), kind: text(bytesMax: 200))), payload())
        case 3: (.cancel((0..<Int.random(in: 0...1_024, using: &generator)).map { _ in AttemptID(integer()) }), nil)
        case 4: (.ack(AttemptID(integer())), nil)
        case 5: (.drain, nil)
        case 6: (.changeCoreType("Z" + text(bytesMax: 20)), nil)
        default: (.refused(text(bytesMax: 1_000)), nil)
        }
    }

    mutating func blockRequest() -> BlockRequest {
        BlockRequest(
            hash: hash(), mayRedirect: Bool.random(using: &generator), asker: integer(),
            failedAt: Bool.random(using: &generator) ? text(bytesMax: 200) : nil)
    }

    mutating func blockReply() -> (BlockReply, Payload) {
        if Int.random(in: 0..<4, using: &generator) == 0 {
            return (BlockReply(hash: hash(), askThere: text(bytesMax: 200), wantsNotice: true), Payload(copying: []))
        }
        return (BlockReply(hash: hash(), wantsNotice: Bool.random(using: &generator)), payload())
    }
}

extension Payload {
    /// The bytes as an array, for comparing.
    var array: [UInt8] { Array(bytes) }
}
