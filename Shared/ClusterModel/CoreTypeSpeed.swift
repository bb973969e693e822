/// What one slot computes at most with one core type of OpenBLAS, as measured by multiplying tiles the way the kernels do.
package struct CoreTypeSpeed: Hashable, Sendable, Codable {
    /// As OpenBLAS calls it, such as `SkylakeX`.
    package var coreType: String
    /// Of one thread that has its core for itself.
    package var float32GigaflopsPerSecond: Double
    package var float64GigaflopsPerSecond: Double
    /// Hash of the products of fixed operands, 16 hexadecimal digits: two core types that differ here differ in their bits.
    package var answer: String

    package init(coreType: String, float32GigaflopsPerSecond: Double, float64GigaflopsPerSecond: Double, answer: String = "") {
        self.coreType = coreType
        self.float32GigaflopsPerSecond = float32GigaflopsPerSecond
        self.float64GigaflopsPerSecond = float64GigaflopsPerSecond
        self.answer = answer
    }

    /// One figure to compare by: the speed of work that is half float32 and half float64, by operations. So the times are
    /// added, and neither precision's speed can hide that the other one is slow.
    package var gigaflopsPerSecond: Double {
        guard float32GigaflopsPerSecond > 0, float64GigaflopsPerSecond > 0 else { return 0 }
        return 2 / (1 / float32GigaflopsPerSecond + 1 / float64GigaflopsPerSecond)
    }
}
