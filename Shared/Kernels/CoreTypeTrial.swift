import CKernels
import ClusterModel
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

// One core type can only be tried by a process of its own, since OpenBLAS decides when it is loaded. So this program
// starts itself with the core type set, and the child multiplies tiles and says in one line of JSON how it went.

extension BLAS {
    /// Answers when this process was started to try a core type, and then does not return; so every program that calls
    /// `adoptCoreType` calls this first of all.
    package static func measureIfAsked() {
        CoreTypeTrial.isAnswered.store(true, ordering: .relaxed)
        guard getenv(CoreTypeTrial.variable) != nil else { return }
        let line = (try? JSONEncoder().encode(CoreTypeTrial.measure())).map { String(decoding: $0, as: UTF8.self) } ?? ""
        // Nothing of OpenBLAS needs an orderly end.
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
        _exit(0)
    }
}

enum CoreTypeTrial {
    /// Set for a child that shall measure.
    static let variable = "ALPHAGRID_BLAS_TRIAL"
    /// Whether this program's children would answer: one that knows nothing of trials would do its own work instead.
    static let isAnswered = Atomic(false)

    /// The shape of a tile's product.
    private static let edge = 256
    private static let depth = 1_280
    /// How long each precision is measured: some ten products, of which the fastest counts, since whatever disturbs a
    /// product makes it slower.
    private static let milliseconds = 25
    /// A child that takes longer hangs.
    private static let timeLimitMilliseconds = 3_000

    /// The core type this process computes with, its speed and its answer.
    static func measure() -> CoreTypeSpeed {
        BLAS.configure()
        var hash = Fingerprint()
        let single = speed(of: Float.self, &hash)
        let double = speed(of: Double.self, &hash)
        return CoreTypeSpeed(
            coreType: BLAS.profile.coreType, float32GigaflopsPerSecond: single, float64GigaflopsPerSecond: double,
            answer: hash.text)
    }

    private static func speed<Element: GemmElement & BinaryFloatingPoint>(
        of type: Element.Type, _ hash: inout Fingerprint
    ) -> Double {
        var state: UInt32 = 1
        let a = operand(of: type, &state)
        let b = operand(of: type, &state)
        let c = AlignedBuffer<Element>(count: edge * edge)
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(milliseconds)
        var best = Duration.seconds(1_000)
        repeat {
            let begin = clock.now
            multiply(a, b, into: c)
            best = min(best, clock.now - begin)
        } while clock.now < end
        hash.add(UnsafeRawBufferPointer(start: c.pointer, count: c.byteCount))
        let seconds = Double(best.components.attoseconds) * 1e-18 + Double(best.components.seconds)
        return Double(2 * edge * edge * depth) / max(seconds, 1e-9) * 1e-9
    }

    /// Fixed values of either sign without a pattern (a 32-bit LCG), so that every sum is rounded; laid out as the kernels
    /// of this core type want them.
    private static func operand<Element: GemmElement & BinaryFloatingPoint>(
        of type: Element.Type, _ state: inout UInt32
    ) -> AlignedBuffer<Element> {
        let values = AlignedBuffer<Element>(count: edge * depth)
        let strip = Int(AG_STRIP)
        for series in 0..<edge {
            for day in 0..<depth {
                state = state &* 1_664_525 &+ 1_013_904_223
                let position =
                    BLAS.multipliesStrips
                    ? (series / strip * depth + day) * strip + series % strip : series * depth + day
                values.pointer[position] = Element(Int(state >> 8) - (1 << 23)) / Element(1 << 23)
            }
        }
        return values
    }

    /// c = a * b', the way `CorrelationKernel` does it.
    private static func multiply<Element: GemmElement>(
        _ a: AlignedBuffer<Element>, _ b: AlignedBuffer<Element>, into c: AlignedBuffer<Element>
    ) {
        guard BLAS.multipliesStrips else {
            Element.multiplyTransposed(a.pointer, b.pointer, into: c.pointer, edge: edge, step: edge, depth: depth)
            return
        }
        var product = ag_product()
        product.rows = UnsafeRawPointer(a.pointer)
        product.columns = UnsafeRawPointer(b.pointer)
        product.depth = depth
        product.days = depth
        product.panel = Panels.depth(of: depth)
        product.row_count = edge
        product.column_count = edge
        product.step = edge
        product.is_float = Element.isFloat ? 1 : 0
        ag_multiply(&product, c.pointer)
    }

    /// Tries a core type in a child process.
    ///
    /// - Parameters:
    ///   - coreType: nil for what OpenBLAS picks by itself.
    ///   - program: what answers; this program unless a test says otherwise.
    /// - Returns: nil when the child could not be started, crashed, hung or said something else.
    static func run(
        _ coreType: String?, program: String = "/proc/self/exe", timeLimitMilliseconds: Int = timeLimitMilliseconds
    ) -> CoreTypeSpeed? {
        var environment: [String] = []
        for (name, value) in ProcessInfo.processInfo.environment where !name.hasPrefix("OPENBLAS_") {
            environment.append("\(name)=\(value)")
        }
        environment.append("OPENBLAS_NUM_THREADS=1")
        environment.append("\(variable)=1")
        if let coreType { environment.append("\(CoreTypeChoice.coreVariable)=\(coreType)") }
        guard let line = ChildOutput.line(of: program, environment, timeLimitMilliseconds: timeLimitMilliseconds),
            let speed = try? JSONDecoder().decode(CoreTypeSpeed.self, from: Data(line)), speed.isPlausible
        else { return nil }
        return speed
    }
}

extension CoreTypeSpeed {
    /// Whether the figures can be meant: they come from files and other processes.
    var isPlausible: Bool {
        let speeds = 0.001..<1_000_000
        return CoreTypeChoice.isName(coreType) && answer.utf8.count <= 32
            && speeds.contains(float32GigaflopsPerSecond) && speeds.contains(float64GigaflopsPerSecond)
    }
}

/// FNV-1a over 64-bit words: enough to tell one answer from another.
private struct Fingerprint {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        for word in bytes.bindMemory(to: UInt64.self) { state = (state ^ word) &* 0x100_0000_01B3 }
    }

    var text: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
